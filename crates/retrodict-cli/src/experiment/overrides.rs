use crate::registry;
use retrodict::options::nearest;
use toml::{Table, Value};

use crate::failure::{Failure, Outcome};
use retrodict::spec::{Override, insert};

/// The keys of a problem that are not options of its simulator.
const PROBLEM_KEYS: &[&str] = &[
    "simulator",
    "loss",
    "truth",
    "target",
    "start",
    "noise",
    "error",
];
/// The keys of a method that are not options of its rule.
const METHOD_KEYS: &[&str] = &[
    "rule",
    "simulator",
    "inverse",
    "steps",
    "starts",
    "spread",
    "loss_below",
    "problems",
];

/// Changes one setting of an experiment.
///
/// Where it belongs follows from its first key: a problem's or a method's name, or a key that
/// belongs to the run, to all problems or to all methods.
pub fn apply(experiment: &mut Table, setting: &Override) -> Outcome<()> {
    let misuse = |why: String| Failure::Misuse(format!("--set {}: {why}", setting.text));
    let (path, value) = (setting.path.as_slice(), &setting.value);
    let first = path.first().map(String::as_str).unwrap_or_default();
    if first == "seed" {
        return Ok(insert(experiment, path, value.clone())?);
    }
    for (list, own, holder, knows) in LISTS {
        let Some(entry) = named(experiment, list, first) else {
            continue;
        };
        let Some(key) = path.get(1) else {
            return Err(misuse(format!(
                "'{first}' is a {list}; write {first}.KEY=VALUE"
            )));
        };
        let options = knows(entry);
        return if own.contains(&key.as_str()) {
            Ok(insert(entry, &path[1..], value.clone())?)
        } else if options.contains(&key.as_str()) {
            Ok(insert(entry, &under(holder, &path[1..]), value.clone())?)
        } else {
            let known = [*own, options].concat();
            Err(misuse(unknown(
                &format!("the {list} '{first}' has no key"),
                key,
                &known,
            )))
        };
    }
    to_all(experiment, setting)
}

type Keys = fn(&Table) -> &'static [&'static str];

/// Lists of entries, their own keys, the table that holds further options, and which those are.
const LISTS: &[(&str, &[&str], &str, Keys)] = &[
    ("problem", PROBLEM_KEYS, "simulator", simulator_keys),
    ("method", METHOD_KEYS, "rule", rule_keys),
];

/// A key without a name in front of it goes wherever it is known.
fn to_all(experiment: &mut Table, setting: &Override) -> Outcome<()> {
    let misuse = |why: String| Failure::Misuse(format!("--set {}: {why}", setting.text));
    let (path, value) = (setting.path.as_slice(), &setting.value);
    let first = path.first().map(String::as_str).unwrap_or_default();
    // `simulator` and `rule` as a whole are not changed; a method has a `simulator` of its own.
    for (list, own) in [
        ("method", &["steps", "starts", "spread", "loss_below"][..]),
        ("problem", PROBLEM_KEYS),
    ] {
        if own.contains(&first) {
            for entry in entries(experiment, list) {
                insert(entry, path, value.clone())?;
            }
            return Ok(());
        }
    }
    let mut changed = false;
    for problem in entries(experiment, "problem") {
        if simulator_keys(problem).contains(&first) {
            insert(problem, &under("simulator", path), value.clone())?;
            changed = true;
        }
    }
    if changed {
        return Ok(());
    }
    let mut methods: Vec<&mut Table> = entries(experiment, "method")
        .into_iter()
        .filter(|m| rule_keys(m).contains(&first))
        .collect();
    match methods.as_mut_slice() {
        [method] => Ok(insert(method, &under("rule", path), value.clone())?),
        [] => Err(misuse(unknown(
            "nothing here is called",
            first,
            &all_names(experiment),
        ))),
        several => {
            let names: Vec<&str> = several.iter().map(|m| name(m)).collect();
            Err(misuse(format!(
                "'{first}' is an option of {}; say which, as in {}.{first}",
                names.join(", "),
                names[0]
            )))
        }
    }
}

fn unknown<T: AsRef<str>>(what: &str, found: &str, known: &[T]) -> String {
    let names = || known.iter().map(AsRef::as_ref);
    let hint = nearest(found, names())
        .map(|near| format!(" (did you mean '{near}'?)"))
        .unwrap_or_default();
    let list: Vec<&str> = names().collect();
    format!("{what} '{found}'{hint}; known: {}", list.join(", "))
}

fn all_names(experiment: &mut Table) -> Vec<String> {
    let mut known: Vec<String> = ["seed", "steps", "starts", "spread", "loss_below"]
        .iter()
        .chain(PROBLEM_KEYS)
        .map(|k| (*k).to_owned())
        .collect();
    for list in ["problem", "method"] {
        known.extend(
            entries(experiment, list)
                .into_iter()
                .map(|e| name(e).to_owned()),
        );
    }
    for problem in entries(experiment, "problem") {
        known.extend(simulator_keys(problem).iter().map(|k| (*k).to_owned()));
    }
    let mut seen = std::collections::HashSet::new();
    known.retain(|k| seen.insert(k.clone()));
    known
}

fn simulator_keys(problem: &Table) -> &'static [&'static str] {
    let entry = inner_name(problem, "simulator").and_then(|n| registry().simulators.find(n).ok());
    entry.map_or(&[], |entry| entry.keys())
}

fn rule_keys(method: &Table) -> &'static [&'static str] {
    let entry = inner_name(method, "rule").and_then(|n| registry().rules.find(n).ok());
    entry.map_or(&[], |entry| entry.keys())
}

fn inner_name<'a>(entry: &'a Table, table: &str) -> Option<&'a str> {
    entry.get(table)?.get("name")?.as_str()
}

fn name(entry: &Table) -> &str {
    entry
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn entries<'a>(experiment: &'a mut Table, list: &str) -> Vec<&'a mut Table> {
    experiment
        .get_mut(list)
        .and_then(Value::as_array_mut)
        .map(|list| list.iter_mut().filter_map(Value::as_table_mut).collect())
        .unwrap_or_default()
}

fn named<'a>(experiment: &'a mut Table, list: &str, wanted: &str) -> Option<&'a mut Table> {
    entries(experiment, list)
        .into_iter()
        .find(|entry| name(entry) == wanted)
}

fn under(outer: &str, path: &[String]) -> Vec<String> {
    let mut full = vec![outer.to_owned()];
    full.extend_from_slice(path);
    full
}
