//! One inversion as data.

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::bounds::BoundsSpec;
use super::derived::DerivedSpec;
use super::layout::{
    Described, EntryList, Layout, OptionReach, Section, full_name, of_inverses, of_rules,
    of_searches, of_simulators,
};
use super::name_list::{NameList, one_or_many};
use super::noise::NoiseSpec;
use super::observation::ObservationSpec;
use super::parameter::ParameterSpec;
use super::posterior::PosteriorSpec;
use super::prior::PriorSpec;
use super::profile::{ProfileNames, ProfileSpec, names_or_table};
use super::start::StartSpec;
use super::text;
use super::values::Values;
use super::{Named, StopSpec, TransformSpec};
use crate::error::Result;
use crate::options::keys;
use crate::solver::automatic::AUTOMATIC;

/// One inversion: which simulator, which data, and what is known of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Inversion")]
#[non_exhaustive]
pub struct InversionSpec {
    /// A heading for the report.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The observations y*: a file, where `FILE.npz:NAME` picks an array, or the numbers themselves.
    #[serde(default = "Values::none", skip_serializing_if = "Values::is_none")]
    pub target: Values,
    /// A local inverse found from derivatives, by its name, with options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inverse: Option<Named>,
    /// What rules see in place of x: one transform for all unknowns, or one for each.
    #[serde(default, rename = "transform", skip_serializing_if = "Vec::is_empty")]
    pub transforms: Vec<TransformSpec>,
    /// Whether intervals and the like are found after the fit, where J is small enough.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub statistics: bool,
    /// Parameters and derived quantities of which the profile likelihood is taken, by their names, or `all`; or a table of
    /// these, `of`, and options.
    #[serde(
        default,
        deserialize_with = "names_or_table",
        skip_serializing_if = "is_default"
    )]
    #[schemars(with = "ProfileNames")]
    pub profile: ProfileSpec,
    /// Linear constraints on parameters, such as `a + 2 * b <= 3` or `a = b`; for levenberg-marquardt and gauss-newton.
    #[serde(
        default,
        deserialize_with = "one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(with = "NameList")]
    pub constraint: Vec<String>,
    /// The physics P: `name` and options.
    #[serde(default, skip_serializing_if = "is_nameless")]
    pub simulator: Named,
    /// The update rule: `name` and options; the one that suits the problem if left out.
    #[serde(
        default,
        deserialize_with = "rule",
        skip_serializing_if = "Option::is_none"
    )]
    pub rule: Option<Named>,
    /// How far along Δx, by its name, with options, in place of the rule's own search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Named>,
    /// Where to start, and from how many points.
    #[serde(default, skip_serializing_if = "is_default")]
    pub start: StartSpec,
    /// What is known of the noise in y*.
    #[serde(default, skip_serializing_if = "is_default")]
    pub noise: NoiseSpec,
    /// What no iterate goes beyond.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bounds: BoundsSpec,
    /// When to stop.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stop: StopSpec,
    /// Whether the posterior of a field is found after the fit, and how finely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posterior: Option<PosteriorSpec>,
    /// Several data sets in place of one target, a table each: `name`, `target`, `simulator` or options of it, `noise`.
    #[serde(default, rename = "observation", skip_serializing_if = "Vec::is_empty")]
    pub observations: Vec<ObservationSpec>,
    /// Named parameters, a table each: `name`, `start`, bounds, `unit`, `transform`, `fixed` or `tied`, `prior`, and `scope`, the
    /// data set that it belongs to.
    #[serde(default, rename = "parameter", skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<ParameterSpec>,
    /// Quantities that follow from parameters, with errors propagated: `name`, `expression`, `unit`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<DerivedSpec>,
    /// What is known of x: `name`, `weight` and options of each prior.
    #[serde(default, rename = "prior", skip_serializing_if = "Vec::is_empty")]
    pub priors: Vec<PriorSpec>,
}

/// A rule of which options are given alone is the one that suits the problem.
fn rule<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Named>, D::Error> {
    let mut value = toml::Value::deserialize(deserializer)?;
    if let Some(table) = value.as_table_mut() {
        let name = table.entry("name".to_owned());
        name.or_insert_with(|| AUTOMATIC.into());
    }
    value.try_into().map(Some).map_err(D::Error::custom)
}

fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}

fn is_nameless(named: &Named) -> bool {
    named.name.is_empty() && named.options.is_empty()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Described for InversionSpec {
    const LAYOUT: &'static Layout = &Layout {
        kind: "inversion",
        keys: keys::<Self>,
        fixed: &[],
        sections: &[
            Section::entry("simulator", of_simulators, OptionReach::Alone),
            Section::entry("rule", of_rules, OptionReach::ByKey),
            Section::entry("inverse", of_inverses, OptionReach::IfThere),
            Section::entry("search", of_searches, OptionReach::IfThere),
            Section::keys("start", full_name::<StartSpec>),
            Section::keys("noise", full_name::<NoiseSpec>),
            Section::keys("bounds", full_name::<BoundsSpec>),
            Section::keys("stop", full_name::<StopSpec>),
            Section::keys("posterior", full_name::<PosteriorSpec>),
        ],
        lists: &[
            EntryList {
                key: "observation",
                entry: &Layout {
                    kind: "data set",
                    keys: keys::<ObservationSpec>,
                    fixed: &[],
                    sections: &[
                        Section::entry("simulator", of_simulators, OptionReach::ByKey),
                        Section::keys("noise", full_name::<NoiseSpec>),
                    ],
                    lists: &[],
                    open: false,
                },
                shared: &[],
                options_shared: false,
            },
            EntryList {
                key: "parameter",
                entry: &Layout {
                    kind: "parameter",
                    keys: keys::<ParameterSpec>,
                    fixed: &[],
                    sections: &[],
                    lists: &[],
                    open: false,
                },
                shared: &[],
                options_shared: false,
            },
            EntryList {
                key: "derived",
                entry: &Layout {
                    kind: "derived quantity",
                    keys: keys::<DerivedSpec>,
                    fixed: &[],
                    sections: &[],
                    lists: &[],
                    open: false,
                },
                shared: &[],
                options_shared: false,
            },
            EntryList {
                key: "prior",
                entry: &Layout {
                    kind: "prior",
                    keys: || &["weight"],
                    fixed: &[],
                    sections: &[],
                    lists: &[],
                    open: true,
                },
                shared: &[],
                options_shared: false,
            },
        ],
        open: false,
    };
}

impl InversionSpec {
    /// An inversion of these data by this simulator, with nothing known.
    pub fn new(simulator: impl Into<Named>, target: impl Into<Values>) -> Self {
        Self {
            title: String::new(),
            target: target.into(),
            inverse: None,
            transforms: Vec::new(),
            statistics: true,
            simulator: simulator.into(),
            rule: None,
            search: None,
            start: StartSpec::default(),
            noise: NoiseSpec::default(),
            bounds: BoundsSpec::default(),
            stop: StopSpec::default(),
            posterior: None,
            observations: Vec::new(),
            parameters: Vec::new(),
            derived: Vec::new(),
            profile: ProfileSpec::default(),
            constraint: Vec::new(),
            priors: Vec::new(),
        }
    }

    /// Reads one from a table; `what` names it in messages.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) with the key and the nearest known one.
    pub fn from_table(what: &str, table: toml::Table) -> Result<Self> {
        text::from_table(what, table)
    }

    /// Reads one from TOML; `what` names it in messages.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) with the line, the key and the nearest known one.
    pub fn from_toml(what: &str, toml: &str) -> Result<Self> {
        text::read(what, toml)
    }

    /// The inversion as TOML.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) if a number does not fit TOML, whose whole numbers have 64 bits and a sign.
    pub fn to_toml(&self) -> Result<String> {
        text::write("the inversion", self)
    }

    /// The inversion as a table.
    ///
    /// # Errors
    /// As [`to_toml`](InversionSpec::to_toml).
    pub fn to_table(&self) -> Result<toml::Table> {
        text::to_table("the inversion", self)
    }

    /// Whether it names parameters, or asks for something that speaks of them by their names.
    pub fn names_parameters(&self) -> bool {
        !self.parameters.is_empty()
            || !self.observations.is_empty()
            || !self.derived.is_empty()
            || !self.noise.parameter.is_empty()
            || !self.constraint.is_empty()
            || !self.profile.is_empty()
    }

    /// The files that it names, to be read or moved.
    pub fn files(&mut self) -> Vec<&mut String> {
        let values = [
            Some(&mut self.target),
            self.bounds.lower.as_mut(),
            self.bounds.upper.as_mut(),
        ];
        let files = values.into_iter().flatten().filter_map(Values::file);
        let mut files: Vec<&mut String> = files.chain(self.start.file.as_mut()).collect();
        files.extend(self.noise.files());
        for observation in &mut self.observations {
            files.extend(observation.target.file());
            files.extend(observation.noise.iter_mut().flat_map(NoiseSpec::files));
        }
        files
    }
}
