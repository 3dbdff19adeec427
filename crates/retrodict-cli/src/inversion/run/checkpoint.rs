//! The checkpoint of an inversion, as one file.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::data::sealed;
use crate::failure::Outcome;
use crate::inversion::{Chosen, Run};

/// The first bytes of such a file; the digit changes with the format.
const MAGIC: &[u8; 8] = b"retrinv2";

/// The file within an inversion's folder.
const FILE: &str = "inversion.checkpoint";

/// Where all runs of an inversion stand: enough to go on as if it had never stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckpointFile {
    /// What is solved: losses belong to this problem alone.
    pub problem: String,
    /// The rule and its options, to which the runs' memory belongs.
    pub rule: String,
    /// The weights that a rule has chosen, one for each field.
    pub weights: Vec<Chosen>,
    /// The runs.
    pub runs: Vec<Run>,
}

impl CheckpointFile {
    /// Writes it, whole or not at all.
    pub fn write(&self, folder: &Path) -> Outcome<()> {
        sealed::write(&folder.join(FILE), MAGIC, self)
    }

    /// Reads it again; nothing if there is none.
    pub fn read(folder: &Path) -> Outcome<Option<Self>> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        sealed::read(
            &path,
            MAGIC,
            "`retrodict resume` starts the inversion again",
        )
        .map(Some)
    }
}
