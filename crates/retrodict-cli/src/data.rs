//! Arrays from and to the user's files, by their ending.

mod csv;
mod npy;
mod png;

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

pub use npy::{read_archive, write_archive};
pub use png::Depth;

/// An array in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Extent along each axis.
    pub shape: Vec<usize>,
    /// The values.
    pub values: Vec<f64>,
    /// Whether it was read from a colour picture: three fields, one for each channel.
    pub colour: bool,
}

impl Array {
    /// An array that is no picture.
    pub fn new(shape: Vec<usize>, values: Vec<f64>) -> Self {
        Self {
            shape,
            values,
            colour: false,
        }
    }
}

/// The kinds of files.
const KINDS: &str = ".npy, .npz, .csv or .png";

fn ending(path: &Path) -> String {
    path.extension()
        .map(|e| e.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

/// Reads an array; `FILE.npz:NAME` picks one of an archive. Every value must be finite.
pub fn read(name: &str) -> Outcome<Array> {
    let (path, array) = read_any(name)?;
    check(
        &path,
        &array,
        |v| v.is_finite(),
        "mask or fill it first, or say that data are missing",
    )?;
    Ok(array)
}

/// As [`read`], but NaN says that a value was not observed.
pub fn read_with_gaps(name: &str) -> Outcome<Array> {
    let (path, array) = read_any(name)?;
    check(
        &path,
        &array,
        |v| !v.is_infinite(),
        "only NaN stands for a value that is missing",
    )?;
    Ok(array)
}

/// As [`read`], of whatever values: the caller knows what they may be.
pub fn read_unchecked(name: &str) -> Outcome<Array> {
    read_any(name).map(|(_, array)| array)
}

fn check(path: &Path, array: &Array, may_be: fn(&f64) -> bool, hint: &str) -> Outcome<()> {
    match array.values.iter().position(|v| !may_be(v)) {
        None => Ok(()),
        Some(i) => Err(Failure::unreadable(
            path,
            format!(
                "it holds {} at index {i}, but every value must be finite; {hint}",
                array.values[i]
            ),
        )),
    }
}

fn read_any(name: &str) -> Outcome<(PathBuf, Array)> {
    let (path, member) = match name.rsplit_once(':') {
        Some((path, member)) if path.ends_with(".npz") => (PathBuf::from(path), Some(member)),
        _ => (PathBuf::from(name), None),
    };
    let bytes = fs::read(&path).map_err(|e| Failure::unreadable(&path, e))?;
    let array = match ending(&path).as_str() {
        "npy" => npy::read(&path, &bytes),
        "npz" => npy::read_member(&path, &bytes, member),
        "csv" => csv::read(&path, &bytes),
        "png" => png::read(&path, &bytes),
        other => Err(Failure::unreadable(
            &path,
            format!("unknown ending '.{other}'; known: {KINDS}"),
        )),
    }?;
    Ok((path, array))
}

/// A picture from the bytes of a PNG.
pub fn decode_png(bytes: &[u8]) -> Outcome<Array> {
    png::read(Path::new("the built-in picture"), bytes)
}

/// Writes an array; returns how many values a PNG had to clip to [0, 1].
pub fn write(path: &Path, array: &Array, depth: Depth) -> Outcome<usize> {
    let (bytes, clipped) = match ending(path).as_str() {
        "npy" => (npy::bytes(array)?, 0),
        "npz" => (write_archive(&[("x".to_owned(), array.clone())])?, 0),
        "csv" => (csv::bytes(path, array)?, 0),
        "png" => png::bytes(path, array, depth)?,
        other => {
            return Err(Failure::Misuse(format!(
                "cannot write {}: unknown ending '.{other}'; known: {KINDS}",
                path.display()
            )));
        }
    };
    replace(path, &bytes)?;
    Ok(clipped)
}

/// Writes a file whole or not at all: to a temporary name beside it, then renamed.
pub fn replace(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|e| {
        let _ = fs::remove_file(&temporary);
        Failure::unwritable(path, e)
    })
}
