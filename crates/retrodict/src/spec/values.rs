//! Numbers in a description: one for all, one for each, or the file that holds them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A number, a list of them, or the name of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, from = "Nested")]
pub enum Values {
    /// One for all.
    One(f64),
    /// One for each, in row-major order.
    Each(Vec<f64>),
    /// The file that holds one, or one for each.
    File(String),
}

/// Lists of lists are read row by row.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number, a list of numbers, or the name of a file"
)]
enum Nested {
    One(f64),
    Each(Vec<NestedRow>),
    File(String),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected numbers")]
enum NestedRow {
    Value(f64),
    Values(Vec<NestedRow>),
}

impl NestedRow {
    fn flatten(self, into: &mut Vec<f64>) {
        match self {
            Self::Value(value) => into.push(value),
            Self::Values(rows) => rows.into_iter().for_each(|row| row.flatten(into)),
        }
    }
}

impl JsonSchema for Values {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Values".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "number" },
                { "type": "array", "items": { "type": "number" } },
                { "type": "string", "description": "The name of a file." },
            ],
        })
    }
}

impl From<Nested> for Values {
    fn from(nested: Nested) -> Self {
        match nested {
            Nested::One(value) => Self::One(value),
            Nested::File(name) => Self::File(name),
            Nested::Each(rows) => {
                let mut values = Vec::new();
                rows.into_iter().for_each(|row| row.flatten(&mut values));
                Self::Each(values)
            }
        }
    }
}

impl Values {
    /// No values: what is not said.
    pub(crate) fn none() -> Self {
        Self::File(String::new())
    }

    /// Whether nothing is said.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::File(name) if name.is_empty())
    }

    /// The file, if it is one.
    pub fn file(&mut self) -> Option<&mut String> {
        match self {
            Self::File(name) if !name.is_empty() => Some(name),
            _ => None,
        }
    }

    /// The fields that are meant, each of `shape`, or a single number.
    ///
    /// # Errors
    /// What reading the file says.
    pub fn read(&self, shape: &[usize], files: &dyn Files) -> Result<Vec<Vec<f64>>> {
        match self {
            Self::One(value) => Ok(vec![vec![*value]]),
            Self::Each(values) => Ok(vec![values.clone()]),
            Self::File(name) => files.read(name, shape, false),
        }
    }
}

impl From<f64> for Values {
    fn from(value: f64) -> Self {
        Self::One(value)
    }
}

impl From<Vec<f64>> for Values {
    fn from(values: Vec<f64>) -> Self {
        Self::Each(values)
    }
}

impl From<&str> for Values {
    fn from(name: &str) -> Self {
        Self::File(name.to_owned())
    }
}

/// Who reads the files that a description names.
pub trait Files {
    /// The fields of a file, each of `shape` in row-major order, or the single number that it holds; with `gaps`, NaN may
    /// stand for a value that was not observed.
    ///
    /// # Errors
    /// [`Error::File`] with the reason and what to try.
    fn read(&self, name: &str, shape: &[usize], gaps: bool) -> Result<Vec<Vec<f64>>>;

    /// The numbers of a file that is one list of them, such as a column of a table; all of them are finite.
    ///
    /// # Errors
    /// [`Error::File`] with the reason and what to try.
    fn list(&self, name: &str) -> Result<Vec<f64>> {
        Ok(self.read(name, &[1], false)?.concat())
    }

    /// All arrays of a file, such as a .npz, in its order.
    ///
    /// # Errors
    /// [`Error::File`] with the reason and what to try.
    fn arrays(&self, name: &str) -> Result<Vec<FileArray>> {
        Err(without_files(name))
    }

    /// The fields of the photograph that comes with retrodict, each of `shape`, one for each colour.
    ///
    /// # Errors
    /// [`Error::File`] where there is none.
    fn photograph(&self, _shape: &[usize]) -> Result<Vec<Vec<f64>>> {
        Err(Error::File {
            message: "the photograph comes with the command line; name a file of your own here"
                .to_owned(),
        })
    }
}

/// An array of a file that holds several.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FileArray {
    /// Its name.
    pub name: String,
    /// Extent along each axis.
    pub shape: Vec<usize>,
    /// The values in row-major order.
    pub values: Vec<f64>,
}

impl FileArray {
    /// An array by its name.
    pub fn new(
        name: impl Into<String>,
        shape: impl Into<Vec<usize>>,
        values: impl Into<Vec<f64>>,
    ) -> Self {
        Self {
            name: name.into(),
            shape: shape.into(),
            values: values.into(),
        }
    }
}

fn without_files(name: &str) -> Error {
    Error::File {
        message: format!(
            "'{name}' is a file, and this description is read without files: give the numbers themselves"
        ),
    }
}

/// For descriptions that hold their numbers themselves.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, name: &str, _: &[usize], _: bool) -> Result<Vec<Vec<f64>>> {
        Err(without_files(name))
    }
}
