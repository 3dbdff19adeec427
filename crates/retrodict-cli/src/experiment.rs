//! Experiments: several methods on several problems, as files, as runs and as tables.

mod contours;
mod film;
pub mod method_runs;
pub mod prepared;
pub mod race;
pub mod tables;

use std::path::Path;

use retrodict::Error;
use retrodict::spec::{Described, ExperimentSpec, Origin, changed};

use crate::args::settings::changes;
use crate::failure::{Failure, Outcome};
use crate::registry;

/// The built-in experiments: a name and a file each.
pub static BUILT_IN: &[(&str, &str)] = &[
    ("toy", include_str!("../experiments/toy.toml")),
    ("scaling", include_str!("../experiments/scaling.toml")),
    ("sine", include_str!("../experiments/sine.toml")),
    ("heat", include_str!("../experiments/heat.toml")),
    ("poisson", include_str!("../experiments/poisson.toml")),
    (
        "oscillators",
        include_str!("../experiments/oscillators.toml"),
    ),
    (
        "quantum-dipole",
        include_str!("../experiments/quantum-dipole.toml"),
    ),
    ("burgers", include_str!("../experiments/burgers.toml")),
    ("wave", include_str!("../experiments/wave.toml")),
    ("fluid", include_str!("../experiments/fluid.toml")),
    (
        "lotka-volterra",
        include_str!("../experiments/lotka-volterra.toml"),
    ),
];

/// A description that was read: what it says, its short name, and where it came from.
pub struct Read<T> {
    /// What it says, with all changes.
    pub spec: T,
    /// Its name without folder and ending, for a run's folder.
    pub short: String,
    /// Where it came from.
    pub origin: Origin,
}

/// The text of what is built in, or of a TOML file, with its short name; `kind` is what it is called.
fn find(kind: &'static str, name: &str, built_in: &[(&str, &str)]) -> Outcome<(String, String)> {
    if let Some((name, text)) = built_in.iter().find(|(known, _)| *known == name) {
        return Ok(((*name).to_owned(), (*text).to_owned()));
    }
    let path = Path::new(name);
    if path.extension().is_some_and(|e| e == "toml") {
        let text = crate::data::bounded::text(path)?;
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned());
        return Ok((stem.unwrap_or_else(|| kind.replace(' ', "-")), text));
    }
    let error = Error::unknown(kind, name, built_in.iter().map(|(name, _)| *name));
    Err(Failure::Misuse(format!(
        "{error}, or the path of a .toml file"
    )))
}

/// Reads an experiment and applies settings to it.
pub fn load(name: &str, settings: &[String]) -> Outcome<Read<ExperimentSpec>> {
    read(
        "experiment",
        name,
        BUILT_IN,
        settings,
        ExperimentSpec::from_toml,
    )
}

/// Reads a description that is built in or in a file, and applies settings to it.
pub fn read<T: Described>(
    kind: &'static str,
    name: &str,
    built_in: &[(&str, &str)],
    settings: &[String],
    from_toml: impl Fn(&str, &str) -> retrodict::Result<T>,
) -> Outcome<Read<T>> {
    let (short, text) = find(kind, name, built_in)?;
    // Read once as it stands, so that mistakes in the file are reported with their line.
    let spec = from_toml(name, &text)?;
    let changes = changes(settings)?;
    Ok(Read {
        spec: changed(spec, &changes, registry())?,
        short,
        origin: Origin::new::<T>(name, text).with_changes(changes),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use retrodict::spec::TruthSpec;

    use super::*;

    #[test]
    fn built_in_experiments_are_valid() {
        for (name, _) in BUILT_IN {
            let experiment = load(name, &[]).unwrap().spec;
            assert!(!experiment.sentence.is_empty());
        }
    }

    #[test]
    fn settings_find_their_place() {
        let set = |text: &str| load("heat", &[text.to_owned()]).map(|read| read.spec);
        let experiment = set("boxes.nu_t=3").unwrap();
        assert_eq!(
            experiment.problems[1].simulator.options["nu_t"].as_integer(),
            Some(3)
        );
        assert_eq!(
            experiment.problems[0].simulator.options["nu_t"].as_float(),
            Some(4.0)
        );
        let experiment = set("nu_t=2.5").unwrap();
        assert!(
            experiment
                .problems
                .iter()
                .all(|p| p.simulator.options["nu_t"].as_float() == Some(2.5))
        );
        assert_eq!(
            set("adam.learning_rate=1").unwrap().methods[1].rule.options["learning_rate"]
                .as_integer(),
            Some(1)
        );
        assert_eq!(set("adam.steps=7").unwrap().methods[1].steps, Some(7));
        assert_eq!(set("photograph.noise=0.5").unwrap().problems[0].noise, 0.5);
        assert!(
            set("noise=0.5")
                .unwrap()
                .problems
                .iter()
                .all(|p| p.noise == 0.5)
        );
        assert_eq!(
            set("momentum=0.5").unwrap().methods[0].rule.options["momentum"].as_float(),
            Some(0.5)
        );
        assert_eq!(
            set("boxes.truth.count=2").unwrap().problems[1].truth,
            TruthSpec::Boxes { count: 2 }
        );
        for (wrong, hint) in [
            ("adm.steps=7", "did you mean 'adam'"),
            ("adam.stepz=7", "did you mean 'steps'"),
            ("nu=7", "did you mean 'nu_t'"),
            (
                "learning_rate=1",
                "say which, as in gradient-descent.learning_rate",
            ),
            ("adam=1", "write adam.KEY=VALUE"),
            (
                "noise=much",
                ".noise`: invalid type: string \"much\", expected a number",
            ),
        ] {
            let message = set(wrong).unwrap_err().to_string();
            assert!(message.contains(hint), "{message}");
            assert!(message.contains(wrong), "{message}");
        }
        assert!(
            load("haet", &[])
                .err()
                .unwrap()
                .to_string()
                .contains("did you mean 'heat'")
        );
    }
}
