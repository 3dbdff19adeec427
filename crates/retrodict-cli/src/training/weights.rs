//! A trained network in a file: safetensors, with what it was trained for in the metadata.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use retrodict::Network;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::data::bounded;
use crate::data::durable::replace;
use crate::failure::{Failure, Outcome};

/// θ and what it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// θ.
    pub theta: Vec<f64>,
    /// `name` and options of the network, as TOML.
    pub architecture: String,
    /// The training experiment, as TOML.
    pub plan: String,
    /// The method that trained it.
    pub method: String,
}

impl Weights {
    /// Writes each array of θ under its name.
    pub fn write(&self, path: &Path, network: &Arc<dyn Network>) -> Outcome<()> {
        let bytes: Vec<u8> = self.theta.iter().flat_map(|v| v.to_le_bytes()).collect();
        let broken =
            |e: &dyn std::fmt::Display| Failure::Broken(format!("cannot encode the weights: {e}"));
        let views = network
            .weights()
            .into_iter()
            .map(|w| {
                let data = &bytes[8 * w.range.start..8 * w.range.end];
                let view = TensorView::new(Dtype::F64, w.shape, data).map_err(|e| broken(&e))?;
                Ok((w.name, view))
            })
            .collect::<Outcome<Vec<_>>>()?;
        let metadata = HashMap::from([
            ("format".to_owned(), "retrodict".to_owned()),
            ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("architecture".to_owned(), self.architecture.clone()),
            ("plan".to_owned(), self.plan.clone()),
            ("method".to_owned(), self.method.clone()),
        ]);
        let file = safetensors::serialize(views, Some(metadata)).map_err(|e| broken(&e))?;
        let file = in_order(&file).map_err(|e| broken(&e))?;
        replace(path, &file)
    }

    /// Reads what was written, all but θ, and the arrays of which [`gather`](Self::gather) makes it.
    pub fn read(path: &Path) -> Outcome<(Self, HashMap<String, Vec<f64>>)> {
        Self::open(path, &bounded::bytes(path, bounded::DATA)?)
    }

    /// As [`read`](Self::read), from the bytes of the file.
    pub fn open(path: &Path, bytes: &[u8]) -> Outcome<(Self, HashMap<String, Vec<f64>>)> {
        let damaged = |e: &dyn std::fmt::Display| {
            Failure::unreadable(path, format!("it is not a complete safetensors file ({e})"))
        };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(&e))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let text = |key: &str| {
            metadata.get(key).cloned().ok_or_else(|| {
                Failure::unreadable(
                    path,
                    format!("its metadata has no '{key}'; it was not written by retrodict"),
                )
            })
        };
        let weights = Self {
            theta: Vec::new(),
            architecture: text("architecture")?,
            plan: text("plan")?,
            method: text("method")?,
        };
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| damaged(&e))?;
        let mut arrays = HashMap::new();
        for (name, view) in tensors.tensors() {
            if view.dtype() != Dtype::F64 {
                return Err(Failure::unreadable(
                    path,
                    format!(
                        "the array {name} has type {:?}; weights must be F64",
                        view.dtype()
                    ),
                ));
            }
            let values = view.data().chunks_exact(8).map(|b| {
                let mut eight = [0; 8];
                eight.copy_from_slice(b);
                f64::from_le_bytes(eight)
            });
            arrays.insert(name, values.collect());
        }
        Ok((weights, arrays))
    }

    /// θ from the arrays of a file.
    pub fn gather(
        mut self,
        path: &Path,
        arrays: &HashMap<String, Vec<f64>>,
        network: &Arc<dyn Network>,
    ) -> Outcome<Self> {
        self.theta = vec![0.0; network.parameters()];
        for weight in network.weights() {
            let found = arrays.get(&weight.name).map_or(0, Vec::len);
            if found != weight.range.len() {
                return Err(Failure::unreadable(
                    path,
                    format!(
                        "the array {} has {found} values, but the network needs {}; it belongs to \
                         another architecture",
                        weight.name,
                        weight.range.len()
                    ),
                ));
            }
            self.theta[weight.range.clone()].copy_from_slice(&arrays[&weight.name]);
        }
        Ok(self)
    }
}

/// The same file with the keys of its header sorted: safetensors writes the metadata in the order of a hash
/// map, which changes from run to run, but the same training is to leave the same bytes.
fn in_order(file: &[u8]) -> serde_json::Result<Vec<u8>> {
    let Some((length, rest)) = file.split_first_chunk::<8>() else {
        return Ok(file.to_vec());
    };
    let (header, arrays) = rest.split_at(rest.len().min(u64::from_le_bytes(*length) as usize));
    let header: BTreeMap<String, BTreeMap<String, serde_json::Value>> =
        serde_json::from_slice(header)?;
    let mut sorted = serde_json::to_vec(&header)?;
    // The arrays begin at a multiple of 8 bytes.
    sorted.resize(sorted.len().next_multiple_of(8), b' ');
    let mut whole = (sorted.len() as u64).to_le_bytes().to_vec();
    whole.extend(sorted);
    whole.extend(arrays);
    Ok(whole)
}
