//! The arrays of answers, as files hold them.

use std::path::Path;

use crate::data::{self, Array, Depth};
use crate::failure::{Failure, Outcome};
use crate::inversion::Answer;

/// The arrays that may stand in a folder, each in a file of its own; one for each field where there are several.
const ARRAYS: [&str; 8] = [
    "residuals",
    "deviation",
    "covariance",
    "correlation",
    "unseen",
    "posterior-eigenvalues",
    "posterior-deviation",
    "posterior-samples",
];

/// Writes the arrays of statistics and posterior; those of an earlier run that have no successor go.
pub fn write(folder: &Path, answers: &[Answer]) -> Outcome<()> {
    for answer in answers {
        for name in ARRAYS {
            let path = folder.join(match answers.len() {
                1 => format!("{name}.npy"),
                _ => format!("{name}-{}.npy", answer.field + 1),
            });
            match answer.arrays.iter().find(|(known, _)| known == name) {
                Some((_, array)) => drop(data::write(&path, array, Depth::Sixteen)?),
                None if path.exists() => {
                    std::fs::remove_file(&path).map_err(|e| Failure::unwritable(&path, e))?;
                }
                None => {}
            }
        }
    }
    Ok(())
}

/// Of these the report shows pictures.
const PICTURED: [&str; 4] = [
    "deviation",
    "correlation",
    "posterior-deviation",
    "posterior-samples",
];

/// The arrays of an answer of which the report shows pictures.
pub fn pictured(answer: &Answer) -> impl Iterator<Item = &(String, Array)> {
    let arrays = answer.arrays.iter();
    arrays.filter(|(name, _)| PICTURED.contains(&name.as_str()))
}
