//! A trained network as a file, with all that it takes to use it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::draw::DrawSpec;
use super::session::Training;
use super::{Normalisation, TrainingSpec};
use crate::core::space::Space;
use crate::error::{Error, Result};
use crate::network::{Network, Standardisation, TrainedNetwork, Weight};
use crate::registry::{Named, Registry};
use crate::training::Checkpoint;

/// A trained network with what it was trained for: a file of the format safetensors, which needs no other file beside it.
///
/// Its arrays are those of the network, in `f64`, weights and statistics, each under its name, and `normalise.input.shift`,
/// `normalise.input.scale`, `normalise.output.shift` and `normalise.output.scale` where they are normalised. Its metadata are texts: `format`
/// (`retrodict`), `version` (of retrodict), `architecture` (name and options of the network, as TOML), `input`, `output` and
/// `target` (the spaces of what the network sees, of x and of y, as JSON), `normalise` (what is normalised, and whether by logarithms,
/// as JSON; only where something is), `plan` (the training, as TOML), `method` (which
/// method of it) and `summary` (how it went, as JSON).
#[derive(Clone)]
#[non_exhaustive]
pub struct NetworkFile {
    /// f with θ.
    pub network: TrainedNetwork,
    /// f by its name and options.
    pub architecture: Named,
    /// The scalings of what f sees and of x, which are a part of `network`.
    pub normalisation: Normalisation,
    /// What f sees of a sample.
    pub input: Space,
    /// x.
    pub output: Space,
    /// y.
    pub target: Space,
    /// The training; without the samples, if it holds them.
    pub plan: TrainingSpec,
    /// The name of the method that trained f.
    pub method: String,
    /// How the training went.
    pub summary: TrainingSummary,
}

/// How a training went, in a few numbers: none that another run of the same training would change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TrainingSummary {
    /// The lowest loss, on held-out samples, or on those of training if none are held out; nothing where it is not finite.
    pub loss: Option<f64>,
    /// Number of steps.
    pub steps: u64,
    /// Number of epochs.
    pub epochs: u64,
    /// Which of the method's seeds, from 0.
    pub seed: u64,
}

/// A space as metadata keep it.
#[derive(Serialize, Deserialize)]
struct SpaceFacts {
    name: String,
    shape: Vec<usize>,
    unit: String,
}

/// What is kept of a scaling beside its arrays.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndFacts {
    log: bool,
}

fn facts<'a>((end, scaling): (&'a str, &Standardisation)) -> (&'a str, EndFacts) {
    let log = scaling.log();
    (end, EndFacts { log })
}

/// What an array of a scaling is called.
fn array_of(end: &str, part: &str) -> String {
    format!("normalise.{end}.{part}")
}

impl NetworkFile {
    /// The best network of a training, by its checkpoint.
    ///
    /// # Errors
    /// If the checkpoint is that of another network.
    pub fn of(
        plan: &TrainingSpec,
        method: &str,
        seed: u64,
        training: &Training,
        checkpoint: &Checkpoint,
    ) -> Result<Self> {
        let mut plan = plan.clone();
        if let DrawSpec::Arrays { target, x, input } = &mut plan.data.draw {
            [target, x, input].into_iter().for_each(Vec::clear);
        }
        let simulator = &training.physics.simulator;
        Ok(Self {
            network: training.trained(checkpoint)?,
            architecture: training.architecture.clone(),
            normalisation: training.normalisation.clone(),
            input: training.samples.input.clone(),
            output: simulator.input().clone(),
            target: simulator.output().clone(),
            plan,
            method: method.to_owned(),
            summary: TrainingSummary {
                loss: Some(checkpoint.best_loss).filter(|loss| loss.is_finite()),
                steps: checkpoint.steps,
                epochs: checkpoint.epochs.len().saturating_sub(1) as u64,
                seed,
            },
        })
    }

    /// Whether f sees y* itself, and not something beside it.
    pub fn sees_target(&self) -> bool {
        self.input == self.target
    }

    /// The bytes of the file: the same for the same network.
    ///
    /// # Errors
    /// If the description does not fit TOML.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let arrays = self.network.arrays().into_iter();
        let mut arrays: Vec<(String, Vec<usize>, &[f64])> = arrays
            .map(|(array, values)| (array.name, array.shape, values))
            .collect();
        for (end, scaling) in self.normalisation.ends() {
            let parts = [("shift", scaling.shift()), ("scale", scaling.scale())];
            arrays.extend(
                parts.map(|(part, values)| (array_of(end, part), vec![values.len()], values)),
            );
        }
        let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = arrays
            .into_iter()
            .map(|(name, shape, values)| {
                let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                (name, shape, bytes)
            })
            .collect();
        let mut views = Vec::with_capacity(bytes.len());
        for (name, shape, bytes) in &bytes {
            let view = TensorView::new(Dtype::F64, shape.clone(), bytes);
            views.push((name.clone(), view.map_err(broken)?));
        }
        let architecture = toml::Table::try_from(&self.architecture).map_err(broken)?;
        let text = |key: &str, value: String| (key.to_owned(), value);
        let mut metadata = HashMap::from([
            text("format", FORMAT.to_owned()),
            text("version", env!("CARGO_PKG_VERSION").to_owned()),
            text("architecture", architecture.to_string()),
            text("input", space_text(&self.input)?),
            text("output", space_text(&self.output)?),
            text("target", space_text(&self.target)?),
            text("plan", self.plan.to_toml()?),
            text("method", self.method.clone()),
            text("summary", json(&self.summary)?),
        ]);
        let ends: BTreeMap<&str, EndFacts> = self.normalisation.ends().map(facts).collect();
        if !ends.is_empty() {
            metadata.extend([text("normalise", json(&ends)?)]);
        }
        let file = safetensors::serialize(views, Some(metadata)).map_err(broken)?;
        in_order(&file)
    }

    /// Reads the bytes of a file; `what` names it in messages.
    ///
    /// # Errors
    /// [`Error::File`] if they are not all of such a file, or those of another program.
    pub fn from_bytes(what: &str, bytes: &[u8], registry: &Registry) -> Result<Self> {
        let unreadable = |why: String| Error::File {
            message: format!("cannot read {what}: {why}"),
        };
        let incomplete = |error: safetensors::SafeTensorError| {
            unreadable(format!("it is not a complete safetensors file ({error})"))
        };
        let damaged = |key: &str, error: String| {
            unreadable(format!("its metadata are damaged: {key}: {}", error.trim()))
        };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(incomplete)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(incomplete)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let text = |key: &str| {
            let found = metadata.get(key).map(String::as_str);
            found.ok_or_else(|| match metadata.get("format").map(String::as_str) {
                Some(FORMAT) => unreadable(format!(
                    "its metadata have no '{key}': an older version of retrodict wrote it; train the network again"
                )),
                _ => unreadable(format!(
                    "its metadata have no '{key}'; it was not written by retrodict"
                )),
            })
        };
        let space = |key: &str| -> Result<Space> {
            let facts: SpaceFacts =
                serde_json::from_str(text(key)?).map_err(|e| damaged(key, e.to_string()))?;
            let space = Space::new(&facts.name, &facts.shape, &facts.unit);
            match space.len() {
                1..=LARGEST => Ok(space),
                found => Err(damaged(
                    key,
                    format!("{found} values, expected 1 to {LARGEST}"),
                )),
            }
        };
        let architecture: Named = toml::from_str(text("architecture")?)
            .map_err(|e| damaged("architecture", e.message().to_owned()))?;
        let (input, output, target) = (space("input")?, space("output")?, space("target")?);
        let kind = registry.networks.make(registry, &architecture);
        let network = kind.and_then(|kind| kind.between(&input, &output));
        let network = network.map_err(|e| damaged("architecture", e.to_string()))?;
        let array = |name: &str, shape: &[usize]| -> Result<Vec<f64>> {
            let view = tensors.tensor(name).ok();
            let found = view.as_ref().map_or(&[][..], |view| view.shape());
            if found != shape {
                return Err(unreadable(format!(
                    "the array {name} has the shape {found:?}, but the network needs {shape:?}; it belongs to another \
                     architecture"
                )));
            }
            let view = view.filter(|view| view.dtype() == Dtype::F64);
            let view =
                view.ok_or_else(|| unreadable(format!("the array {name} is not of type F64")))?;
            let (eights, _) = view.data().as_chunks::<8>();
            Ok(eights
                .iter()
                .map(|eight| f64::from_le_bytes(*eight))
                .collect())
        };
        let values = |layout: Vec<Weight>| -> Result<Vec<f64>> {
            let arrays = layout.iter().map(|one| array(&one.name, &one.shape));
            Ok(arrays.collect::<Result<Vec<_>>>()?.concat())
        };
        let ends: BTreeMap<String, EndFacts> = match metadata.get("normalise") {
            Some(text) => {
                serde_json::from_str(text).map_err(|e| damaged("normalise", e.to_string()))?
            }
            None => BTreeMap::new(),
        };
        let scaling = |end: &str, space: &Space| -> Result<Option<Standardisation>> {
            let Some(facts) = ends.get(end) else {
                return Ok(None);
            };
            let part = |part| array(&array_of(end, part), &[space.len()]);
            let scaling = Standardisation::new(part("shift")?, part("scale")?, facts.log);
            scaling
                .map(Some)
                .map_err(|e| damaged("normalise", e.to_string()))
        };
        let normalisation = Normalisation {
            input: scaling("input", &input)?,
            output: scaling("output", &output)?,
            ..Normalisation::default()
        };
        let network = normalisation.around(network)?;
        let theta = values(network.weights())?;
        let statistics = values(network.statistics_layout())?;
        Ok(Self {
            network: TrainedNetwork::new(network, theta, statistics)?,
            plan: TrainingSpec::from_toml(what, text("plan")?)
                .map_err(|e| damaged("plan", e.to_string()))?,
            method: text("method")?.to_owned(),
            summary: serde_json::from_str(text("summary")?)
                .map_err(|e| damaged("summary", e.to_string()))?,
            architecture,
            normalisation,
            input,
            output,
            target,
        })
    }

    /// f.
    pub fn network(&self) -> &Arc<dyn Network> {
        self.network.network()
    }
}

/// The most values that a space in a file may have.
const LARGEST: usize = 1 << 24;

/// What `format` says in the metadata.
const FORMAT: &str = "retrodict";

fn space_text(space: &Space) -> Result<String> {
    json(&SpaceFacts {
        name: space.name.clone(),
        shape: space.shape.clone(),
        unit: space.unit.clone(),
    })
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(broken)
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::File {
        message: format!("cannot encode the network: {error}"),
    }
}

/// The same file with the keys of its header sorted: safetensors writes the metadata in the order of a hash
/// map, which changes from run to run, but the same training is to leave the same bytes.
fn in_order(file: &[u8]) -> Result<Vec<u8>> {
    let Some((length, rest)) = file.split_first_chunk::<8>() else {
        return Ok(file.to_vec());
    };
    let (header, arrays) = rest.split_at(rest.len().min(u64::from_le_bytes(*length) as usize));
    let header: BTreeMap<String, BTreeMap<String, serde_json::Value>> =
        serde_json::from_slice(header).map_err(broken)?;
    let mut sorted = serde_json::to_vec(&header).map_err(broken)?;
    // The arrays begin at a multiple of 8 bytes.
    sorted.resize(sorted.len().next_multiple_of(8), b' ');
    let mut whole = (sorted.len() as u64).to_le_bytes().to_vec();
    whole.extend(sorted);
    whole.extend(arrays);
    Ok(whole)
}
