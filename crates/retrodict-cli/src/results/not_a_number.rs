//! Losses that are not a number, which JSON writes as null.

use serde::Deserialize;

/// JSON has no word for what is no number but `null`: the loss of what was interrupted before it began, say.
pub fn or_nan<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Option::<f64>::deserialize(deserializer).map(|loss| loss.unwrap_or(f64::NAN))
}
