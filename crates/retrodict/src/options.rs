//! Options are plain structs: read from a table, checked once, at construction.

use serde::Serialize;
use serde::de::{DeserializeOwned, Visitor};

use crate::error::{Error, Result, unknown};
use crate::memory;

/// Options that know what they may be.
pub trait Validate {
    /// Checks every option.
    ///
    /// # Errors
    /// [`Error::Option`] with the key, what was found and what is allowed.
    fn validate(&self) -> Result<()>;
    /// About how many bytes that takes which is made of these options and used once, as far as the options decide it.
    /// Found without making anything, so that what cannot fit is refused before it is begun.
    fn memory(&self) -> f64 {
        0.0
    }
}

/// Options that something is made of: a simulator, a rule, a loss, a prior.
///
/// What is made keeps them and shows them, but they can no longer be changed: nothing that was computed from options
/// can be out of date.
///
/// ```
/// use retrodict::options::Build;
/// use retrodict::updates::AdamOptions;
/// let adam = AdamOptions::default().with_learning_rate(0.1).build()?;
/// assert_eq!(adam.options().learning_rate, 0.1);
/// assert!(AdamOptions::default().with_learning_rate(-0.1).build().is_err());
/// # Ok::<(), retrodict::Error>(())
/// ```
pub trait Build: Validate + Sized {
    /// What is made.
    type Built;

    /// Makes it of options that were checked; called by [`build`](Build::build).
    ///
    /// # Errors
    /// If what the options name cannot be had: a file, a server, the factors of a singular matrix.
    fn make(options: Checked<Self>) -> Result<Self::Built>;

    /// Checks the options and makes it.
    ///
    /// # Errors
    /// If an option is not allowed, if it takes more memory than there is, or as [`make`](Build::make).
    fn build(self) -> Result<Self::Built> {
        Self::make(Checked::new(self)?)
    }
}

/// Options that were found to be allowed. They can be read, and not be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked<O>(O);

impl<O: Validate> Checked<O> {
    /// Checks options.
    ///
    /// # Errors
    /// [`Error::Option`] with the key, what was found and what is allowed; [`Error::Config`] for sizes beyond this
    /// machine's memory.
    pub fn new(options: O) -> Result<Self> {
        let name = std::any::type_name::<O>();
        // Without what it is generic over: `Options` of `crate::Options<crate::Equation>`.
        let name = name.split('<').next().unwrap_or(name);
        let name = name.rsplit("::").next().unwrap_or(name);
        Self::named(name, options)
    }

    /// The same, where messages say a name.
    fn named(what: &str, options: O) -> Result<Self> {
        memory::affordable(what, options.memory())?;
        options.validate()?;
        Ok(Self(options))
    }

    /// The same with a change that keeps them allowed, such as leaving out some of a list.
    pub(crate) fn with(&self, change: impl FnOnce(&mut O)) -> Self
    where
        O: Clone,
    {
        let mut options = self.0.clone();
        change(&mut options);
        Self(options)
    }

    /// The options, to be changed and checked again.
    pub fn into_inner(self) -> O {
        self.0
    }
}

impl<O> std::ops::Deref for Checked<O> {
    type Target = O;

    fn deref(&self) -> &O {
        &self.0
    }
}

impl<O: Default + Validate> Checked<O> {
    /// The default options of retrodict's own entries, which are allowed: a test asks all of them.
    pub(crate) fn defaults() -> Self {
        Self(O::default())
    }
}

/// What is made of options alone: they are kept, and what is remembered begins at its default.
macro_rules! built {
    ($options:ident => $built:ident { $($state:ident),* }) => {
        impl $crate::options::Build for $options {
            type Built = $built;

            fn make(options: $crate::options::Checked<Self>) -> $crate::Result<$built> {
                Ok($built { options, $($state: Default::default()),* })
            }
        }

        impl Default for $built {
            fn default() -> Self {
                Self {
                    options: $crate::options::Checked::defaults(),
                    $($state: Default::default()),*
                }
            }
        }

        impl $built {
            /// What it was made of.
            pub fn options(&self) -> &$options {
                &self.options
            }
        }
    };
}
pub(crate) use built;

/// What holds nothing but its options, all of which are allowed or checked where they are used, is made as it is.
macro_rules! plain {
    ($type:ty) => {
        impl $crate::options::Build for $type {
            type Built = Self;

            fn make(options: $crate::options::Checked<Self>) -> $crate::Result<Self> {
                Ok(options.into_inner())
            }
        }
    };
}
pub(crate) use plain;

/// Makes what the options of a table describe; as [`configure`], in whose words mistakes are told.
///
/// # Errors
/// As [`configure`] and [`Build::make`].
pub fn build<O: DeserializeOwned + Build>(what: &str, table: &toml::Table) -> Result<O::Built> {
    O::make(Checked::named(what, read(what, table)?)?)
}

/// Reads options from a table: unknown keys and values out of range are errors that name the key, and so are sizes
/// beyond this machine's memory.
///
/// # Errors
/// [`Error::Config`] or [`Error::Option`].
pub fn configure<T>(what: &str, table: &toml::Table) -> Result<T>
where
    T: DeserializeOwned + Validate,
{
    Checked::named(what, read(what, table)?).map(Checked::into_inner)
}

/// About how many bytes the options of a table need; see [`Validate::memory`].
///
/// # Errors
/// [`Error::Config`] if the table cannot be read.
pub fn memory_of<T>(what: &str, table: &toml::Table) -> Result<f64>
where
    T: DeserializeOwned + Validate,
{
    read::<T>(what, table).map(|options| options.memory())
}

fn read<T: DeserializeOwned>(what: &str, table: &toml::Table) -> Result<T> {
    T::deserialize_from(table).map_err(|message| Error::Config {
        what: what.to_owned(),
        message: explain(&message),
    })
}

/// The defaults of a kind of options, as a table: what `retrodict list` shows.
pub fn defaults<T: Default + Serialize>() -> toml::Table {
    toml::Table::try_from(T::default()).unwrap_or_default()
}

/// The keys that a kind of options knows, those without a default value included.
pub fn keys<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut keys: &'static [&'static str] = &[];
    // The struct tells the deserialiser which fields it has; that is all that is wanted.
    let _ = T::deserialize(KeyReader(&mut keys));
    keys
}

struct KeyReader<'k>(&'k mut &'static [&'static str]);

impl<'de> serde::Deserializer<'de> for KeyReader<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> std::result::Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("options are a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, Self::Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

trait FromTable: Sized {
    fn deserialize_from(table: &toml::Table) -> std::result::Result<Self, String>;
}

impl<T: DeserializeOwned> FromTable for T {
    fn deserialize_from(table: &toml::Table) -> std::result::Result<Self, String> {
        table
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| error.to_string().trim().to_owned())
    }
}

/// Puts serde's message about a value in words for users: the key first, the nearest known name
/// last.
pub fn explain(message: &str) -> String {
    let (text, place) = match message.trim().split_once("\nin `") {
        Some((text, place)) => (text, place.trim_end().strip_suffix('`')),
        None => (message.trim(), None),
    };
    let names: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    let mut explained = place.map(|key| format!("`{key}`: ")).unwrap_or_default();
    match names.split_first() {
        Some((found, [])) if text.ends_with("there are no fields") => {
            explained.push_str(&format!("unknown key '{found}'; it has no options"));
        }
        Some((found, known)) if text.starts_with("unknown") => {
            let kind = match text.starts_with("unknown field") {
                true => "key",
                false => "value",
            };
            explained.push_str(&unknown(kind, found, known.iter().copied()));
        }
        _ => explained.push_str(
            &text
                .replace("expected f64", "expected a number")
                .replace("expected usize", "expected a whole number of 0 or more")
                .replace("expected u64", "expected a whole number of 0 or more"),
        ),
    }
    explained
}

/// Checks a grid: one to three axes with at least one cell each.
pub fn grid(shape: &[usize]) -> Result<()> {
    require(
        (1..=3).contains(&shape.len()) && shape.iter().all(|n| *n > 0),
        "shape",
        format!("{shape:?}"),
        "it needs one to three axes with at least one cell each, for example [64, 64]",
    )
}

/// Fails unless `value` is finite and greater than 0.
pub fn positive(key: &str, value: f64) -> Result<()> {
    require(
        value.is_finite() && value > 0.0,
        key,
        value,
        "it must be greater than 0",
    )
}

/// Fails unless `value` is a standard deviation: finite and greater than 0. Says what else may have been meant.
pub fn deviation(key: &str, value: f64) -> Result<()> {
    let allowed = if value == 0.0 {
        "it must be greater than 0: no measurement is exact; give the smallest standard deviation that is plausible"
    } else if value == f64::INFINITY {
        "it must be finite; to ignore a datum, write NaN in its place in the data, and say that data are missing \
         (`missing`)"
    } else if value.is_nan() {
        "it must be a number; where nothing was observed, write NaN in the data too, and say that data are missing \
         (`missing`)"
    } else {
        "it must be greater than 0"
    };
    require(value.is_finite() && value > 0.0, key, value, allowed)
}

/// Fails unless `value` is finite and at least 0.
pub fn not_negative(key: &str, value: f64) -> Result<()> {
    require(
        value.is_finite() && value >= 0.0,
        key,
        value,
        "it must be 0 or greater",
    )
}

/// Fails unless low ≤ `value` < high.
pub fn at_least_below(key: &str, value: f64, low: f64, high: f64) -> Result<()> {
    let allowed = format!("it must lie in [{low}, {high})");
    require(value >= low && value < high, key, value, &allowed)
}

/// Fails with [`Error::Option`] unless `holds`.
pub fn require(holds: bool, key: &str, found: impl std::fmt::Display, allowed: &str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Option {
        key: key.to_owned(),
        found: found.to_string(),
        allowed: allowed.to_owned(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_without_a_default_are_known_too() {
        let keys = keys::<crate::updates::NewtonOptions>();
        assert!(keys.contains(&"max_loss_change"), "{keys:?}");
        assert!(!defaults::<crate::updates::NewtonOptions>().contains_key("max_loss_change"));
        assert!(!super::keys::<crate::updates::AdamOptions>().contains(&"memory"));
    }

    #[test]
    fn messages_name_the_key_and_the_nearest_name() {
        let table = |text: &str| text.parse::<toml::Table>().unwrap();
        let message = |text: &str| {
            configure::<crate::updates::NewtonOptions>("newton", &table(text))
                .unwrap_err()
                .to_string()
        };
        let unknown = message("learning_rat = 1.0");
        assert!(
            unknown.starts_with(
                "newton: unknown key 'learning_rat' (did you mean 'learning_rate'?); known: "
            ),
            "{unknown}"
        );
        assert_eq!(
            message("learning_rate = 'fast'"),
            "newton: `learning_rate`: invalid type: string \"fast\", expected a number"
        );
        let square = build::<crate::simulators::SquareOptions>("square", &table("foo = 1"));
        assert_eq!(
            square.unwrap_err().to_string(),
            "square: unknown key 'foo'; it has no options"
        );
    }
}
