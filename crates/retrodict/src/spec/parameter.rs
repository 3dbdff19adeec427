//! A named parameter as a description says it.

mod inputs;
mod scope;
mod table;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::transform::Transform;
use crate::error::Result;
use crate::options::require;
use crate::priors::Marginal;

pub(super) use inputs::Known;
pub(super) use table::ParameterTable;

/// A named parameter: an unknown of the fit, a constant, or tied to others.
#[derive(
    Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, derive_setters::Setters,
)]
#[setters(prefix = "with_", strip_option)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Parameter")]
#[non_exhaustive]
pub struct ParameterSpec {
    /// Its name: one of the simulator's, or a further one for formulas. It names the values of a model that has no names,
    /// in their order.
    #[setters(skip)]
    pub name: String,
    /// The data set that it belongs to, or `each` for one in each of them; shared by all if left out. Its full name is then
    /// that of the data set, a dot and its own, as in `north.recovery`.
    #[setters(into)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Where the fit begins; the value of a fixed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<f64>,
    /// The least value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower: Option<f64>,
    /// The greatest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper: Option<f64>,
    /// Its unit; the simulator's if left out.
    #[setters(into)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What rules see in its place: log, log10, logit (between lower and upper), scale (multiples of the start), none.
    #[setters(into)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<ParameterTransform>,
    /// Whether it is a constant: true for its start, or the value itself.
    #[setters(into)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Constant>,
    /// A formula in other parameters that it follows, such as `2 * k_on`.
    #[setters(into)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tied: Option<String>,
    /// What is known of it before the data: `{ mean, std }` in its unit, or log-normal, `{ median, log_std }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<ParameterPriorSpec>,
}

impl ParameterSpec {
    /// A free parameter of which nothing is said.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }
}

/// Whether a parameter is a constant: a yes or no, or the value that it has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected true, false, or the number that the parameter is fixed at"
)]
pub enum Constant {
    /// Its start is its value, or it is none.
    Flag(bool),
    /// Its value.
    At(f64),
}

impl From<bool> for Constant {
    fn from(fixed: bool) -> Self {
        Self::Flag(fixed)
    }
}

impl From<f64> for Constant {
    fn from(value: f64) -> Self {
        Self::At(value)
    }
}

/// What rules see in place of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected none, log, log10, logit, scale, { bounds = [low, high] } or { scale = unit }"
)]
pub enum ParameterTransform {
    /// One whose numbers follow from the parameter's own.
    ByName(NamedTransform),
    /// One with its numbers.
    Exact(Transform),
}

/// Transforms whose numbers follow from the parameter's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NamedTransform {
    /// The logistic function between the lower and the upper bound.
    Logit,
    /// Multiples of the start.
    Scale,
}

impl From<Transform> for ParameterTransform {
    fn from(transform: Transform) -> Self {
        Self::Exact(transform)
    }
}

impl From<NamedTransform> for ParameterTransform {
    fn from(transform: NamedTransform) -> Self {
        Self::ByName(transform)
    }
}

impl ParameterTransform {
    /// The transform itself, of a parameter with this start and these bounds.
    ///
    /// # Errors
    /// If it needs bounds or a start that are not there.
    fn of(self, start: Option<f64>, lower: Option<f64>, upper: Option<f64>) -> Result<Transform> {
        match self {
            Self::Exact(transform) => transform.validate().map(|()| transform),
            Self::ByName(NamedTransform::Logit) => {
                let (Some(lower), Some(upper)) = (lower, upper) else {
                    return require(
                        false,
                        "transform",
                        "\"logit\"",
                        "it keeps a value between two bounds: give lower and upper",
                    )
                    .map(|()| Transform::None);
                };
                let transform = Transform::Bounds(lower, upper);
                transform.validate().map(|()| transform)
            }
            Self::ByName(NamedTransform::Scale) => {
                let size = start.unwrap_or(0.0).abs();
                require(
                    size > 0.0,
                    "transform",
                    "\"scale\"",
                    "it counts in multiples of the start: give a start other than 0, or the unit, as in { scale = 1e-3 }",
                )?;
                Ok(Transform::Scale(size))
            }
        }
    }
}

/// What is known of a parameter before the data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ParameterPrior")]
#[non_exhaustive]
pub struct ParameterPriorSpec {
    /// The mean of a Gaussian prior, in the parameter's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Its standard deviation, in the parameter's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub std: Option<f64>,
    /// The median of a log-normal prior, in the parameter's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median: Option<f64>,
    /// The standard deviation of its logarithm: 0.1 is about 10 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_std: Option<f64>,
}

impl ParameterPriorSpec {
    /// A Gaussian prior.
    pub fn gaussian(mean: f64, std: f64) -> Self {
        Self {
            mean: Some(mean),
            std: Some(std),
            ..Self::default()
        }
    }

    /// A log-normal prior.
    pub fn log_normal(median: f64, log_std: f64) -> Self {
        Self {
            median: Some(median),
            log_std: Some(log_std),
            ..Self::default()
        }
    }

    /// The distribution.
    ///
    /// # Errors
    /// If it is neither of the two, or a number is not allowed.
    pub fn marginal(&self) -> Result<Marginal> {
        let marginal = match (self.mean, self.std, self.median, self.log_std) {
            (Some(mean), Some(std), None, None) => Marginal::Gaussian { mean, std },
            (None, None, Some(median), Some(log_std)) => Marginal::LogNormal { median, log_std },
            _ => {
                let given = [
                    ("mean", self.mean),
                    ("std", self.std),
                    ("median", self.median),
                    ("log_std", self.log_std),
                ];
                let given = given.iter().filter(|(_, value)| value.is_some());
                let given: Vec<&str> = given.map(|(key, _)| *key).collect();
                return require(
                    false,
                    "prior",
                    format!("{{ {} }}", given.join(", ")),
                    "a prior has { mean, std } if it is Gaussian, and { median, log_std } if it is log-normal",
                )
                .map(|()| Marginal::Gaussian { mean: 0.0, std: 1.0 });
            }
        };
        marginal.validate().map(|()| marginal)
    }
}
