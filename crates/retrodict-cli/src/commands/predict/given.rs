//! What `predict` is given of each sample: what the network sees, y* and, where it is known, x.

use std::path::Path;

use retrodict::Space;
use retrodict::spec::NetworkFile;

use crate::args;
use crate::data::{self, Array, FileKind, bounded, place, read_any_number, read_archive, split};
use crate::failure::{Failure, Outcome};

/// The arrays of an archive that have a meaning of their own, as in the data of a training.
const TARGET: &str = "target";
const INPUT: &str = "input";
const TRUTH: &str = "x";

/// All samples, a row each.
pub struct Given {
    /// Where what the network sees came from.
    pub name: String,
    /// That as an array.
    pub inputs: Array,
    /// How many samples there are.
    pub count: usize,
    /// y* of each, where it is known.
    pub targets: Option<Vec<Vec<f64>>>,
    /// x of each, where it is known.
    pub truths: Option<Vec<Vec<f64>>>,
}

impl Given {
    /// Reads the files that the arguments name.
    pub fn read(
        args: &args::PredictArguments,
        file: &NetworkFile,
        network: &Path,
    ) -> Outcome<Self> {
        let network = network.display();
        let target = args.target.as_deref().map(GivenFile::open).transpose()?;
        let input = args.input.as_deref().map(GivenFile::open).transpose()?;
        let seen = match (&input, &target) {
            (Some(input), _) if file.sees_target() => {
                return Err(Failure::Misuse(format!(
                    "--input {}: the network of {network} sees y* itself, {}; give that as --target FILE",
                    input.name,
                    told(&file.target)
                )));
            }
            (None, Some(target)) if file.sees_target() => target.take(TARGET)?,
            (Some(input), _) => input.take(INPUT)?,
            // One archive may hold both.
            (None, Some(target)) if target.has(INPUT) => target.take(INPUT)?,
            (None, _) => {
                return Err(Failure::Misuse(format!(
                    "the network of {network} does not see y*, but {}; give it as --input FILE",
                    told(&file.input)
                )));
            }
        };
        let targets = match (&target, &input) {
            (Some(target), _) => Some(target.take(TARGET)?),
            (None, Some(input)) if input.has(TARGET) => Some(input.take(TARGET)?),
            _ => None,
        };
        let sizes = Sizes { file };
        let rows = sizes.rows(&seen, &file.input, "what the network sees")?;
        let count = rows.len();
        let targets = targets.map(|found| sizes.rows(&found, &file.target, "y*"));
        let targets = targets.transpose()?;
        if let Some(targets) = targets.as_ref().filter(|targets| targets.len() != count) {
            let name = args.target.as_deref().unwrap_or(&seen.name);
            return Err(Failure::Misuse(format!(
                "{name} holds {} samples of y*, and {} holds {count}; give one y* for each input",
                targets.len(),
                seen.name
            )));
        }
        let of = target.iter().chain(&input).find(|source| source.has(TRUTH));
        let truths = of.map(|source| source.take(TRUTH)).transpose()?;
        Ok(Self {
            truths: truths.and_then(|found| known(&found, &file.output, count)),
            name: seen.name,
            inputs: seen.array,
            count,
            targets,
        })
    }
}

/// x of each sample, if the array is that.
fn known(found: &GivenArray, space: &Space, count: usize) -> Option<Vec<Vec<f64>>> {
    let rows = split(&found.array, &space.shape, &found.name).unwrap_or_default();
    if rows.len() == count {
        return Some(rows.into_iter().map(<[f64]>::to_vec).collect());
    }
    eprintln!(
        "note: {} has the shape {:?}, which is not that of {count} samples of x, {}: no errors of x are computed",
        found.name,
        found.array.shape,
        told(space)
    );
    None
}

fn told(space: &Space) -> String {
    format!("'{}', shape {:?}", space.name, space.shape)
}

/// A file of data: one array, or several by their names.
struct GivenFile {
    name: String,
    one: Option<Array>,
    several: Vec<(String, Array)>,
}

/// An array, and how it is named.
struct GivenArray {
    name: String,
    array: Array,
}

impl GivenFile {
    fn open(name: &str) -> Outcome<Self> {
        let (path, selected) = place(name);
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        let kind = ending.and_then(|ending| FileKind::of_ending(&ending));
        let whole = kind == Some(FileKind::Npz) && selected.is_none();
        let name = name.to_owned();
        if !whole {
            let one = Some(read_any_number(&name)?);
            let several = Vec::new();
            return Ok(Self { name, one, several });
        }
        let several = read_archive(path, &bounded::bytes(path, bounded::DATA)?)?;
        let one = None;
        Ok(Self { name, one, several })
    }

    /// Whether it is an archive with an array of that name.
    fn has(&self, wanted: &str) -> bool {
        self.several.iter().any(|(name, _)| name == wanted)
    }

    /// The array of that name; of an archive with a single one, that, unless its name says that it is something else.
    fn take(&self, wanted: &str) -> Outcome<GivenArray> {
        if let Some(array) = &self.one {
            return Ok(GivenArray {
                name: self.name.clone(),
                array: array.clone(),
            });
        }
        let found = match self.several.as_slice() {
            [(name, array)] if ![TARGET, INPUT, TRUTH].contains(&name.as_str()) => {
                Some((name, array))
            }
            several => several
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(name, array)| (name, array)),
        };
        if let Some((name, array)) = found {
            return Ok(GivenArray {
                name: format!("{}:{name}", self.name),
                array: array.clone(),
            });
        }
        let names: Vec<&str> = self.several.iter().map(|(name, _)| name.as_str()).collect();
        Err(Failure::Misuse(format!(
            "{} has no array '{wanted}'; it holds: {}; name the one that is meant, as {}:{}",
            self.name,
            names.join(", "),
            self.name,
            names.first().unwrap_or(&"NAME")
        )))
    }
}

/// The sizes of what a network takes and makes, to tell them apart.
struct Sizes<'a> {
    file: &'a NetworkFile,
}

impl Sizes<'_> {
    /// The samples of an array, all of them finite.
    fn rows(&self, part: &GivenArray, space: &Space, what: &str) -> Outcome<Vec<Vec<f64>>> {
        let GivenArray { name, array } = part;
        if array.values.is_empty() {
            return Err(Failure::Misuse(format!("{name} holds no sample")));
        }
        let rows = match split(array, &space.shape, name) {
            Ok(rows) => rows,
            // A table says which of its columns may be meant.
            Err(refused) if !array.columns.is_empty() => return Err(refused),
            Err(_) => return Err(self.misfit(part, space, what)),
        };
        let len = space.len();
        if let Some(i) = array.values.iter().position(|v| !v.is_finite()) {
            return Err(Failure::Misuse(format!(
                "{name} holds {} in sample {}, value {}, but a network needs every value of {what}: fill it in or leave that sample \
                 out, or solve it with `retrodict solve … --missing`, where NaN is a value that was not observed",
                array.values[i],
                i / len + 1,
                i % len + 1
            )));
        }
        Ok(rows.into_iter().map(<[f64]>::to_vec).collect())
    }

    fn misfit(&self, part: &GivenArray, space: &Space, what: &str) -> Failure {
        let (shape, len) = (&part.array.shape, space.len());
        let width = match shape.as_slice() {
            [] => 1,
            [only] => *only,
            [_, rest @ ..] => rest.iter().product(),
        };
        let file = self.file;
        let meant = [
            (&file.target, "y*: is it what --target takes?"),
            (
                &file.input,
                "what the network sees: is it what --input takes?",
            ),
            (&file.output, "x, which the network is to find"),
        ];
        let meant = meant.iter().find(|(other, _)| other.len() == width);
        let meant = meant.map_or(String::new(), |(_, hint)| {
            format!("; a row of it is as long as {hint}")
        });
        Failure::Misuse(format!(
            "{} has the shape {shape:?}, but a sample of {what}, {}, has {len} values: give an array of shape [samples, {len}]{meant}",
            part.name,
            told(space)
        ))
    }
}

/// Where x is written, if no place is given.
pub fn output(given: &Given) -> std::path::PathBuf {
    data::beside(&given.name, "predicted")
}
