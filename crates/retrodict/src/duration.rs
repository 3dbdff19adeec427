//! Times as people write them: 500ms, 10s, 2m, 1h, or seconds without a unit.

use std::time::Duration;

/// Reads a time.
///
/// # Errors
/// What was expected, as a sentence.
pub fn parse(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim() {
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("unknown unit '{unit}'; known: ms, s, m, h")),
    };
    let seconds: f64 = number
        .trim()
        .parse()
        .map_err(|_| "expected a number and a unit, such as 500ms, 10s or 2m".to_owned())?;
    Duration::try_from_secs_f64(seconds * factor)
        .map_err(|_| "a time limit must be 0 or greater, and less than 1e19 seconds".to_owned())
}

/// For fields of options: a text with a unit, or a number of seconds; written in seconds.
pub mod optional {
    use std::fmt;
    use std::time::Duration;

    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    /// In seconds.
    ///
    /// # Errors
    /// The serialiser's own.
    pub fn serialize<S: Serializer>(
        time: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.serialize_f64(time.as_secs_f64()),
            None => serializer.serialize_none(),
        }
    }

    /// From a text or a number.
    ///
    /// # Errors
    /// If it is neither, or negative.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        struct TimeReader;
        impl<'de> Visitor<'de> for TimeReader {
            type Value = Option<Duration>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as 500ms, 10s or 2m, or a number of seconds")
            }

            fn visit_none<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }

            fn visit_some<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Self::Value, D::Error> {
                deserializer.deserialize_any(self)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                super::parse(text)
                    .map(Some)
                    .map_err(|why| E::custom(format!("\"{text}\": {why}")))
            }

            fn visit_f64<E: Error>(self, seconds: f64) -> Result<Self::Value, E> {
                self.visit_str(&seconds.to_string())
            }

            fn visit_i64<E: Error>(self, seconds: i64) -> Result<Self::Value, E> {
                self.visit_str(&seconds.to_string())
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<Self::Value, E> {
                self.visit_str(&seconds.to_string())
            }
        }
        deserializer.deserialize_any(TimeReader)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse("1.5"), Ok(Duration::from_millis(1500)));
        assert!(parse("3 weeks").is_err());
        assert!(parse("-1s").is_err());
    }

    #[test]
    fn a_description_holds_texts_and_seconds() {
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        struct File {
            #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
            time: Option<Duration>,
        }
        let read = |text: &str| toml::from_str::<File>(text).map(|file| file.time);
        assert_eq!(read("").unwrap(), None);
        assert_eq!(read("time = 2").unwrap(), Some(Duration::from_secs(2)));
        assert_eq!(
            read("time = 0.5").unwrap(),
            Some(Duration::from_millis(500))
        );
        assert_eq!(read("time = '2m'").unwrap(), Some(Duration::from_secs(120)));
        let written = toml::to_string(&File {
            time: Some(Duration::from_millis(500)),
        });
        assert_eq!(written.unwrap(), "time = 0.5\n");
        for wrong in [
            "time = -1",
            "time = 'soon'",
            "time = true",
            "time = nan",
            "time = inf",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
