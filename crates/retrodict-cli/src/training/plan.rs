//! The built-in trainings, and those of the user's files, with changes.

use retrodict::spec::TrainingSpec;

use crate::experiment::{Read, read};
use crate::failure::Outcome;

/// The built-in training experiments: a name and a file each.
pub static BUILT_IN: &[(&str, &str)] = &[
    (
        "oscillators",
        include_str!("../../experiments/training/oscillators.toml"),
    ),
    (
        "nonlinear-oscillators",
        include_str!("../../experiments/training/nonlinear-oscillators.toml"),
    ),
    (
        "quantum-dipole",
        include_str!("../../experiments/training/quantum-dipole.toml"),
    ),
    (
        "poisson-8",
        include_str!("../../experiments/training/poisson-8.toml"),
    ),
    ("heat", include_str!("../../experiments/training/heat.toml")),
    (
        "poisson",
        include_str!("../../experiments/training/poisson.toml"),
    ),
    ("sine", include_str!("../../experiments/training/sine.toml")),
    (
        "fluid",
        include_str!("../../experiments/training/fluid.toml"),
    ),
    ("exp", include_str!("../../experiments/training/exp.toml")),
    (
        "scaled-toy",
        include_str!("../../experiments/training/scaled-toy.toml"),
    ),
    (
        "multimodal",
        include_str!("../../experiments/training/multimodal.toml"),
    ),
];

/// Reads a training experiment and applies settings to it.
pub fn load(name: &str, settings: &[String]) -> Outcome<Read<TrainingSpec>> {
    read(
        "training experiment",
        name,
        BUILT_IN,
        settings,
        TrainingSpec::from_toml,
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn built_in_experiments_are_valid_and_settings_find_their_place() {
        for (name, _) in BUILT_IN {
            let Read { spec, short, .. } = load(name, &[]).unwrap();
            spec.check().unwrap();
            assert!(!spec.sentence.is_empty() && short == *name);
        }
        let set = |text: &str| load("oscillators", &[text.to_owned()]).map(|read| read.spec);
        assert_eq!(set("data.train=64").unwrap().data.train, Some(64));
        assert_eq!(set("until.epochs=2").unwrap().stop.epochs, Some(2));
        let method = set("hig.batch=8").unwrap().methods[0].clone();
        assert_eq!((method.name.as_str(), method.batch), ("hig", 8));
        for (wrong, hint) in [
            ("hig.batsh=8", "did you mean 'batch'"),
            ("data.train=few", "expected a whole number"),
            ("dta.train=3", "unknown key 'dta' (did you mean 'data'?)"),
        ] {
            let message = set(wrong).unwrap_err().to_string();
            assert!(
                message.contains(hint) && message.contains(wrong),
                "{message}"
            );
        }
        let message = load("oscilators", &[]).err().unwrap().to_string();
        assert!(message.contains("did you mean 'oscillators'"), "{message}");
    }
}
