//! What a file holds: its arrays or columns, and what they are like.

use std::path::Path;

use serde::Serialize;

use super::csv::{self, Content, Table};
use super::grid::{FieldGrid, GridAxis};
use super::{Array, FileKind, is_deviation, is_time, npy, opened, place, read_any_number};
use crate::failure::Outcome;

/// Different words of a column that are listed.
const WORDS: usize = 8;

/// What a file holds.
#[derive(Debug, Serialize)]
pub struct FileContents {
    /// What it is.
    pub kind: String,
    /// What is to be known of the whole.
    pub notes: Vec<String>,
    /// Its arrays or columns.
    pub parts: Vec<FilePart>,
    /// Whether its parts are columns, of which several can be selected.
    #[serde(skip)]
    pub is_table: bool,
}

/// An array or a column of a file.
#[derive(Debug, Serialize)]
pub struct FilePart {
    /// Its name; empty where the file gives none.
    pub name: String,
    /// Its unit, as far as the file says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Its axes with their spacing, as far as the file says them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub grid: String,
    /// How it is named as an argument.
    pub notation: String,
    /// What it is taken for, by its name and content.
    pub role: Role,
    /// Extent along each axis.
    pub shape: Vec<usize>,
    /// What its numbers are like, if it holds numbers.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub summary: Option<NumberSummary>,
    /// The first of its different words, if it holds words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// The values, for a picture of them.
    #[serde(skip)]
    pub values: Vec<f64>,
    /// Whether it is a colour picture.
    #[serde(skip)]
    pub colour: bool,
}

/// What a column is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Observations, or anything else.
    Data,
    /// Times.
    Time,
    /// Standard deviations.
    StandardDeviation,
    /// Words, by which rows can be selected.
    Group,
    /// The numbers of the rows.
    Index,
    /// Nothing.
    Empty,
}

impl Role {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Time => "times",
            Self::StandardDeviation => "standard deviations",
            Self::Group => "words",
            Self::Index => "names of rows",
            Self::Empty => "empty",
        }
    }

    fn of(name: &str) -> Self {
        match name {
            name if is_time(name) => Self::Time,
            name if is_deviation(name) => Self::StandardDeviation,
            _ => Self::Data,
        }
    }
}

/// What numbers are like.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NumberSummary {
    /// How many values are missing: NaN, or a cell that says so.
    pub missing: usize,
    /// How many are infinite.
    pub infinite: usize,
    /// The least of the finite ones; none if there is none.
    pub minimum: Option<f64>,
    /// The greatest of them.
    pub maximum: Option<f64>,
    /// Their mean.
    pub mean: Option<f64>,
}

impl NumberSummary {
    /// Of some values.
    pub fn of(values: &[f64]) -> Self {
        let finite = || values.iter().copied().filter(|v| v.is_finite());
        let count = finite().count();
        // A running mean does not overflow.
        let mean = finite()
            .zip(1_usize..)
            .fold(0.0, |mean, (v, n)| mean + (v / n as f64 - mean / n as f64));
        Self {
            missing: values.iter().filter(|v| v.is_nan()).count(),
            infinite: values.iter().filter(|v| v.is_infinite()).count(),
            minimum: finite().reduce(f64::min),
            maximum: finite().reduce(f64::max),
            mean: (count > 0).then_some(mean),
        }
    }
}

impl FilePart {
    fn array(name: &str, notation: String, array: Array) -> Self {
        let unit = array.grid.as_ref().map(|grid| grid.unit.clone());
        Self {
            name: name.to_owned(),
            unit: unit.filter(|unit| !unit.is_empty()),
            grid: array.grid.as_ref().map(axes).unwrap_or_default(),
            notation,
            role: Role::Data,
            summary: Some(NumberSummary::of(&array.values)),
            words: Vec::new(),
            shape: array.shape,
            values: array.values,
            colour: array.colour,
        }
    }
}

/// What a file of data holds, or what is selected of it.
pub fn contents(name: &str) -> Outcome<FileContents> {
    let (path, selected) = place(name);
    let (kind, bytes) = opened(path)?;
    let several = matches!(
        kind,
        FileKind::Npz | FileKind::Table | FileKind::NetCdf | FileKind::Fits
    );
    if selected.is_some() || !several {
        let array = read_any_number(name)?;
        let what = match (selected, array.colour) {
            (Some(selected), _) => format!("{selected} of {}", kind.name()),
            (None, true) => format!("{}, colour (three fields)", kind.name()),
            (None, false) => kind.name().to_owned(),
        };
        return Ok(FileContents {
            kind: what,
            notes: Vec::new(),
            is_table: false,
            parts: vec![FilePart::array("", name.to_owned(), array)],
        });
    }
    let arrays = match kind {
        FileKind::Npz => Some(npy::read_archive(path, &bytes)),
        #[cfg(feature = "netcdf")]
        FileKind::NetCdf => Some(super::netcdf::read_all(path, &bytes)),
        #[cfg(feature = "fits")]
        FileKind::Fits => Some(super::fits::read_all(path, &bytes)),
        _ => None,
    };
    let explained = |failure| kind.explained(failure, &bytes);
    match arrays.transpose().map_err(explained)? {
        Some(arrays) => {
            let part = |(member, array): (String, Array)| {
                let notation = format!("{}:{member}", path.display());
                FilePart::array(&member, notation, array)
            };
            Ok(FileContents {
                kind: kind.name().to_owned(),
                notes: Vec::new(),
                is_table: false,
                parts: arrays.into_iter().map(part).collect(),
            })
        }
        None => {
            let table = csv::table(path, &bytes).map_err(explained)?;
            Ok(of_table(path, &table))
        }
    }
}

/// Axes in words: `time × y (0.25 m) × x (0.25 m)`; nothing where nothing is known.
fn axes(grid: &FieldGrid) -> String {
    let axis = |(i, axis): (usize, &GridAxis)| {
        let name = match axis.name.as_str() {
            "" => format!("axis {}", i + 1),
            name => name.to_owned(),
        };
        let spacing = axis
            .spacing
            .map(|spacing| format!("{spacing} {}", axis.unit));
        match spacing {
            Some(spacing) => format!("{name} ({})", spacing.trim_end()),
            None => name,
        }
    };
    // A coordinate lies along itself.
    let plain = |axis: &GridAxis| axis.spacing.is_none() && axis.name.is_empty();
    let own = matches!(grid.axes.as_slice(), [axis] if axis.name == grid.name);
    match own || grid.axes.iter().all(plain) {
        true => String::new(),
        false => grid
            .axes
            .iter()
            .enumerate()
            .map(axis)
            .collect::<Vec<_>>()
            .join(" × "),
    }
}

fn of_table(path: &Path, table: &Table) -> FileContents {
    let mut notes = Vec::new();
    match table.comments {
        0 => {}
        1 => notes.push("1 line is a comment".to_owned()),
        n => notes.push(format!("{n} lines are comments")),
    }
    if table.columns.iter().all(|column| column.header.is_empty()) {
        notes.push("it has no header: select columns by their numbers, from 1".to_owned());
    }
    if table.may_begin_with_names() {
        notes.push(
            "its first line counts the columns: it is read as numbers, but may be the header that pandas writes of an array"
                .to_owned(),
        );
    }
    FileContents {
        kind: format!(
            "table of {} rows and {} columns between {}{}, {}",
            table.height(),
            table.width(),
            table.separator.name(),
            table.decimal_words(),
            table.encoding.name()
        ),
        notes,
        is_table: true,
        parts: (0..table.width())
            .map(|column| of_column(path, table, column))
            .collect(),
    }
}

fn of_column(path: &Path, table: &Table, column: usize) -> FilePart {
    let about = &table.columns[column];
    let role = match table.content(column) {
        Content::Numbers => Role::of(&about.header),
        Content::Words => Role::Group,
        Content::Index => Role::Index,
        Content::Nothing => Role::Empty,
    };
    let mut values: Vec<f64> = match role {
        Role::Group | Role::Empty => Vec::new(),
        _ => table.numbers(column).collect(),
    };
    // The names of rows are words, if they are no numbers.
    if role == Role::Index && values.iter().all(|v| v.is_nan()) {
        values.clear();
    }
    let numbers = !values.is_empty();
    FilePart {
        name: about.name.clone(),
        unit: about.unit.clone(),
        grid: String::new(),
        notation: format!("{}:{}", path.display(), table.notation(column)),
        role,
        shape: vec![table.height()],
        summary: numbers.then(|| NumberSummary::of(&values)),
        words: match role {
            Role::Group => table.distinct(column, WORDS),
            _ => Vec::new(),
        },
        values,
        colour: false,
    }
}
