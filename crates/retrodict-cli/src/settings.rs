//! `--set key=value`: a path of keys, and a value in TOML.

use crate::failure::{Failure, Outcome};

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The keys, outermost first.
    pub path: Vec<String>,
    /// The value.
    pub value: toml::Value,
    /// As it was written.
    pub text: String,
}

/// Reads `key=value`; what is no TOML value is taken as text.
pub fn parse(text: &str) -> Outcome<Setting> {
    let Some((path, value)) = text.split_once('=') else {
        return Err(Failure::Misuse(format!(
            "--set {text}: expected KEY=VALUE, for example --set nu_t=4"
        )));
    };
    let path: Vec<String> = path.trim().split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err(Failure::Misuse(format!(
            "--set {text}: a key is empty; write keys as name or outer.inner"
        )));
    }
    let value = value.trim();
    let value = format!("value = {value}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    Ok(Setting {
        path,
        value,
        text: text.to_owned(),
    })
}

/// Writes a value at a path of keys, making tables on the way.
pub fn insert(table: &mut toml::Table, path: &[String], value: toml::Value) -> Outcome<()> {
    match path {
        [] => Ok(()),
        [key] => {
            table.insert(key.clone(), value);
            Ok(())
        }
        [key, rest @ ..] => {
            let inner = table
                .entry(key.clone())
                .or_insert_with(|| toml::Value::Table(toml::Table::new()));
            match inner.as_table_mut() {
                Some(inner) => insert(inner, rest, value),
                None => Err(Failure::Misuse(format!(
                    "--set: '{key}' is a value, not a table; it has no key '{}'",
                    rest.join(".")
                ))),
            }
        }
    }
}

/// A table of all settings.
pub fn table(settings: &[String]) -> Outcome<toml::Table> {
    let mut table = toml::Table::new();
    for text in settings {
        let setting = parse(text)?;
        insert(&mut table, &setting.path, setting.value)?;
    }
    Ok(table)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_paths_and_toml_values() {
        let read = table(&[
            "nu_t=4".into(),
            "shape=[8, 8]".into(),
            "inverse.filter=tikhonov".into(),
            "inverse.lambda = 1e-3".into(),
        ])
        .unwrap();
        let expected = "nu_t = 4\nshape = [8, 8]\ninverse = { filter = 'tikhonov', lambda = 1e-3 }";
        assert_eq!(read, expected.parse::<toml::Table>().unwrap());
        assert!(parse("nu_t").is_err());
        assert!(parse(".a=1").is_err());
    }
}
