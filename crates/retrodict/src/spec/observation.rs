//! Several data sets of one inversion: each with a simulator, data and noise of its own.

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Named;
use super::noise::NoiseSpec;
use super::values::Values;

/// One of several data sets: its data, the simulator that made them, and their noise.
///
/// Parameters of one name are one unknown for all data sets; those with a `scope` belong to one of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, derive_setters::Setters)]
#[setters(prefix = "with_", strip_option)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Observation")]
#[non_exhaustive]
pub struct ObservationSpec {
    /// What it is called: the scope of parameters of its own.
    #[setters(skip)]
    pub name: String,
    /// The observations y* of this data set: a file, or the numbers themselves.
    #[setters(skip)]
    pub target: Values,
    /// Its simulator where it is another one, or options on top of those of the inversion's.
    #[serde(
        default,
        deserialize_with = "options_on_top",
        serialize_with = "without_empty_name",
        skip_serializing_if = "Option::is_none"
    )]
    pub simulator: Option<Named>,
    /// What is known of the noise in it, in place of what the inversion says of noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseSpec>,
}

/// Options alone are on top of those of the inversion's simulator.
fn options_on_top<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Named>, D::Error> {
    let mut value = toml::Value::deserialize(deserializer)?;
    if let Some(table) = value.as_table_mut() {
        let name = table.entry("name".to_owned());
        name.or_insert_with(|| "".into());
    }
    value.try_into().map(Some).map_err(D::Error::custom)
}

fn without_empty_name<S: Serializer>(
    simulator: &Option<Named>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    match simulator {
        Some(named) if named.name.is_empty() => named.options.serialize(serializer),
        other => other.serialize(serializer),
    }
}

/// The scope of parameters that each data set has of its own.
pub(super) const EACH: &str = "each";

impl ObservationSpec {
    /// A data set of the inversion's simulator, with the noise that the inversion says.
    pub fn new(name: impl Into<String>, target: impl Into<Values>) -> Self {
        Self {
            name: name.into(),
            target: target.into(),
            simulator: None,
            noise: None,
        }
    }
}
