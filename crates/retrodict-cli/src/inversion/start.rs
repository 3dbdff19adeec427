use serde::{Deserialize, Serialize};

use crate::data::{self, bounded, split};
use crate::failure::{Failure, Outcome};

/// Where an inversion starts, and from how many points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Start {
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

impl Default for Start {
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

impl Start {
    /// x₀ of each of `fields` problems with unknowns of a shape; zeros where nothing is said.
    pub fn points(&self, fields: usize, shape: &[usize]) -> Outcome<Vec<Vec<f64>>> {
        let n = shape.iter().product();
        if self.spread.is_some() && self.count == 1 {
            return Err(Failure::Misuse(
                "--spread sets how far the starts lie apart; give their number too, as in --starts 20"
                    .to_owned(),
            ));
        }
        if self.count.saturating_mul(n) > bounded::VALUES {
            return Err(Failure::Misuse(format!(
                "start.count = {}: that many starts of {n} unknowns exceed {} values (1 GiB); use fewer",
                self.count,
                bounded::VALUES
            )));
        }
        match (&self.file, &self.values, self.value) {
            (None, None, value) => Ok(vec![vec![value.unwrap_or(0.0); n]; fields]),
            (None, Some(values), None) => {
                retrodict::error::expect_length("start.values", values.len(), n)?;
                Ok(vec![values.clone(); fields])
            }
            (Some(name), None, None) => from_file(name, fields, shape),
            _ => Err(Failure::Misuse(
                "the start is given more than once; keep one of start.file, start.values and \
                 start.value"
                    .to_owned(),
            )),
        }
    }
}

fn from_file(name: &str, fields: usize, shape: &[usize]) -> Outcome<Vec<Vec<f64>>> {
    let array = data::read(name)?;
    let starts = split(&array, shape, name)?;
    match starts.len() {
        1 => Ok(vec![starts[0].to_vec(); fields]),
        found if found == fields => Ok(starts.into_iter().map(<[f64]>::to_vec).collect()),
        found => Err(Failure::Misuse(format!(
            "{name} holds {found} starts for {fields} targets; give one, or one for each"
        ))),
    }
}
