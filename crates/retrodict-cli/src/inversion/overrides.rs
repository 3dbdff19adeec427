use crate::registry;
use retrodict::options::nearest;
use toml::{Table, Value};

use crate::failure::{Failure, Outcome};
use crate::settings::{Setting, insert};

/// The tables of an inversion that settings reach by name, as in `rule.KEY`.
const TABLES: [&str; 7] = [
    "simulator",
    "rule",
    "start",
    "noise",
    "bounds",
    "stop",
    "posterior",
];

/// The keys that are set as a whole.
const WHOLE: [&str; 4] = ["title", "target", "transform", "statistics"];

/// Changes one setting of an inversion: `rule.KEY`, `stop.KEY` and the like by name, everything else an
/// option of the simulator.
pub fn apply(inversion: &mut Table, setting: &Setting) -> Outcome<()> {
    let misuse = |why: String| Failure::Misuse(format!("--set {}: {why}", setting.text));
    let (path, value) = (setting.path.as_slice(), &setting.value);
    let first = path.first().map(String::as_str).unwrap_or_default();
    match (first, path.len(), value) {
        (key, 1, _) if WHOLE.contains(&key) => insert(inversion, path, value.clone()),
        ("rule", 1, Value::String(name)) => {
            let mut rule = Table::new();
            rule.insert("name".to_owned(), name.clone().into());
            inversion.insert("rule".to_owned(), rule.into());
            Ok(())
        }
        ("rule", 1, _) => Err(misuse(
            "options of the rule are set as rule.KEY=VALUE".to_owned(),
        )),
        ("inverse", 1, Value::String(_)) => insert(inversion, path, value.clone()),
        ("inverse", 2.., _) if inversion.contains_key("inverse") => {
            named(inversion, "inverse");
            insert(inversion, path, value.clone())
        }
        ("prior", 3.., _) => prior(inversion, &path[1..], value).map_err(misuse),
        ("prior", ..) => Err(misuse(
            "options of a prior are set as prior.NAME.KEY=VALUE, as in prior.tikhonov.weight=1e-3"
                .to_owned(),
        )),
        (table, 2.., _) if TABLES.contains(&table) => insert(inversion, path, value.clone()),
        _ => {
            check_option(inversion, first).map_err(misuse)?;
            let mut full = vec!["simulator".to_owned()];
            full.extend_from_slice(path);
            insert(inversion, &full, value.clone())
        }
    }
}

/// Sets a key of the prior of a name.
fn prior(inversion: &mut Table, path: &[String], value: &Value) -> Result<(), String> {
    let priors = inversion.get_mut("prior").and_then(Value::as_array_mut);
    let mut priors: Vec<&mut Table> = priors
        .map(|list| list.iter_mut().filter_map(Value::as_table_mut).collect())
        .unwrap_or_default();
    let name = |table: &Table| {
        table
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let names: Vec<String> = priors.iter().map(|table| name(table)).collect();
    let Some(i) = names.iter().position(|known| *known == path[0]) else {
        return Err(match names.as_slice() {
            [] => "the inversion has no priors; add one with --prior, or [[prior]] in its file"
                .to_owned(),
            names => format!(
                "no prior is called '{}'; known: {}",
                path[0],
                names.join(", ")
            ),
        });
    };
    insert(priors[i], &path[1..], value.clone()).map_err(|e| e.to_string())
}

/// Makes `key = "name"` a table with that name, so that options find a place beside it.
fn named(inversion: &mut Table, key: &str) {
    if let Some(Value::String(name)) = inversion.get(key).cloned() {
        let mut table = Table::new();
        table.insert("name".to_owned(), name.into());
        inversion.insert(key.to_owned(), table.into());
    }
}

/// Whether the simulator has such an option; a simulator that is not ours knows better than we do.
fn check_option(inversion: &Table, key: &str) -> Result<(), String> {
    let name = inversion
        .get("simulator")
        .and_then(|s| s.get("name")?.as_str());
    let Some(entry) = name.and_then(|name| registry().simulator(name).ok()) else {
        return Ok(());
    };
    if entry.accepts(key) {
        return Ok(());
    }
    let known = entry.keys();
    let all = || known.iter().copied().chain(TABLES).chain(WHOLE);
    let hint = nearest(key, all())
        .map(|near| format!(" (did you mean '{near}'?)"))
        .unwrap_or_default();
    let options = match known {
        [] => "it has none".to_owned(),
        known => known.join(", "),
    };
    Err(format!(
        "{} has no option '{key}'{hint}; known: {options}; or rule.KEY, start.KEY, noise.KEY, \
         bounds.KEY, prior.NAME.KEY, stop.KEY, posterior.KEY, inverse.KEY",
        entry.name
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::settings::parse;

    fn changed(settings: &[&str]) -> Outcome<Table> {
        let text = "target = 'y.npy'\nsimulator = { name = 'heat' }\nrule = { name = 'adam', beta1 = 0.5 }";
        let mut table: Table = text.parse().unwrap();
        for text in settings {
            apply(&mut table, &parse(text)?)?;
        }
        Ok(table)
    }

    #[test]
    fn settings_find_their_table() {
        let table = changed(&[
            "nu_t=4",
            "inverse.filter=tikhonov",
            "noise=0.5",
            "noise.relative=1e-3",
            "stop.steps=7",
            "rule.learning_rate=1",
            "target=z.npy",
        ])
        .unwrap();
        let expected = "target = 'z.npy'
            simulator = { name = 'heat', nu_t = 4, inverse = { filter = 'tikhonov' }, noise = 0.5 }
            rule = { name = 'adam', beta1 = 0.5, learning_rate = 1 }
            noise = { relative = 1e-3 }
            stop = { steps = 7 }";
        assert_eq!(table, expected.parse::<Table>().unwrap());
        // A local inverse that was chosen takes its options; another rule starts without any.
        let table = changed(&["inverse=path", "inverse.tolerance=1e-3", "rule=newton"]).unwrap();
        assert_eq!(table["inverse"]["tolerance"].as_float(), Some(1e-3));
        assert_eq!(table["rule"].as_table().map(Table::len), Some(1));
        for (wrong, hint) in [
            ("nut=1", "did you mean 'nu_t'"),
            ("rule=1", "rule.KEY=VALUE"),
            ("stp.steps=1", "did you mean 'stop'"),
            ("prior.tikhonov.weight=1", "the inversion has no priors"),
            ("prior.weight=1", "prior.NAME.KEY=VALUE"),
        ] {
            let message = changed(&[wrong]).unwrap_err().to_string();
            assert!(
                message.contains(hint) && message.contains(wrong),
                "{message}"
            );
        }
    }
}
