//! An inversion as a file: read, changed by `--set`, or put together from flags.

pub mod arguments;
pub mod fingerprint;
mod observation;
mod parts;

use std::path::Path;

use retrodict::spec::{InversionSpec, Origin, Override, changed, option_files};

use crate::data::{is_standard, standard};
use crate::failure::{Failure, Outcome};
use crate::registry;

/// Takes paths that are relative as seen from a folder.
pub fn anchor(inversion: &mut InversionSpec, folder: &Path) {
    let _: Result<(), std::convert::Infallible> = inversion.each_simulator(|simulator| {
        anchored(option_files(simulator, registry()), folder);
        Ok(())
    });
    anchored(inversion.files(), folder);
}

fn anchored(names: Vec<&mut String>, folder: &Path) {
    for name in names {
        if Path::new(name.as_str()).is_relative() && !is_standard(name) {
            *name = folder.join(&*name).to_string_lossy().into_owned();
        }
    }
}

/// Keeps what standard input brings in the folder of an inversion, which is read again to resume it.
pub fn keep_standard_input(inversion: &mut InversionSpec, folder: &Path) -> Outcome<()> {
    let keep = |names: Vec<&mut String>| -> Outcome<()> {
        for name in names.into_iter().filter(|name| is_standard(name)) {
            *name = standard::keep(name, folder)?;
        }
        Ok(())
    };
    inversion.each_simulator(|simulator| keep(option_files(simulator, registry())))?;
    keep(inversion.files())
}

/// Reads the file of an inversion, and says where it came from; mistakes are reported with their line.
pub fn read_file(path: &Path) -> Outcome<(InversionSpec, Origin)> {
    let text = crate::data::bounded::text(path)?;
    let name = path.display().to_string();
    let inversion = InversionSpec::from_toml(&name, &text)?;
    Ok((inversion, Origin::new::<InversionSpec>(name, text)))
}

/// Applies `--set` to an inversion, one after the other.
pub fn apply_all(inversion: InversionSpec, changes: &[Override]) -> Outcome<InversionSpec> {
    let none = inversion.priors.is_empty();
    let about_priors = |text: &str| {
        let mut changes = changes.iter().filter(|change| change.text == text);
        changes.any(|change| change.path.first().is_some_and(|key| key == "prior"))
    };
    changed(inversion, changes, registry()).map_err(|error| match &error {
        retrodict::Error::Override { text, .. } if none && about_priors(text) => {
            Failure::from(error).and(", or with --prior NAME")
        }
        _ => error.into(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use toml::Table;

    use super::*;

    const FILE: &str = r#"
        target = "y.npy"
        simulator = { name = "heat", nu_t = 4.0 }
        rule = { name = "adam", learning_rate = 0.1 }
        start = { value = 1.0, count = 3 }
        noise = { std_file = "/data/s.csv" }
        stop = { discrepancy = 1.0, time = "2m" }
    "#;

    #[test]
    fn an_inversion_comes_back_from_its_file_and_finds_its_data() {
        let table: Table = FILE.parse().unwrap();
        let mut inversion = InversionSpec::from_table("a.toml", table).unwrap();
        let text = inversion.to_toml().unwrap();
        let again = InversionSpec::from_table("b.toml", text.parse().unwrap()).unwrap();
        assert_eq!(inversion, again);
        anchor(&mut inversion, Path::new("/home/me"));
        assert_eq!(inversion.target, "/home/me/y.npy".into());
        assert_eq!(inversion.noise.std_file.as_deref(), Some("/data/s.csv"));
        // Of the options of a simulator, those that are lists of numbers may be files.
        let simulator =
            "simulator = { name = \"pendulum\", times = \"y.csv:t\", method = \"stiff\" }";
        let text = FILE.replace("simulator = { name = \"heat\", nu_t = 4.0 }", simulator);
        let mut inversion = InversionSpec::from_toml("a.toml", &text).unwrap();
        anchor(&mut inversion, Path::new("/home/me"));
        let options = &inversion.simulator.options;
        assert_eq!(options["times"].as_str(), Some("/home/me/y.csv:t"));
        assert_eq!(options["method"].as_str(), Some("stiff"));
    }

    #[test]
    fn unknown_keys_are_named_with_the_nearest() {
        let table: Table = FILE.replace("target", "targt").parse().unwrap();
        let message = InversionSpec::from_table("a.toml", table).unwrap_err();
        assert!(
            message.to_string().contains("did you mean 'target'"),
            "{message}"
        );
    }
}
