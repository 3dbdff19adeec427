//! The config of a question, read with a limit: a short text can stand for much memory.

use std::cell::Cell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use toml::Value;

/// More values than this no config needs.
const MOST: usize = 1_000_000;

/// Options, as a table.
#[derive(Debug, Default)]
pub struct Config(pub toml::Table);

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let left = Cell::new(MOST);
        match Counted(&left).deserialize(deserializer)? {
            Value::Table(table) => Ok(Self(table)),
            other => Err(Error::custom(format!(
                "the config is {}, expected an object such as {{\"key\": 1}}",
                other.type_str()
            ))),
        }
    }
}

/// Reads a value and counts what it holds.
struct Counted<'c>(&'c Cell<usize>);

impl<'de> DeserializeSeed<'de> for Counted<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.0.get();
        if left == 0 {
            return Err(Error::custom(format!(
                "the config holds more than {MOST} values"
            )));
        }
        self.0.set(left - 1);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counted<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of the config: a number, a text, true or false, a list or an object")
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value)
            .map(Value::Integer)
            .map_err(|_| E::custom(format!("the config holds {value}, which is too large")))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Counted(self.0))? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut table = toml::Table::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Counted(self.0))?;
            table.insert(key, value);
        }
        Ok(Value::Table(table))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_config_is_a_table_of_limited_size() {
        let config: Config =
            serde_json::from_str(r#"{"a": [1, 2.5, {"b": "c"}], "d": true}"#).unwrap();
        assert_eq!(
            config.0.to_string().trim(),
            "a = [1, 2.5, { b = \"c\" }]\nd = true"
        );
        let refused = |text: &str| {
            serde_json::from_str::<Config>(text)
                .unwrap_err()
                .to_string()
        };
        assert!(refused("[1]").contains("expected an object"));
        assert!(refused(r#"{"a": null}"#).contains("expected a value of the config"));
        assert!(refused(r#"{"a": 18446744073709551615}"#).contains("too large"));
        let long = format!("{{\"a\": [{}0]}}", "0,".repeat(MOST));
        assert!(refused(&long).contains("more than 1000000 values"));
    }
}
