//! The files that a description names, for the library.

use std::path::Path;

use retrodict::spec::{FileArray, Files};
use retrodict::{Error, Result};

use super::{decode_png, not_a_list, read, read_any_number, read_archive, split};
use crate::failure::{Failure, Outcome};

/// The photograph that comes with retrodict.
const PHOTOGRAPH: &[u8] = include_bytes!("../../experiments/data/chelsea.png");

/// Files of the kinds that the command line knows, as seen from where it was called.
pub struct UserFiles;

impl Files for UserFiles {
    fn read(&self, name: &str, shape: &[usize], gaps: bool) -> Result<Vec<Vec<f64>>> {
        fields(name, shape, gaps).map_err(refused)
    }

    fn list(&self, name: &str) -> Result<Vec<f64>> {
        list(name).map_err(refused)
    }

    fn arrays(&self, name: &str) -> Result<Vec<FileArray>> {
        arrays(name).map_err(refused)
    }

    fn photograph(&self, shape: &[usize]) -> Result<Vec<Vec<f64>>> {
        let picture = decode_png(PHOTOGRAPH).map_err(refused)?;
        let length = shape.iter().product::<usize>().max(1);
        let fields = picture.values.chunks(length);
        Ok(fields.map(<[f64]>::to_vec).collect())
    }
}

/// One list of numbers.
fn list(name: &str) -> Outcome<Vec<f64>> {
    let array = read(name)?;
    match array.shape.as_slice() {
        [_] => Ok(array.values),
        _ => Err(not_a_list(&array, name)),
    }
}

fn refused(failure: Failure) -> Error {
    Error::File {
        message: failure.to_string(),
    }
}

fn arrays(name: &str) -> Outcome<Vec<FileArray>> {
    let path = Path::new(name);
    let bytes = super::bytes(path)?;
    let arrays = read_archive(path, &bytes)?;
    let array =
        |(name, array): (String, super::Array)| FileArray::new(name, array.shape, array.values);
    Ok(arrays.into_iter().map(array).collect())
}

fn fields(name: &str, shape: &[usize], gaps: bool) -> Outcome<Vec<Vec<f64>>> {
    let array = match gaps {
        true => read_any_number(name)?,
        false => read(name)?,
    };
    match array.values.len() {
        1 => Ok(vec![array.values]),
        _ => Ok(split(&array, shape, name)?
            .into_iter()
            .map(<[f64]>::to_vec)
            .collect()),
    }
}
