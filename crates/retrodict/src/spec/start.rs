//! Where an inversion starts, and from how many points.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::{Files, Values};
use crate::error::{At, Error, Remedy, Result, expect_length};
use crate::memory;
use crate::options::require;

/// Where an inversion starts, and from how many points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct StartSpec {
    /// A file with one x₀, or one for each field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// x₀ itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<f64>>,
    /// One number for every value of x₀.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// From how many points: x₀ and more drawn around it.
    pub count: usize,
    /// How far they lie around it, in the unit of x; each value's own size if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
    /// The seed of the draws.
    pub seed: u64,
}

impl Default for StartSpec {
    fn default() -> Self {
        Self {
            file: None,
            values: None,
            value: None,
            count: 1,
            spread: None,
            seed: 0,
        }
    }
}

/// Values that all starts together may have: 1 GiB.
const VALUES: usize = 1 << 27;

impl StartSpec {
    /// x₀ of each of `fields` problems with unknowns of a shape; zeros where nothing is said.
    ///
    /// # Errors
    /// If it is given more than once, does not fit, or is too large.
    pub fn points(
        &self,
        fields: usize,
        shape: &[usize],
        files: &dyn Files,
    ) -> Result<Vec<Vec<f64>>> {
        let n = shape.iter().product();
        if self.spread.is_some() && self.count == 1 {
            return Err(Error::Config {
                what: "start.spread".to_owned(),
                message: "spread sets how far apart the starts lie, but there is only one"
                    .to_owned(),
            }
            .advised(Remedy::Setting {
                key: "start.count",
                value: "20",
                what: "",
            }));
        }
        let count = self.count;
        require(count > 0, "start.count", count, "it must be at least 1")?;
        if self.count.saturating_mul(n) > VALUES {
            return Err(Error::Option {
                key: "start.count".to_owned(),
                found: self.count.to_string(),
                allowed: format!(
                    "that many starts of {n} unknowns exceed {VALUES} values ({}); use fewer",
                    memory::size(memory::numbers(VALUES as f64))
                ),
            });
        }
        match (&self.file, &self.values, self.value) {
            (None, None, value) => Ok(vec![vec![value.unwrap_or(0.0); n]; fields]),
            (None, Some(values), None) => {
                expect_length("start.values", values.len(), n)?;
                Ok(vec![values.clone(); fields])
            }
            (Some(name), None, None) => {
                let starts = Values::File(name.clone()).read(shape, files);
                let mut starts = starts.inside("start.file")?;
                match starts.len() {
                    1 => Ok(vec![starts.remove(0); fields]),
                    found if found == fields => Ok(starts),
                    found => Err(Error::File {
                        message: format!(
                            "{name} holds {found} starts for {fields} targets; give one, or one for each"
                        ),
                    }
                    .inside("start.file")),
                }
            }
            _ => Err(Error::GivenTwice {
                what: "start".to_owned(),
                keys: "start.file, start.values and start.value".to_owned(),
            }),
        }
    }
}
