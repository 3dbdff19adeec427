//! Numbers that may be infinite, which JSON writes as null.

use serde::{Deserialize, Deserializer, Serializer};

/// Writes an infinite number as nothing.
pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match value.is_finite() {
        true => serializer.serialize_some(value),
        false => serializer.serialize_none(),
    }
}

/// Reads nothing as an infinite number.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
}
