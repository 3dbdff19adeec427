//! The networks that `predict` is to use: files, or those of a training's folder.

use std::path::{Path, PathBuf};

use retrodict::Error;
use retrodict::spec::{Ensemble, NetworkFile};

use crate::args;
use crate::data::bounded;
use crate::failure::{Failure, Outcome};
use crate::registry;
use crate::training::{self, Checkpoint, Contents};

/// Networks of one task, and their files.
pub struct Networks {
    /// The files.
    pub paths: Vec<PathBuf>,
    /// The networks.
    pub ensemble: Ensemble,
}

impl Networks {
    /// Finds and reads them.
    pub fn read(args: &args::PredictArguments) -> Outcome<Self> {
        let method = args.method.as_deref();
        let paths: Vec<PathBuf> = match &args.ensemble {
            Some(folder) => seeds(folder, method)?,
            None => {
                let found = args.networks.iter().map(|place| find(place, method));
                found.collect::<Outcome<_>>()?
            }
        };
        let read = |path: &PathBuf| -> Outcome<(String, NetworkFile)> {
            let bytes = bounded::bytes(path, bounded::DATA)?;
            let name = path.display().to_string();
            let file = NetworkFile::from_bytes(&name, &bytes, registry())?;
            Ok((name, file))
        };
        let files = paths.iter().map(read).collect::<Outcome<_>>()?;
        Ok(Self {
            paths,
            ensemble: Ensemble::new(files)?,
        })
    }

    /// The methods that trained them, in words.
    pub fn methods(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for file in self.ensemble.members() {
            if !names.contains(&file.method.as_str()) {
                names.push(&file.method);
            }
        }
        let names = names.join(", ");
        match self.paths.len() {
            1 => names,
            n => format!("{n} networks ({names}): their mean"),
        }
    }
}

/// A file of weights, or those of a training's folder: of a method, or with the least loss.
fn find(place: &Path, method: Option<&str>) -> Outcome<PathBuf> {
    if place.extension().is_some_and(|e| e == "safetensors") {
        if let Some(method) = method {
            return Err(Failure::Misuse(format!(
                "--method {method} picks a network of a training's folder, and {} is the file of one network; leave it out",
                place.display()
            )));
        }
        return Ok(place.to_path_buf());
    }
    let contents = contents(place)?;
    let (method, seed) = best(&contents, method)?;
    Ok(weights(place, method, seed))
}

/// All seeds of a method, or of the one with the least loss.
fn seeds(folder: &Path, method: Option<&str>) -> Outcome<Vec<PathBuf>> {
    let contents = contents(folder)?;
    let (method, _) = best(&contents, method)?;
    let of = contents.outcomes.iter().filter(|o| o.method == method);
    Ok(of.map(|o| weights(folder, method, o.seed)).collect())
}

fn contents(folder: &Path) -> Outcome<Contents> {
    if !training::is_training(folder) {
        return Err(Failure::Misuse(format!(
            "{} is neither a .safetensors file nor the folder of a training, which holds epochs.csv and its networks; name one \
             of them",
            folder.display()
        )));
    }
    training::read(folder)
}

/// Method and seed of the least loss, of a method if one was named.
fn best<'a>(contents: &'a Contents, method: Option<&str>) -> Outcome<(&'a str, u64)> {
    let of = contents.outcomes.iter();
    let best = of
        .filter(|o| method.is_none_or(|m| o.method == m))
        .min_by(|a, b| a.loss.total_cmp(&b.loss));
    let Some(best) = best else {
        let known = contents.manifest.methods.iter().map(String::as_str);
        return Err(Error::unknown("method", method.unwrap_or_default(), known).into());
    };
    Ok((&best.method, best.seed))
}

fn weights(folder: &Path, method: &str, seed: u64) -> PathBuf {
    Checkpoint::path(folder, method, seed).with_extension("safetensors")
}
