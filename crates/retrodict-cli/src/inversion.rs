//! One inversion of the user's data: as a file, as flags, as a plan, as a run, as a folder.

mod answer;
mod arguments;
mod arrays;
mod assess;
mod checkpoint;
mod files;
mod folder;
mod known;
mod noise;
mod overrides;
mod plan;
mod posterior;
mod resume;
mod run;
mod start;
mod statistics;
mod stop;
mod told;
mod watch;
mod weight;

use std::path::Path;

use retrodict::Transform;
use retrodict::options::explain;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::failure::{Failure, Outcome};
use crate::settings::parse;

pub use answer::{Answer, answers, joined};
pub use arguments::{changes, from_arguments};
pub use assess::assess;
pub use checkpoint::CheckpointFile;
pub use files::fingerprint;
pub use folder::{
    Keeper, contents_of, forget_inversion, is_inversion, read, write, write_inversion,
};
pub use known::{Limits, Side, dressed};
pub use noise::Noise;
pub use overrides::apply;
pub use plan::Plan;
pub use posterior::{Found, Wanted};
pub use resume::{Change, reopen};
pub use run::{Run, fresh, go};
pub use start::Start;
pub use statistics::{Parameter, Statistics};
pub use stop::Stop;
pub use told::{chosen, doubts, ending, headline, told};
pub use watch::Watch;
pub use weight::{Chosen, Weight, name};

/// An inversion as its file says it; flags of `retrodict solve` say the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inversion {
    /// A heading for the report.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The file of the observations y*; `FILE.npz:NAME` picks an array.
    pub target: String,
    /// A local inverse found from derivatives: a name, or a table with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inverse: Option<Value>,
    /// What rules see in place of x: one transform for all unknowns, or one for each.
    #[serde(default, rename = "transform", skip_serializing_if = "Vec::is_empty")]
    pub transforms: Vec<Transform>,
    /// Whether intervals and the like are found after the fit, where J has room.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub statistics: bool,
    /// `name` and options.
    pub simulator: Table,
    /// `name` and options; what suits the simulator if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Table>,
    /// Where to start, and from how many points.
    #[serde(default, skip_serializing_if = "is_default")]
    pub start: Start,
    /// What is known of the noise in y*.
    #[serde(default, skip_serializing_if = "is_default")]
    pub noise: Noise,
    /// What no iterate goes beyond.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bounds: Limits,
    /// When to stop.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stop: Stop,
    /// Whether the posterior of a field is found after the fit, and how finely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posterior: Option<Wanted>,
    /// What is known of x: `name`, `weight` and options of each prior.
    #[serde(default, rename = "prior", skip_serializing_if = "Vec::is_empty")]
    pub priors: Vec<Table>,
}

fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Inversion {
    /// Reads an inversion from a table; `what` names it in messages.
    pub fn from_table(what: &str, table: Table) -> Outcome<Self> {
        let read: Result<Self, toml::de::Error> = table.try_into();
        read.map_err(|e| Failure::Misuse(format!("{what}: {}", explain(&e.to_string()))))
    }

    /// The inversion as TOML.
    pub fn to_toml(&self) -> Outcome<String> {
        toml::to_string(self)
            .map_err(|e| Failure::Broken(format!("cannot encode the inversion: {e}")))
    }

    /// The files that it names, to be read or moved.
    pub fn files(&mut self) -> Vec<&mut String> {
        let optional = [
            &mut self.start.file,
            &mut self.noise.std_file,
            &mut self.noise.covariance,
        ];
        let sides = [&mut self.bounds.lower, &mut self.bounds.upper];
        let sides = sides.into_iter().flatten().filter_map(Side::file);
        let optional = optional.into_iter().flatten().chain(sides);
        std::iter::once(&mut self.target).chain(optional).collect()
    }

    /// Takes paths that are relative as seen from a folder.
    pub fn anchor(&mut self, folder: &Path) {
        for name in self.files() {
            if Path::new(name.as_str()).is_relative() {
                *name = folder.join(&*name).to_string_lossy().into_owned();
            }
        }
    }
}

/// Reads a file of an inversion as a table, so that mistakes are reported with their line.
pub fn read_table(path: &Path) -> Outcome<Table> {
    let text = crate::data::bounded::text(path)?;
    let name = path.display().to_string();
    let misread = |e: &toml::de::Error| crate::experiment::misread(&name, &text, e);
    let table: Table = toml::from_str(&text).map_err(|e| misread(&e))?;
    let _: Inversion = toml::from_str(&text).map_err(|e| misread(&e))?;
    Ok(table)
}

/// Applies `--set` to a table of an inversion, one after the other.
pub fn apply_all(table: &mut Table, settings: &[String]) -> Outcome<()> {
    settings
        .iter()
        .try_for_each(|text| apply(table, &parse(text)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
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
        let mut inversion = Inversion::from_table("a.toml", table).unwrap();
        let text = inversion.to_toml().unwrap();
        let again = Inversion::from_table("b.toml", text.parse().unwrap()).unwrap();
        assert_eq!(inversion, again);
        inversion.anchor(Path::new("/home/me"));
        assert_eq!(inversion.target, "/home/me/y.npy");
        assert_eq!(inversion.noise.std_file.as_deref(), Some("/data/s.csv"));
    }

    #[test]
    fn unknown_keys_are_named_with_the_nearest() {
        let table: Table = FILE.replace("target", "targt").parse().unwrap();
        let message = Inversion::from_table("a.toml", table).unwrap_err();
        assert!(
            message.to_string().contains("did you mean `target`"),
            "{message}"
        );
    }
}
