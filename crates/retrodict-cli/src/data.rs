//! Arrays from and to the user's files, by their ending.

pub mod bounded;
mod contents;
mod csv;
pub mod durable;
mod fields;
#[cfg(feature = "fits")]
mod fits;
mod grid;
mod jpeg;
mod kind;
#[cfg(test)]
mod mutants;
#[cfg(feature = "netcdf")]
mod netcdf;
mod npy;
mod png;
pub mod sealed;
pub mod standard;
mod tiff;
mod user_files;
#[cfg(feature = "vti")]
mod vti;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::data::durable::replace;
use crate::failure::{Failure, Outcome};
use crate::terminal::text::wrapped;

pub use contents::{FileContents, FilePart, NumberSummary, Role, contents};
pub use fields::{fit_shape, joined_shape, not_a_list, not_used, shell, split, take_times};
pub(super) use fields::{is_deviation, is_time};
pub use grid::FieldGrid;
pub use kind::FileKind;
pub use npy::{read_archive, write_archive};
pub use png::Depth;
pub use standard::{STANDARD, is_standard};
pub use user_files::UserFiles;

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
    /// Where its values lie and what they are, where the file says it.
    pub grid: Option<FieldGrid>,
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
            grid: None,
        }
    }
}

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
        let path = &name[..*at];
        match FileKind::of_ending(&ending(Path::new(path))) {
            _ if path == STANDARD => true,
            Some(FileKind::Table) => true,
            kind => *mark == ":" && kind.is_some_and(FileKind::has_parts),
        }
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
    let (path, selected) = place(name);
    let (kind, bytes) = opened(path)?;
    let read = match kind {
        FileKind::Npy => npy::read(path, &bytes),
        FileKind::Npz => npy::read_member(path, &bytes, selected),
        FileKind::Png => png::read(path, &bytes),
        FileKind::Jpeg => jpeg::read(path, &bytes),
        FileKind::Tiff => tiff::read(path, &bytes, selected),
        #[cfg(feature = "netcdf")]
        FileKind::NetCdf => netcdf::read(path, &bytes, selected),
        #[cfg(feature = "fits")]
        FileKind::Fits => fits::read(path, &bytes, selected),
        FileKind::Table => csv::read(path, &bytes, selected, gaps),
        other => Err(Failure::unreadable(path, other.not_read())),
    };
    read.map_err(|failure| kind.explained(failure, &bytes))
}

/// The kind of a file and its bytes; what is of no known kind is not looked for.
fn opened(path: &Path) -> Outcome<(FileKind, Cow<'static, [u8]>)> {
    let refused = |why: String| Failure::unreadable(path, why);
    if path.as_os_str() == STANDARD {
        let bytes = bytes(path)?;
        let kind = FileKind::of_bytes(&bytes).unwrap_or(FileKind::Table);
        return Ok((kind.built().map_err(refused)?, bytes));
    }
    let kind = FileKind::named(path).and_then(FileKind::built);
    let kind = kind.map_err(refused)?;
    Ok((kind, bytes(path)?))
}

/// The bytes of a file of data, or of standard input.
pub fn bytes(path: &Path) -> Outcome<Cow<'static, [u8]>> {
    match path.as_os_str() == STANDARD {
        true => standard::input().map(Cow::Borrowed),
        false => bounded::bytes(path, bounded::DATA).map(Cow::Owned),
    }
}

/// A picture from the bytes of a PNG.
pub fn decode_png(bytes: &[u8]) -> Outcome<Array> {
    png::read(Path::new("the built-in picture"), bytes)
}

/// What is to be said of a file that was written.
#[derive(Debug, Default)]
pub struct Written(Vec<String>);

impl Written {
    /// Says it.
    pub fn note(&self) {
        for note in &self.0 {
            eprintln!("{}", wrapped("note: ", note));
        }
    }
}

/// Writes an array.
pub fn write(path: &Path, array: &Array, depth: Depth) -> Outcome<Written> {
    if path.as_os_str() == STANDARD {
        let is_text = array.shape.len() <= 2;
        let bytes = match is_text {
            true => csv::bytes(Path::new("-.csv"), array)?,
            false => npy::bytes(array)?,
        };
        return standard::output(&bytes, is_text).map(|()| Written::default());
    }
    let refused = |why: String| Failure::Misuse(format!("cannot write {}: {why}", path.display()));
    let kind = FileKind::named(path).and_then(FileKind::built);
    let kind = kind.map_err(refused)?;
    let mut said = Written::default();
    let bytes = match kind {
        FileKind::Npy => npy::bytes(array)?,
        FileKind::Npz => write_archive(&[("x".to_owned(), array.clone())])?,
        FileKind::Table => csv::bytes(path, array)?,
        FileKind::Png => {
            let (bytes, clipped) = png::bytes(path, array, depth)?;
            said.0.extend(png::remarks(path, array, depth, clipped));
            bytes
        }
        FileKind::Tiff => tiff::bytes(path, array)?,
        #[cfg(feature = "netcdf")]
        FileKind::NetCdf => netcdf::bytes(path, array)?,
        #[cfg(feature = "vti")]
        FileKind::Vti => vti::bytes(path, array)?,
        other => return Err(refused(other.not_written())),
    };
    replace(path, &bytes)?;
    Ok(said)
}

/// name.png → name-solved.png, where the suffix is "solved"; standard output for what came from standard input.
pub fn beside(target: &str, suffix: &str) -> PathBuf {
    let (path, _) = place(target);
    if path.as_os_str() == STANDARD {
        return PathBuf::from(STANDARD);
    }
    let stem = path
        .file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default();
    let ending = path.extension().unwrap_or("npy".as_ref());
    let ending = match FileKind::of_ending(&ending.to_string_lossy().to_lowercase()) {
        Some(FileKind::Jpeg) => "png".into(),
        Some(FileKind::Fits) => "npy".into(),
        _ => ending.to_string_lossy(),
    };
    path.with_file_name(format!("{stem}-{suffix}.{ending}"))
}
