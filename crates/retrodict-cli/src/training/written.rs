//! What a training's folder is written of, each file whole or not at all.

use std::path::Path;

use super::folder::{Contents, csv};
use super::standing::{self, standings};
use crate::data::durable::replace;
use crate::data::write_archive;
use crate::failure::Outcome as Result;
use crate::results::folder::json;

/// Writes the folder, each file whole or not at all.
pub fn write(folder: &Path, contents: &Contents) -> Result<()> {
    let put = |name: &str, bytes: &[u8]| replace(&folder.join(name), bytes);
    put("manifest.json", json(&contents.manifest)?.as_bytes())?;
    put("summary.json", json(&contents.outcomes)?.as_bytes())?;
    put("epochs.csv", csv(&contents.lines).as_bytes())?;
    let standings = standings(contents);
    put("methods.json", json(&standings)?.as_bytes())?;
    put(
        "methods.csv",
        standing::csv(contents, &standings).as_bytes(),
    )?;
    put("fields.npz", &write_archive(&contents.fields)?)
}
