//! Tables as text: numbers in lines, with or without a heading.

mod cell;
mod check;
mod commas;
mod decode;
mod header;
mod lines;
mod lookup;
mod number;
mod refusal;
mod select;
mod table;

use std::fmt::Write;
use std::path::Path;

use super::{Array, ending};
use crate::failure::{Failure, Outcome};
use decode::decode;
use select::Selection;

pub use table::{Content, Table};

/// A table, whatever its cells say.
pub fn table(path: &Path, bytes: &[u8]) -> Outcome<Table> {
    let parse = || {
        let (text, encoding) = decode(bytes)?;
        Table::parse(&text, encoding)
    };
    parse().map_err(|why: String| Failure::unreadable(path, why))
}

/// An array from a table of numbers, whole or what is selected of it: `COLUMN`, by name or number from 1, or
/// `COLUMN,COLUMN`, and behind `?COLUMN=VALUE` the rows. One row or one column makes a vector. With `gaps`, cells that are
/// empty or say NA are NaN.
pub fn read(path: &Path, bytes: &[u8], selected: Option<&str>, gaps: bool) -> Outcome<Array> {
    let table = table(path, bytes)?;
    taken(&table, selected, gaps).map_err(|why| Failure::unreadable(path, why))
}

fn taken(table: &Table, selected: Option<&str>, gaps: bool) -> Result<Array, String> {
    let Selection {
        columns,
        named,
        rows,
    } = Selection::of(table, selected)?;
    table.check(&columns, &rows, gaps)?;
    let of_row = |row: &usize| {
        let row = row * table.width();
        columns.iter().map(move |column| table.values[row + column])
    };
    let values: Vec<f64> = rows.iter().flat_map(of_row).collect();
    let header = |column: &usize| table.columns[*column].header.clone();
    let beside = (0..table.width()).filter(|column| !columns.contains(column));
    let (height, width) = (rows.len(), columns.len());
    let one = height == 1 && !named || width == 1;
    let array = Array {
        selected: named,
        beside: beside.map(|column| header(&column)).collect(),
        ..Array::new(vec![height, width], values)
    };
    Ok(match one {
        true => Array {
            shape: vec![height * width],
            ..array
        },
        false => Array {
            columns: columns.iter().map(header).collect(),
            ..array
        },
    })
}

/// A row a line, in full precision; a vector is written as a column.
pub fn bytes(path: &Path, array: &Array) -> Outcome<Vec<u8>> {
    let width = match array.shape.as_slice() {
        [_] => 1,
        [_, width] => *width,
        shape => {
            return Err(Failure::Misuse(format!(
                "cannot write {}: a table has at most two axes, the array has the shape {shape:?}; \
                 write .npy instead",
                path.display()
            )));
        }
    };
    let between = match ending(path).as_str() {
        "csv" => ",",
        "tsv" => "\t",
        _ => " ",
    };
    let mut text = String::new();
    for row in array.values.chunks(width.max(1)) {
        for (i, value) in row.iter().enumerate() {
            let separator = if i == 0 { "" } else { between };
            // Writing to a string cannot fail.
            let _ = write!(text, "{separator}{value}");
        }
        text.push('\n');
    }
    Ok(text.into_bytes())
}

#[cfg(test)]
mod tests;
