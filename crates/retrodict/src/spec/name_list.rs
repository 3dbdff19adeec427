//! One name, or a list of them.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

/// A name, or a list of names, as a description may say it.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a name, or a list of names")]
pub(super) enum NameList {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl From<NameList> for Vec<String> {
    fn from(names: NameList) -> Self {
        match names {
            NameList::One(name) => vec![name],
            NameList::Many(names) => names,
        }
    }
}

/// Reads a name or a list of names as a list.
pub(super) fn one_or_many<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    NameList::deserialize(deserializer).map(Vec::from)
}
