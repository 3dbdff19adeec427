//! Descriptions and the files that they name, as Python and NumPy read them.

use std::path::{Path, PathBuf};

use pyo3::exceptions::{PyFileNotFoundError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use retrodict::spec::{Described, FileArray, Files, Origin, Values};
use retrodict::{Error, Result};
use toml::Table;

use crate::arrays::{self, Numbers, type_name};
use crate::errors::raised;
use crate::tables;

/// A description that was read.
pub struct Read {
    /// What it says.
    pub table: Table,
    /// The folder from which its files are seen.
    pub folder: Option<PathBuf>,
    /// Where it came from, if that is a file.
    pub origin: Option<Origin>,
}

/// An error with the line of the file that has to be corrected, where the description came from one.
pub fn placed(error: Error, origin: Option<&Origin>) -> Error {
    match origin {
        Some(origin) => origin.locate(error),
        None => error,
    }
}

/// The exception for an error of the library, with its line.
pub fn located(error: Error, origin: Option<&Origin>) -> PyErr {
    raised(&placed(error, origin))
}

/// Reads a dictionary, or the TOML file of a path; `check` finds mistakes in the text of a file, told with their line.
///
/// # Errors
/// If it is neither, or cannot be read.
pub fn description<T: Described>(
    description: &Bound<'_, PyAny>,
    check: impl FnOnce(&str, &str, &Table) -> Result<()>,
) -> PyResult<Read> {
    if let Ok(dict) = description.cast::<PyDict>() {
        return Ok(Read {
            table: tables::table("description", dict)?,
            folder: None,
            origin: None,
        });
    }
    let path: PathBuf = description.extract().map_err(|_| {
        PyTypeError::new_err(format!(
            "description is a '{}', expected a dictionary or the path of a TOML file",
            type_name(description)
        ))
    })?;
    let text = std::fs::read_to_string(&path).map_err(|error| {
        PyFileNotFoundError::new_err(format!("cannot read {}: {error}", path.display()))
    })?;
    let what = path.display().to_string();
    let table: Table = toml::from_str(&text)
        .map_err(|error| raised(&retrodict::spec::misread(&what, &text, &error)))?;
    check(&what, &text, &table).map_err(|error| raised(&error))?;
    Ok(Read {
        table,
        folder: path.parent().map(Path::to_path_buf),
        origin: Some(Origin::new::<T>(what, text)),
    })
}

/// Takes relative paths as seen from a folder.
pub fn anchor(names: Vec<&mut String>, folder: Option<&Path>) {
    for name in names {
        if let (Some(folder), true) = (folder, Path::new(name.as_str()).is_relative()) {
            *name = folder.join(&*name).to_string_lossy().into_owned();
        }
    }
}

/// Files as NumPy reads them.
pub struct NumpyFiles;

impl Files for NumpyFiles {
    fn read(&self, name: &str, shape: &[usize], _: bool) -> Result<Vec<Vec<f64>>> {
        let refused = |message: String| Error::File {
            message: format!("cannot read {name}: {message}"),
        };
        let found =
            Python::attach(|py| load(py, name)).map_err(|error| refused(error.to_string()))?;
        let fits = found.values.len() == 1 || shape.is_empty();
        if !fits {
            arrays::shaped(name, &found, shape).map_err(|error| refused(error.to_string()))?;
        }
        Ok(vec![found.values])
    }

    fn list(&self, name: &str) -> Result<Vec<f64>> {
        let refused = |message: String| Error::File {
            message: format!("cannot read {name}: {message}"),
        };
        let found =
            Python::attach(|py| load(py, name)).map_err(|error| refused(error.to_string()))?;
        match found.shape.as_slice() {
            [_] => Ok(found.values),
            shape => Err(refused(format!(
                "it has the shape {shape:?}, but one list of numbers is needed"
            ))),
        }
    }

    fn arrays(&self, name: &str) -> Result<Vec<FileArray>> {
        Python::attach(|py| load_all(py, name)).map_err(|error| Error::File {
            message: format!("cannot read {name}: {error}"),
        })
    }
}

/// Numbers in place of the file that holds them.
///
/// # Errors
/// If it cannot be read.
pub fn resolve(values: &mut Option<Values>, shape: &[usize]) -> PyResult<()> {
    if let Some(Values::File(_)) = values {
        let read = values.as_ref().map(|own| own.read(shape, &NumpyFiles));
        let mut numbers = read
            .transpose()
            .map_err(|error| raised(&error))?
            .unwrap_or_default()
            .concat();
        *values = Some(match numbers.len() {
            1 => Values::One(numbers.remove(0)),
            _ => Values::Each(numbers),
        });
    }
    Ok(())
}

fn load_all(py: Python<'_>, name: &str) -> PyResult<Vec<FileArray>> {
    let archive = py
        .import(intern!(py, "numpy"))?
        .call_method1("load", (name,))?;
    let names: Vec<String> = archive.getattr("files")?.extract()?;
    let read = |name: String| {
        let Numbers { values, shape } = arrays::read(&name, &archive.get_item(&name)?)?;
        Ok(FileArray::new(name, shape, values))
    };
    names.into_iter().map(read).collect()
}

fn load(py: Python<'_>, name: &str) -> PyResult<Numbers> {
    let numpy = py.import(intern!(py, "numpy"))?;
    let (path, member) = match name.rsplit_once(".npz:") {
        Some((stem, member)) => (format!("{stem}.npz"), Some(member)),
        None => (name.to_owned(), None),
    };
    if path.ends_with(".csv") {
        let options = PyDict::new(py);
        options.set_item("delimiter", ",")?;
        let found = numpy.call_method("loadtxt", (path,), Some(&options))?;
        return arrays::read(name, &found);
    }
    let loaded = numpy.call_method1("load", (path.as_str(),))?;
    if !path.ends_with(".npz") {
        return arrays::read(name, &loaded);
    }
    let names: Vec<String> = loaded.getattr("files")?.extract()?;
    let member = match (member, names.as_slice()) {
        (Some(member), _) => member.to_owned(),
        (None, [only]) => only.clone(),
        (None, several) => {
            return Err(PyValueError::new_err(format!(
                "it holds {}: select one, as {path}:{}",
                several.join(", "),
                several.first().map_or("NAME", String::as_str)
            )));
        }
    };
    arrays::read(name, &loaded.get_item(member)?)
}
