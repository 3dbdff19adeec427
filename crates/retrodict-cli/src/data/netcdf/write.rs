//! A field as a NetCDF-3 file: one variable, with coordinates where the spacing is known.

use std::path::Path;

use crate::data::Array;
use crate::data::grid::GridAxis;
use crate::failure::{Failure, Outcome};

const DIMENSIONS: u32 = 10;
const VARIABLES: u32 = 11;
const ATTRIBUTES: u32 = 12;
const TEXT: u32 = 2;
const DOUBLE: u32 = 6;

/// What axes of space are called, the last first.
const AXES: [&str; 3] = ["x", "y", "z"];

/// A dimension, and its coordinates where they are known.
struct Along {
    name: String,
    length: usize,
    axis: Option<GridAxis>,
}

/// A field as the bytes of a file of the first version.
pub fn bytes(path: &Path, array: &Array) -> Outcome<Vec<u8>> {
    let grid = array.grid.clone().unwrap_or_default();
    let along = along(array, &grid.axes);
    let name = plain(&grid.name, "field");
    let name = match along.iter().any(|dimension| dimension.name == name) {
        true => format!("{name}_values"),
        false => name,
    };
    let coordinates: Vec<(usize, &Along)> = along
        .iter()
        .enumerate()
        .filter(|(_, dimension)| dimension.axis.as_ref().is_some_and(|a| a.spacing.is_some()))
        .collect();
    // Its values follow the header, whose length does not depend on where they begin.
    let place = |begins: &[usize]| -> Vec<u8> {
        let mut out = Sink(b"CDF\x01\0\0\0\0".to_vec());
        out.tag(DIMENSIONS, along.len());
        for dimension in &along {
            out.text(&dimension.name);
            out.count(dimension.length);
        }
        out.tag(ATTRIBUTES, 2);
        out.attribute("Conventions", "CF-1.8");
        out.attribute("source", concat!("retrodict ", env!("CARGO_PKG_VERSION")));
        out.tag(VARIABLES, coordinates.len() + 1);
        let mut begins = begins.iter().copied();
        let mut begin = || begins.next().unwrap_or(0);
        for (id, dimension) in &coordinates {
            let unit = dimension
                .axis
                .as_ref()
                .map_or("", |axis| axis.unit.as_str());
            out.variable(
                &dimension.name,
                &[*id],
                unit,
                "",
                8 * dimension.length,
                begin(),
            );
        }
        let all: Vec<usize> = (0..along.len()).collect();
        out.variable(
            &name,
            &all,
            &grid.unit,
            &grid.name,
            8 * array.values.len(),
            begin(),
        );
        out.0
    };
    let sizes = coordinates
        .iter()
        .map(|(_, dimension)| 8 * dimension.length);
    let mut at = place(&[]).len();
    let mut begins = Vec::new();
    for size in sizes {
        begins.push(at);
        at += size;
    }
    begins.push(at);
    if at + 8 * array.values.len() > i32::MAX as usize {
        return Err(Failure::Misuse(format!(
            "cannot write {}: a file of NetCDF-3 has at most 2 GiB; write .npy instead",
            path.display()
        )));
    }
    let mut file = place(&begins);
    for (_, dimension) in &coordinates {
        let axis = dimension.axis.clone().unwrap_or_default();
        let step = axis.spacing.unwrap_or(1.0);
        let points = (0..dimension.length).map(|i| axis.origin + step * i as f64);
        file.extend(points.flat_map(f64::to_be_bytes));
    }
    file.extend(array.values.iter().flat_map(|v| v.to_be_bytes()));
    Ok(file)
}

/// The dimensions of an array: those of the grid, behind such that count fields.
fn along(array: &Array, axes: &[GridAxis]) -> Vec<Along> {
    let count = array.shape.len();
    let mut along: Vec<Along> = Vec::new();
    for (i, length) in array.shape.iter().enumerate() {
        let back = count - 1 - i;
        let axis = axes.len().checked_sub(back + 1).map(|at| axes[at].clone());
        let known = axis.as_ref().map_or("", |axis| axis.name.as_str());
        let default = match (axes.is_empty() || axis.is_some(), AXES.get(back)) {
            (true, Some(name)) => (*name).to_owned(),
            _ => format!("axis{i}"),
        };
        let name = plain(known, &default);
        let taken = along.iter().any(|other| other.name == name);
        along.push(Along {
            name: if taken { format!("{name}{i}") } else { name },
            length: *length,
            axis,
        });
    }
    along
}

/// A name of letters, digits and `_`, which every tool takes.
fn plain(name: &str, default: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.trim().chars().map(letter).collect();
    match name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => name,
        false => default.to_owned(),
    }
}

struct Sink(Vec<u8>);

impl Sink {
    fn number(&mut self, value: u32) {
        self.0.extend(value.to_be_bytes());
    }

    fn count(&mut self, value: usize) {
        // What is larger was refused: a file has at most 2 GiB.
        self.number(u32::try_from(value).unwrap_or(u32::MAX));
    }

    fn tag(&mut self, tag: u32, count: usize) {
        self.number(if count == 0 { 0 } else { tag });
        self.count(count);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend(text.as_bytes());
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    fn attribute(&mut self, name: &str, text: &str) {
        self.text(name);
        self.number(TEXT);
        self.text(text);
    }

    fn variable(
        &mut self,
        name: &str,
        dimensions: &[usize],
        unit: &str,
        long: &str,
        size: usize,
        begin: usize,
    ) {
        self.text(name);
        self.count(dimensions.len());
        dimensions.iter().for_each(|id| self.count(*id));
        let known = [("units", unit), ("long_name", long)];
        let known: Vec<_> = known.iter().filter(|(_, text)| !text.is_empty()).collect();
        self.tag(ATTRIBUTES, known.len());
        for (key, text) in known {
            self.attribute(key, text);
        }
        self.number(DOUBLE);
        self.count(size);
        self.count(begin);
    }
}
