//! Arrays from and to the user's files, by their ending.

pub mod bounded;
mod csv;
pub mod durable;
mod fields;
#[cfg(test)]
mod mutants;
mod npy;
mod png;
pub mod sealed;
mod user_files;

use std::path::{Path, PathBuf};

use crate::data::durable::replace;
use crate::failure::{Failure, Outcome};

pub use fields::{
    fit_shape, is_deviation, is_time, joined_shape, not_a_list, not_used, shell, split, take_times,
};
pub use npy::{read_archive, write_archive};
pub use png::Depth;
pub use user_files::{UserFiles, list};

/// An array in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Extent along each axis.
    pub shape: Vec<usize>,
    /// The values.
    pub values: Vec<f64>,
    /// Whether it was read from a colour picture: three fields, one for each channel.
    pub colour: bool,
    /// The names of its columns, where it is a table of several: empty ones where the file does not name them.
    pub columns: Vec<String>,
    /// Whether these columns were named by the user, and are meant to be data.
    pub selected: bool,
    /// The columns of its file that it leaves out.
    pub beside: Vec<String>,
}

impl Array {
    /// An array that is no picture.
    pub fn new(shape: Vec<usize>, values: Vec<f64>) -> Self {
        Self {
            shape,
            values,
            colour: false,
            columns: Vec::new(),
            selected: false,
            beside: Vec::new(),
        }
    }
}

/// The kinds of files.
const KINDS: &str = ".npy, .npz, .csv, .tsv, .txt, .dat or .png";

/// The kinds that are tables of text.
const TABLES: [&str; 4] = ["csv", "tsv", "txt", "dat"];

fn ending(path: &Path) -> String {
    path.extension()
        .map(|e| e.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

/// The path in `FILE.npz:NAME`, `FILE.csv:COLUMN` or `FILE.csv?COLUMN=VALUE`, and what is selected of the file: what
/// follows the colon, or the whole from the question mark on.
pub fn place(name: &str) -> (&Path, Option<&str>) {
    let mut marks = name.match_indices([':', '?']);
    let mark = marks.find(|(at, mark)| {
        let kind = ending(Path::new(&name[..*at]));
        TABLES.contains(&kind.as_str()) || kind == "npz" && *mark == ":"
    });
    match mark {
        Some((at, mark)) => {
            let from = if mark == ":" { at + 1 } else { at };
            (Path::new(&name[..at]), Some(&name[from..]))
        }
        None => (Path::new(name), None),
    }
}

/// Reads an array; `FILE.npz:NAME` selects one of an archive, `FILE.csv:COLUMN` a column of a table, by its name or its
/// number from 1, `FILE.csv:COLUMN?COLUMN=VALUE` its rows where another column has a value. Every value must be finite.
pub fn read(name: &str) -> Outcome<Array> {
    let array = read_any(name, false)?;
    check(
        place(name).0,
        &array,
        |v| v.is_finite(),
        "mask or fill it first, or say that data are missing",
    )?;
    Ok(array)
}

/// As [`read`], for whoever checks the values: any number may stand there.
pub fn read_any_number(name: &str) -> Outcome<Array> {
    read_any(name, true)
}

/// As [`read`], but NaN says that a value was not observed.
pub fn read_with_gaps(name: &str) -> Outcome<Array> {
    let array = read_any(name, true)?;
    check(
        place(name).0,
        &array,
        |v| !v.is_infinite(),
        "only NaN stands for a value that is missing",
    )?;
    Ok(array)
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

fn read_any(name: &str, gaps: bool) -> Outcome<Array> {
    let (path, picked) = place(name);
    let kind = ending(path);
    let known = ["npy", "npz", "png"].contains(&kind.as_str());
    if !known && !TABLES.contains(&kind.as_str()) {
        return Err(Failure::unreadable(
            path,
            format!("unknown ending '.{kind}'; known: {KINDS}"),
        ));
    }
    let bytes = bounded::bytes(path, bounded::DATA)?;
    match kind.as_str() {
        "npy" => npy::read(path, &bytes),
        "npz" => npy::read_member(path, &bytes, picked),
        "png" => png::read(path, &bytes),
        _ => csv::read(path, &bytes, picked, gaps),
    }
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
        table if TABLES.contains(&table) => (csv::bytes(path, array)?, 0),
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
/// name.png → name-solved.png, where the suffix is "solved".
pub fn beside(target: &str, suffix: &str) -> PathBuf {
    let (path, _) = place(target);
    let stem = path
        .file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default();
    let ending = path.extension().unwrap_or("npy".as_ref());
    let ending = ending.to_string_lossy();
    path.with_file_name(format!("{stem}-{suffix}.{ending}"))
}

/// Says how many values a picture could not hold.
pub fn note_clipping(clipped: usize) {
    if clipped > 0 {
        eprintln!(
            "note: {clipped} values were outside [0, 1] and were clipped; write .npy to keep them"
        );
    }
}
