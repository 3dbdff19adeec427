//! An entry of the catalogue as a section of a page, and how its values are written.

use serde_json::Value;

use super::{Item, Place};

/// `temperature, 64 × 64 values [K]`.
pub fn space(place: &Place) -> String {
    let unit = match place.unit.as_str() {
        "" | "1" => String::new(),
        unit => format!(" [{unit}]"),
    };
    let shape: Vec<String> = place.shape.iter().map(ToString::to_string).collect();
    let each: Vec<String> = place
        .labels
        .iter()
        .map(|(name, unit)| match unit.as_str() {
            "" | "1" => name.clone(),
            unit => format!("{name} [{unit}]"),
        })
        .collect();
    let each = match each.as_slice() {
        [] => String::new(),
        each => format!(": {}", each.join(", ")),
    };
    format!("{}, {} values{unit}{each}", place.name, shape.join(" × "))
}

/// A value as a file says it; long lists are cut.
pub fn written(value: &Value) -> String {
    match value {
        Value::Array(items) if items.len() > 4 => {
            let first: Vec<String> = items[..2].iter().map(written).collect();
            let last = items.last().map(written).unwrap_or_default();
            format!("[{}, …, {last}]", first.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(written).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(table) => {
            let fields: Vec<String> = table
                .iter()
                .map(|(k, v)| format!("{k} = {}", written(v)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::String(text) => format!("\"{text}\""),
        other => other.to_string(),
    }
}

/// The entry as a section of a page.
pub fn markdown(item: &Item) -> String {
    let mut page = format!(
        "### `{}`\n\n{}{}.",
        item.name,
        item.sentence.trim_end_matches('.'),
        also(item)
    );
    if !item.source.is_empty() {
        page.push_str(&format!(" *{}*", item.source));
    }
    page.push_str("\n\n");
    for (name, place) in [("x", &item.x), ("y", &item.y)] {
        if let Some(place) = place {
            page.push_str(&format!("- {name}: {}\n", space(place)));
        }
    }
    if item.x.is_some() {
        page.push('\n');
    }
    if !item.options.is_empty() {
        let key = match item.kind.as_str() {
            "description" => "key",
            _ => "option",
        };
        page.push_str(&format!(
            "| {key} | value | default | meaning |\n|---|---|---|---|\n"
        ));
        for option in &item.options {
            let default = option
                .default
                .as_ref()
                .map(|v| format!("`{}`", written(v)))
                .unwrap_or_default();
            let cell = |text: &str| text.replace('|', "\\|");
            page.push_str(&format!(
                "| `{}` | {} | {default} | {} |\n",
                option.key,
                cell(&option.kind),
                cell(&option.meaning)
            ));
        }
        page.push('\n');
    }
    page
}

/// The other names of an entry, in brackets.
pub fn also(item: &Item) -> String {
    match item.aliases.as_slice() {
        [] => String::new(),
        aliases => format!(" (also {})", aliases.join(", ")),
    }
}
