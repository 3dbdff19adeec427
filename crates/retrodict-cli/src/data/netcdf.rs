//! NetCDF-3, the classic format: variables with dimensions, units and coordinates. Read in all three of its versions,
//! written in the first.

mod header;
mod write;

use std::path::Path;

use header::{NetCdfHeader, Variable};
use retrodict::error::suggestion;

use super::grid::{FieldGrid, GridAxis};
use super::{Array, bounded};
use crate::failure::{Failure, Outcome};

pub use write::bytes;

/// A variable of a file: the named one, or the only one that is not a coordinate. What was not written is NaN.
pub fn read(path: &Path, bytes: &[u8], name: Option<&str>) -> Outcome<Array> {
    let read = || {
        let header = NetCdfHeader::parse(bytes)?;
        let variable = chosen(&header, path, name)?;
        array(&header, variable, bytes)
    };
    read().map_err(|why: String| Failure::unreadable(path, why))
}

/// All variables of numbers, by name: those that hold data first, then coordinates.
pub fn read_all(path: &Path, bytes: &[u8]) -> Outcome<Vec<(String, Array)>> {
    let read = || {
        let header = NetCdfHeader::parse(bytes)?;
        let (mut data, coordinates): (Vec<&Variable>, Vec<&Variable>) =
            numbers(&header).partition(|variable| !header.is_coordinate(variable));
        data.extend(coordinates);
        let mut room = bounded::VALUES;
        let mut arrays = Vec::new();
        for variable in data {
            let size = bounded::count(&header.shape(variable))?;
            room = room.checked_sub(size).ok_or_else(|| {
                format!(
                    "its variables have more than {} values (1 GiB) together; name one of them",
                    bounded::VALUES
                )
            })?;
            arrays.push((variable.name.clone(), array(&header, variable, bytes)?));
        }
        Ok(arrays)
    };
    read().map_err(|why: String| Failure::unreadable(path, why))
}

fn numbers(header: &NetCdfHeader) -> impl Iterator<Item = &Variable> {
    let all = header.variables.iter();
    all.filter(|variable| !variable.kind.is_text() && !variable.dimensions.is_empty())
}

fn chosen<'a>(
    header: &'a NetCdfHeader,
    path: &Path,
    name: Option<&str>,
) -> Result<&'a Variable, String> {
    let data = || numbers(header).filter(|variable| !header.is_coordinate(variable));
    if let Some(name) = name {
        let found = header
            .variables
            .iter()
            .find(|variable| variable.name == name);
        return found.ok_or_else(|| {
            let names: Vec<&str> = numbers(header).map(|v| v.name.as_str()).collect();
            format!(
                "it has no variable '{name}'{}; it has {}",
                suggestion(name, names.iter().copied()),
                names.join(", ")
            )
        });
    }
    match data().collect::<Vec<_>>().as_slice() {
        [] => Err("it has no variable of numbers beside coordinates".to_owned()),
        [only] => Ok(only),
        several => {
            let names: Vec<&str> = several.iter().map(|v| v.name.as_str()).collect();
            Err(format!(
                "name one of its variables, as {}:{}; it has {}",
                path.display(),
                names[0],
                names.join(", ")
            ))
        }
    }
}

fn array(header: &NetCdfHeader, variable: &Variable, bytes: &[u8]) -> Result<Array, String> {
    if variable.kind.is_text() {
        return Err(format!(
            "its variable '{}' is text, not numbers",
            variable.name
        ));
    }
    let shape = header.shape(variable);
    let values = header.values(variable, bytes)?;
    let axis = |id: &usize| -> Result<GridAxis, String> {
        let name = header
            .dimensions
            .get(*id)
            .map_or("", |found| found.name.as_str());
        let coordinate = header.coordinate(*id).filter(|c| c.name != variable.name);
        match coordinate {
            Some(coordinate) => {
                let along = header.values(coordinate, bytes)?;
                Ok(GridAxis::of(name, coordinate.text("units"), &along))
            }
            None => Ok(GridAxis {
                name: name.to_owned(),
                ..GridAxis::default()
            }),
        }
    };
    let axes: Result<Vec<GridAxis>, String> = variable.dimensions.iter().map(axis).collect();
    Ok(Array {
        grid: Some(FieldGrid {
            name: variable.name.clone(),
            unit: variable.text("units").to_owned(),
            axes: axes?,
        }),
        ..Array::new(shape, values)
    })
}

#[cfg(test)]
pub mod tests;
