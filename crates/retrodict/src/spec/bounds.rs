//! Bounds on x as a description says them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::{Files, Values};
use crate::compose::Bounds;
use crate::error::{At, Result};

/// Bounds on x: a number for all unknowns, a list, or a file with one for each; no bound where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct BoundsSpec {
    /// The least values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower: Option<Values>,
    /// The greatest values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upper: Option<Values>,
}

impl BoundsSpec {
    /// The least and the greatest values, where there are any.
    pub fn new(lower: Option<Values>, upper: Option<Values>) -> Self {
        Self { lower, upper }
    }

    /// The bounds of unknowns of a shape, if there are any.
    ///
    /// # Errors
    /// What reading a file says.
    pub fn build(&self, shape: &[usize], files: &dyn Files) -> Result<Option<Bounds>> {
        if self.lower.is_none() && self.upper.is_none() {
            return Ok(None);
        }
        let side = |side: &Option<Values>| match side {
            None => Ok(Vec::new()),
            Some(values) => values.read(shape, files).map(|fields| fields.concat()),
        };
        Ok(Some(Bounds {
            lower: side(&self.lower).inside("bounds.lower")?,
            upper: side(&self.upper).inside("bounds.upper")?,
        }))
    }
}
