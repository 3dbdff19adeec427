//! What options mean, from the option structs themselves: their doc comments, types and defaults.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// An option of an entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Setting {
    /// Its name.
    pub key: String,
    /// What its value may be, in words: `number`, `whole number`, `list of numbers`, or the values themselves.
    pub kind: String,
    /// Its default; `None` where there is none.
    pub default: Option<Value>,
    /// What it means.
    pub meaning: String,
}

/// The options of a type as a JSON schema, with everything in place.
pub fn schema<O: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<O>()
}

/// The options of a type with their defaults, in their order.
pub(super) fn of<O: Default + Serialize + DeserializeOwned + JsonSchema>() -> Vec<Setting> {
    let defaults = serde_json::to_value(O::default()).unwrap_or_default();
    let mut settings = fields::<O>();
    for setting in &mut settings {
        setting.default = defaults.get(&setting.key).filter(|v| !v.is_null()).cloned();
    }
    settings
}

/// The fields of a description, in their order.
pub fn fields<T: DeserializeOwned + JsonSchema>() -> Vec<Setting> {
    let schema: Value = schema::<T>().into();
    let properties = schema.get("properties").and_then(Value::as_object);
    let empty = Map::new();
    let properties = properties.unwrap_or(&empty);
    let setting = |key: &&str| {
        let property = properties.get(*key)?;
        Some(Setting {
            key: (*key).to_owned(),
            kind: kind(property),
            default: property.get("default").filter(|v| is_plain(v)).cloned(),
            meaning: meaning(property),
        })
    };
    crate::options::keys::<T>()
        .iter()
        .filter_map(setting)
        .collect()
}

/// Whether a default says more than that nothing is there.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Null | Value::Object(_) => false,
    }
}

/// The kinds of a description that is one of several, such as how samples are drawn: each with its keys.
pub fn kinds<T: JsonSchema>() -> Vec<Setting> {
    let schema: Value = schema::<T>().into();
    let one = |schema: &Value| {
        let own = of_kind(schema)?;
        let keys = properties(schema).filter(|(key, _)| *key != KIND);
        let keys: Vec<String> = keys
            .map(|(key, value)| format!("{key} ({})", kind(value)))
            .collect();
        Some(Setting {
            key: own.to_owned(),
            kind: match keys.as_slice() {
                [] => "no keys".to_owned(),
                keys => keys.join(", "),
            },
            default: None,
            meaning: meaning(schema),
        })
    };
    let several = schema.get("oneOf").and_then(Value::as_array);
    several.into_iter().flatten().filter_map(one).collect()
}

/// What names an entry of a list may be.
const NAME: &str = "name, alone or with options";

/// Fields of a table up to which they are all said.
const MOST_FIELDS: usize = 4;

/// The key that tells kinds of tables apart.
const KIND: &str = "kind";

/// The kind of a table that is one of several.
fn of_kind(schema: &Value) -> Option<&str> {
    schema.get("properties")?.get(KIND)?.get("const")?.as_str()
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten()
}

/// The first paragraph of a description, on one line, without the marks of rustdoc.
fn meaning(property: &Value) -> String {
    let text = property.get("description").and_then(Value::as_str);
    let first = text
        .unwrap_or_default()
        .split("\n\n")
        .next()
        .unwrap_or_default();
    plain(first)
}

/// `[`Heat`](crate::simulators)` is Heat, and `\[x\]` is [x].
fn plain(text: &str) -> String {
    let text = text.replace("\\[", "\u{1}").replace("\\]", "\u{2}");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("](") {
        let (before, after) = rest.split_at(at);
        let close = after.find(')').unwrap_or(after.len() - 1);
        match before.rfind('[') {
            Some(open) => {
                out.push_str(&before[..open]);
                out.push_str(&before[open + 1..]);
                rest = &after[close + 1..];
            }
            None => {
                out.push_str(&rest[..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    let out = out
        .replace('\u{1}', "[")
        .replace('\u{2}', "]")
        .replace("[`", "`")
        .replace("`]", "`");
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a value may be, in words.
fn kind(schema: &Value) -> String {
    if let Some(value) = schema.get("const") {
        return words(value);
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values: Vec<String> = values.iter().filter(|v| !v.is_null()).map(words).collect();
        return values.join(" | ");
    }
    for several in ["oneOf", "anyOf"] {
        if let Some(kinds) = schema.get(several).and_then(Value::as_array) {
            let tables: Vec<&str> = kinds.iter().filter_map(of_kind).collect();
            if tables.len() == kinds.len() {
                return format!("table with kind = {}", tables.join(" | "));
            }
            let mut kinds: Vec<String> =
                kinds.iter().map(kind).filter(|k| k != "nothing").collect();
            kinds.dedup();
            return match kinds.join(" | ").as_str() {
                "text | { name = text }" => NAME.to_owned(),
                several => several.to_owned(),
            };
        }
    }
    let one = |name: &str| match name {
        "number" => "number".to_owned(),
        "integer" => "whole number".to_owned(),
        "boolean" => "true | false".to_owned(),
        "string" => "text".to_owned(),
        "null" => "nothing".to_owned(),
        "array" => list(schema),
        "object" => table(schema),
        other => other.to_owned(),
    };
    match schema.get("type") {
        Some(Value::String(name)) => one(name),
        Some(Value::Array(names)) => {
            let names = names
                .iter()
                .filter_map(Value::as_str)
                .filter(|n| *n != "null");
            names.map(one).collect::<Vec<_>>().join(" | ")
        }
        _ => "any value".to_owned(),
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn list(schema: &Value) -> String {
    let Some(items) = schema.get("items").filter(|items| items.is_object()) else {
        return "list".to_owned();
    };
    match kind(items).as_str() {
        "number" => "list of numbers".to_owned(),
        "whole number" => "list of whole numbers".to_owned(),
        "list of numbers" => "list of lists of numbers".to_owned(),
        NAME => "list of names, each alone or with options".to_owned(),
        table if table.starts_with('{') || table == "table" => "list of tables".to_owned(),
        other => format!("list of ({other})"),
    }
}

fn table(schema: &Value) -> String {
    let field = |(key, schema): (&String, &Value)| match kind(schema) {
        // What tables within tables hold is said where they stand alone.
        inner if inner.contains('{') || inner.starts_with("table") => format!("{key} = table"),
        inner => format!("{key} = {inner}"),
    };
    let fields: Vec<String> = properties(schema).map(field).collect();
    match fields.len() {
        // What larger ones hold is said where they stand alone.
        1..=MOST_FIELDS => format!("{{ {} }}", fields.join(", ")),
        _ => "table".to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::registry::Registry;

    #[test]
    fn every_option_of_every_entry_says_what_it_is() {
        let registry = Registry::standard();
        let mut seen = 0;
        registry.each(|kind, entry, settings, keys| {
            let named: Vec<&str> = settings.iter().map(|s| s.key.as_str()).collect();
            assert_eq!(named, keys, "{kind} {entry}");
            for setting in settings {
                seen += 1;
                let Setting {
                    key, kind, meaning, ..
                } = setting;
                assert!(
                    meaning.len() > 5,
                    "{entry}: {key} has no meaning: '{meaning}'"
                );
                assert!(
                    !meaning.contains("](") && !meaning.contains("crate::"),
                    "{meaning}"
                );
                assert!(
                    !kind.is_empty() && kind != "any value",
                    "{entry}: {key} is {kind}"
                );
            }
        });
        assert!(seen > 150, "{seen}");
    }

    #[test]
    fn descriptions_lose_the_marks_of_rustdoc() {
        assert_eq!(
            plain("See [`Heat`](crate::simulators::Heat), in \\[x\\]."),
            "See `Heat`, in [x]."
        );
        let entry = crate::registry::RULES.find("adam").unwrap();
        let rate = &entry.settings()[0];
        assert_eq!(
            (rate.key.as_str(), rate.kind.as_str()),
            ("learning_rate", "number")
        );
        assert_eq!(rate.default, Some(0.01.into()));
    }
}
