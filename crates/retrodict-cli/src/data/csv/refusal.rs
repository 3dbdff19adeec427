//! What is said of rows and headers that do not fit each other.

use super::cell::Cell;
use super::header::Column;
use super::number::{commas, decimal_comma};

/// A row with more or fewer cells than the first.
pub(super) fn other_width(number: usize, line: &str, all: &[Cell<'_>], width: usize) -> String {
    if width == 1 && decimal_comma(line).is_some() {
        return commas(number, line);
    }
    format!(
        "line {number}: it has {} values, but the first row has {width}",
        all.len()
    )
}

/// A header with more or fewer names than there are columns.
pub(super) fn other_names(names: &[Column], width: usize) -> String {
    let said: Vec<&str> = names.iter().map(|name| name.header.as_str()).collect();
    format!(
        "its header names {} columns ({}), but its rows have {width}",
        names.len(),
        said.join(", ")
    )
}
