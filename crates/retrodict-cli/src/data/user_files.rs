//! The files that a description names, for the library.

use retrodict::spec::Files;
use retrodict::{Error, Result};

use super::{read, read_any_number, split};
use crate::failure::Outcome;

/// Files of the kinds that the command line knows, as seen from where it was called.
pub struct UserFiles;

impl Files for UserFiles {
    fn read(&self, name: &str, shape: &[usize], gaps: bool) -> Result<Vec<Vec<f64>>> {
        fields(name, shape, gaps).map_err(|failure| Error::File {
            message: failure.to_string(),
        })
    }
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
