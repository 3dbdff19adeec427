//! Of what a description asks for profile likelihoods, and how they are taken.

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::name_list::{NameList, one_or_many};
use crate::error::Result;
use crate::options::{Validate, require};
use crate::uncertainty::profile::ProfileOptions;

/// Of what profile likelihoods are taken, and how: names alone, or a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, derive_setters::Setters)]
#[setters(prefix = "with_")]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Profile")]
#[non_exhaustive]
pub struct ProfileSpec {
    /// Parameters and derived quantities, by their names, or `all`.
    #[serde(
        deserialize_with = "one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(with = "NameList")]
    #[setters(into)]
    pub of: Vec<String>,
    /// The level of confidence of the intervals, in (0, 1).
    pub level: f64,
    /// How far to go where the data set no end, in multiples of the value's own size or of its standard deviation, if that is
    /// more; for a logarithm, the largest factor.
    pub reach: f64,
    /// Maximum number of steps of Levenberg–Marquardt at each value.
    pub steps: usize,
    /// Maximum number of values to each side.
    pub points: usize,
}

impl Default for ProfileSpec {
    fn default() -> Self {
        let ProfileOptions {
            level,
            reach,
            steps,
            points,
        } = ProfileOptions::default();
        Self {
            of: Vec::new(),
            level,
            reach,
            steps,
            points,
        }
    }
}

impl<T: Into<String>> FromIterator<T> for ProfileSpec {
    fn from_iter<I: IntoIterator<Item = T>>(names: I) -> Self {
        let of: Vec<String> = names.into_iter().map(Into::into).collect();
        Self::default().with_of(of)
    }
}

impl ProfileSpec {
    /// Whether none is asked for.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// How they are taken.
    pub fn options(&self) -> ProfileOptions {
        ProfileOptions::default()
            .with_level(self.level)
            .with_reach(self.reach)
            .with_steps(self.steps)
            .with_points(self.points)
    }

    /// Checks the options, and that they are those of something.
    ///
    /// # Errors
    /// [`Error::Option`](crate::Error::Option) with the key.
    pub fn validate(&self) -> Result<()> {
        if self.is_empty() {
            return require(
                *self == Self::default(),
                "profile",
                "options without names",
                "name that of which profiles are taken, as in of = [\"k\"], or of = \"all\"",
            );
        }
        self.options().validate()
    }
}

/// As a description may say it.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "read by its schema alone")]
pub(super) enum ProfileNames {
    /// Names alone.
    Names(NameList),
    /// With options.
    Table(ProfileSpec),
}

/// Reads names or a table.
pub(super) fn names_or_table<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<ProfileSpec, D::Error> {
    let value = toml::Value::deserialize(deserializer)?;
    match value {
        toml::Value::Table(_) => value.try_into().map_err(D::Error::custom),
        names => {
            let names: NameList = names.try_into().map_err(D::Error::custom)?;
            Ok(Vec::from(names).into_iter().collect())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::registry::Registry;
    use crate::spec::{InversionSpec, Override, changed};

    fn read(profile: &str) -> Result<ProfileSpec> {
        let text = format!("target = 'y.npy'\nsimulator = {{ name = 'sir' }}\n{profile}");
        InversionSpec::from_toml("a.toml", &text).map(|spec| spec.profile)
    }

    #[test]
    fn names_alone_and_a_table_say_the_same() {
        let names: ProfileSpec = ["k"].into_iter().collect();
        for text in [
            "profile = 'k'",
            "profile = ['k']",
            "profile = { of = 'k' }",
            "[profile]\nof = ['k']\nlevel = 0.95",
        ] {
            assert_eq!(read(text).unwrap(), names, "{text}");
        }
        let wide = read("profile = { of = 'all', level = 0.9, reach = 10, points = 8, steps = 7 }");
        let wide = wide.unwrap();
        assert_eq!(
            wide.options(),
            ProfileOptions::default()
                .with_level(0.9)
                .with_reach(10.0)
                .with_points(8)
                .with_steps(7)
        );
        let mut spec = InversionSpec::new("sir", "y.npy");
        spec.profile = wide.clone();
        let again = InversionSpec::from_toml("b.toml", &spec.to_toml().unwrap());
        assert_eq!(again.unwrap().profile, wide);
    }

    #[test]
    fn options_are_changed_like_those_of_other_tables() {
        let mut spec = InversionSpec::new("sir", "y.npy");
        spec.profile = ["k"].into_iter().collect();
        let changes = [Override::parse("profile.level=0.5").unwrap()];
        let spec = changed(spec, &changes, Registry::standard()).unwrap();
        assert_eq!(
            (spec.profile.level, &spec.profile.of[..]),
            (0.5, &["k".to_owned()][..])
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, part) in [
            ("profile = { of = 'k', levl = 0.9 }", "did you mean 'level'"),
            ("profile = 3", "a name, or a list of names"),
            ("profile = { of = 'k', level = 'high' }", "level"),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        for (text, part) in [
            ("profile = { level = 0.9 }", "name that of which profiles"),
            ("profile = { of = 'k', level = 1.5 }", "level"),
            ("profile = { of = 'k', points = 1 }", "at least 2"),
        ] {
            let message = read(text).unwrap().validate().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
