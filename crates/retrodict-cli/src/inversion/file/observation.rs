//! `--observation NAME:KEY=VALUE,…`: a data set by a flag.

use retrodict::options::explain;
use retrodict::spec::{ObservationSpec, Override, insert};

use super::parts::parts;
use crate::failure::{Failure, Outcome};

/// What belongs to the data set itself; other keys are options of its simulator.
const OWN: [&str; 3] = ["target", "noise", "simulator"];

/// A data set of a flag, or what it changes of one that a file has.
pub fn observation(text: &str, known: &mut Vec<ObservationSpec>) -> Outcome<()> {
    let expected = || {
        Failure::Misuse(format!(
            "--observation {text}: expected NAME:KEY=VALUE,…, as in north:target=north.csv:counts,noise.std=5"
        ))
    };
    let (name, options) = text.split_once(':').ok_or_else(expected)?;
    let name = name.trim();
    let refused = |why: String| Failure::Misuse(format!("--observation {text}: {why}"));
    let place = known.iter().position(|known| known.name == name);
    let place = place.unwrap_or_else(|| {
        known.push(ObservationSpec::new(name, ""));
        known.len() - 1
    });
    let mut table = toml::Table::try_from(&known[place]).map_err(|e| refused(e.to_string()))?;
    for option in parts(options) {
        let Override {
            mut path, value, ..
        } = Override::parse(option).map_err(|_| expected())?;
        // A name alone is that of the simulator.
        if path == ["simulator"] && value.is_str() {
            path.push("name".to_owned());
        }
        if !OWN.contains(&path[0].as_str()) {
            path.insert(0, "simulator".to_owned());
        }
        insert(&mut table, &path, value)?;
    }
    let spec: ObservationSpec = table
        .try_into()
        .map_err(|e: toml::de::Error| refused(explain(&e.to_string())))?;
    if spec.target.is_none() {
        return Err(refused(format!(
            "its target is missing; name its file, as in {name}:target=y.csv"
        )));
    }
    known[place] = spec;
    Ok(())
}

/// The keys that a flag sets, as paths from the description.
pub fn paths(text: &str) -> Vec<Vec<String>> {
    let (name, options) = text.split_once(':').unwrap_or((text, ""));
    let path = |option: &str| {
        let key = option.split('=').next().unwrap_or_default().trim();
        let first = key.split('.').next().unwrap_or_default();
        let mut path = vec!["observation".to_owned(), name.trim().to_owned()];
        if !OWN.contains(&first) {
            path.push("simulator".to_owned());
        }
        path.extend(key.split('.').map(str::to_owned));
        path
    };
    let own = vec![
        "observation".to_owned(),
        name.trim().to_owned(),
        "name".to_owned(),
    ];
    std::iter::once(own)
        .chain(parts(options).into_iter().map(path))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use retrodict::spec::Values;

    use super::*;

    #[test]
    fn a_data_set_is_read_from_a_flag_and_changed_by_another() {
        let mut sets = Vec::new();
        let flag = "north:target='a.csv:n?site=north',times=[1, 2],noise.std=0.5,simulator=sir";
        observation(flag, &mut sets).unwrap();
        observation("north:simulator.population=1e3", &mut sets).unwrap();
        assert_eq!(sets.len(), 1);
        assert_eq!(sets[0].target, "a.csv:n?site=north".into());
        let simulator = sets[0].simulator.as_ref().unwrap();
        assert_eq!(simulator.name, "sir");
        assert_eq!(simulator.options["times"].as_array().unwrap().len(), 2);
        assert_eq!(simulator.options["population"].as_float(), Some(1e3));
        assert_eq!(sets[0].noise.as_ref().unwrap().std, Some(Values::One(0.5)));
        let message = observation("south:times=[1]", &mut sets)
            .unwrap_err()
            .to_string();
        assert!(message.contains("target is missing"), "{message}");
        let message = observation("south", &mut sets).unwrap_err().to_string();
        assert!(message.contains("expected NAME:KEY=VALUE"), "{message}");
    }
}
