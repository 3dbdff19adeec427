//! A name and options: how a description names an entry of a list.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::{Table, Value};

/// An entry of a list by its name, with options: `"adam"` or `{ name = "adam", learning_rate = 0.1 }`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Named {
    /// The name or an alias.
    pub name: String,
    /// The options that differ from their defaults.
    pub options: Table,
}

impl Named {
    /// An entry with default options.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            options: Table::new(),
        }
    }

    /// The same with one option set.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.options.insert(key.to_owned(), value.into());
        self
    }
}

impl From<&str> for Named {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

/// `adam {learning_rate = 0.1}`: the same words, the same options.
impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.options)
    }
}

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.options.len()))?;
        map.serialize_entry("name", &self.name)?;
        for (key, value) in &self.options {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NamedReader;
        impl<'de> Visitor<'de> for NamedReader {
            type Value = Named;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, or a table with a name and options, as in { name = \"adam\" }")
            }

            fn visit_str<E>(self, name: &str) -> Result<Named, E> {
                Ok(Named::new(name))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named, A::Error> {
                let (mut name, mut options) = (None, Table::new());
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "name" => name = Some(map.next_value()?),
                        _ => drop(options.insert(key, map.next_value()?)),
                    }
                }
                let name = name.ok_or_else(|| {
                    A::Error::custom("the name is missing; write name = \"…\" beside the options")
                })?;
                Ok(Named { name, options })
            }
        }
        deserializer.deserialize_any(NamedReader)
    }
}

impl JsonSchema for Named {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Named".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A name, or a table with a name and options.",
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": { "name": { "type": "string" } },
                    "required": ["name"],
                },
            ],
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct File {
        rule: Named,
    }

    #[test]
    fn a_name_stands_alone_or_in_a_table_with_options() {
        let read = |text: &str| toml::from_str::<File>(text).map(|file| file.rule);
        assert_eq!(read("rule = 'adam'").unwrap(), "adam".into());
        let full = Named::new("adam").with("learning_rate", 0.1);
        let text = "rule = { learning_rate = 0.1, name = 'adam' }";
        assert_eq!(read(text).unwrap(), full);
        let file = File { rule: full };
        let again: File = toml::from_str(&toml::to_string(&file).unwrap()).unwrap();
        assert_eq!(again, file);
        let message = read("rule = { learning_rate = 0.1 }").unwrap_err();
        assert!(
            message.to_string().contains("the name is missing"),
            "{message}"
        );
        let message = read("rule = 3").unwrap_err().to_string();
        assert!(message.contains("expected a name, or a table"), "{message}");
    }
}
