//! Normalisation of what a network sees and makes, as data; fitted on the samples that it learns from.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::samples::Samples;
use crate::core::simulator::Simulator;
use crate::core::space::Space;
use crate::error::{At, Error, Result};
use crate::linalg::norm;
use crate::network::{
    Architecture, Network, ScaledInput, ScaledOutput, Standardisation, no_logarithm,
};
use crate::training::Sample;

/// Samples that are looked at where all are drawn on the fly.
const LOOKED_AT: usize = 1024;
/// A standard deviation below this share of the mean is rounding: the value is constant.
const ROUNDING: f64 = 1e-13;

/// What is normalised: `true`, `false`, or a table.
///
/// Means and standard deviations come from the samples that are learned from, and are kept in the network, so that inputs and
/// outputs of a trained network are in their own units. Where nothing is said, samples of a file or of arrays are normalised,
/// and samples that are drawn are not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Normalise")]
#[non_exhaustive]
pub struct NormaliseSpec {
    /// What the network sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<ScalingKind>,
    /// x: by those that are known, else by the simulator's typical values. What compares x (supervised, corrected-targets) compares it
    /// normalised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<ScalingKind>,
    /// Whether y and y* are divided by the standard deviation of y* where they are compared in training (end-to-end).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<bool>,
}

/// Which values share a mean and a standard deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ScalingKind {
    /// By channel for fields that a convolutional network takes as such, else by value.
    Auto,
    /// Values stay as they are.
    Off,
    /// All values of a sample.
    All,
    /// All values of a channel, the first axis of three; without channels, all.
    Channel,
    /// Each value has its own.
    Value,
    /// As all, of the logarithms of values, which must be positive.
    LogAll,
    /// As channel, of logarithms.
    LogChannel,
    /// As value, of logarithms.
    LogValue,
}

/// The scalings that belong to a network.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Normalisation {
    /// Of what the network sees.
    pub input: Option<Standardisation>,
    /// Of x.
    pub output: Option<Standardisation>,
    /// The scale in which y is compared.
    pub target: f64,
}

impl Default for Normalisation {
    fn default() -> Self {
        Self {
            input: None,
            output: None,
            target: 1.0,
        }
    }
}

impl NormaliseSpec {
    /// Everything, or nothing.
    pub fn all(on: bool) -> Self {
        let kind = match on {
            true => ScalingKind::Auto,
            false => ScalingKind::Off,
        };
        Self {
            input: Some(kind),
            output: Some(kind),
            target: Some(on),
        }
    }

    /// Whether nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What was said, and what follows from the data where nothing was.
    fn or(self, users_data: bool) -> Self {
        let rest = Self::all(users_data);
        Self {
            input: self.input.or(rest.input),
            output: self.output.or(rest.output),
            target: self.target.or(rest.target),
        }
    }
}

impl<'de> Deserialize<'de> for NormaliseSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        /// The table; `Deserialize` of the whole takes a truth value too.
        #[derive(Deserialize)]
        #[serde(default, deny_unknown_fields)]
        #[derive(Default)]
        struct NormaliseTable {
            input: Option<ScalingKind>,
            output: Option<ScalingKind>,
            target: Option<bool>,
        }
        struct NormaliseVisitor;
        impl<'de> Visitor<'de> for NormaliseVisitor {
            type Value = NormaliseSpec;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "true, false, or a table such as { input = \"value\", output = \"log-value\" }",
                )
            }
            fn visit_bool<E>(self, on: bool) -> std::result::Result<Self::Value, E> {
                Ok(NormaliseSpec::all(on))
            }
            fn visit_map<A: MapAccess<'de>>(
                self,
                map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                let NormaliseTable {
                    input,
                    output,
                    target,
                } = NormaliseTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(NormaliseSpec {
                    input,
                    output,
                    target,
                })
            }
        }
        deserializer.deserialize_any(NormaliseVisitor)
    }
}

impl ScalingKind {
    fn resolved(self, field: bool) -> Self {
        match self {
            Self::Auto if field => Self::Channel,
            Self::Auto => Self::Value,
            kind => kind,
        }
    }

    fn log(self) -> bool {
        matches!(self, Self::LogAll | Self::LogChannel | Self::LogValue)
    }

    /// How many values in a row share a mean.
    fn share(self, space: &Space) -> usize {
        match self {
            Self::All | Self::LogAll => space.len(),
            Self::Channel | Self::LogChannel if space.shape.len() > 2 => {
                space.shape[1..].iter().product()
            }
            Self::Channel | Self::LogChannel => space.len(),
            Self::Auto | Self::Off | Self::Value | Self::LogValue => 1,
        }
    }

    /// Means and standard deviations of rows; `what` names them in messages.
    fn fit(self, what: &str, rows: &[&[f64]], space: &Space) -> Result<Option<Standardisation>> {
        if self == Self::Off {
            return Ok(None);
        }
        let (width, share) = (space.len(), self.share(space).max(1));
        let seen = |v: f64| if self.log() { v.ln() } else { v };
        for (n, row) in rows.iter().enumerate() {
            if let Some(i) = row.iter().position(|v| self.log() && *v <= 0.0) {
                return Err(no_logarithm(what, n, i, row[i]));
            }
        }
        let (mut shift, mut scale) = (vec![0.0; width], vec![1.0; width]);
        for from in (0..width).step_by(share) {
            let values = || {
                let each = rows.iter().flat_map(|row| &row[from..from + share]);
                each.map(|v| seen(*v))
            };
            let count = (rows.len() * share).max(1) as f64;
            let mean = values().sum::<f64>() / count;
            let variance = values().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count;
            let spread = variance.sqrt();
            let spread = match spread > ROUNDING * mean.abs() {
                true => spread,
                // A constant, which takes its own size for a scale: so it does not depend on units either.
                false if mean != 0.0 && !self.log() => mean.abs(),
                false => 1.0,
            };
            shift[from..from + share].fill(mean);
            scale[from..from + share].fill(spread);
        }
        Standardisation::new(shift, scale, self.log()).map(Some)
    }
}

impl Normalisation {
    /// The scalings that a description asks for, by the samples to learn from.
    pub(super) fn fit(
        spec: NormaliseSpec,
        users_data: bool,
        kind: &dyn Architecture,
        samples: &mut Samples,
        physics: &dyn Simulator,
        batch: usize,
    ) -> Result<Self> {
        let spec = spec.or(users_data);
        let input = spec.input.unwrap_or(ScalingKind::Off);
        let output = spec.output.unwrap_or(ScalingKind::Off);
        let target = spec.target.unwrap_or(false);
        if (input, output, target) == (ScalingKind::Off, ScalingKind::Off, false) {
            return Ok(Self::default());
        }
        let looked_at = look_at(samples, batch)?;
        let inputs: Vec<&[f64]> = looked_at.iter().map(|s| &*s.input).collect();
        let targets: Vec<&[f64]> = looked_at.iter().map(|s| &*s.target).collect();
        let (seen, made) = (&samples.input, physics.input());
        let scale = match target {
            true => ScalingKind::All.fit("target", &targets, physics.output())?,
            false => None,
        };
        let target = scale.map_or(1.0, |scaling| scaling.scale()[0]);
        if kind.compares_ends() {
            let one = alike(input, output)?;
            let both = one.fit("input", &inputs, seen).inside("normalise")?;
            return Ok(Self {
                output: both.clone().filter(|_| seen.len() == made.len()),
                input: both,
                target,
            });
        }
        let input = input.resolved(kind.sees_fields());
        let output = output.resolved(kind.makes_fields());
        let labels: Vec<&[f64]> = looked_at
            .iter()
            .filter_map(|s| s.label.as_deref())
            .collect();
        let output = match labels.is_empty() {
            true => typical(output, physics),
            false => output.fit("x", &labels, made),
        };
        Ok(Self {
            input: input.fit("input", &inputs, seen).inside("normalise")?,
            output: output.inside("normalise")?,
            target,
        })
    }

    /// The scalings by the end of the network to which they belong.
    pub fn ends(&self) -> impl Iterator<Item = (&'static str, &Standardisation)> {
        let ends = [("input", &self.input), ("output", &self.output)];
        ends.into_iter()
            .filter_map(|(end, scaling)| Some((end, scaling.as_ref()?)))
    }

    /// The network between its scalings.
    ///
    /// # Errors
    /// If a scaling has not as many values as an input or an output.
    pub fn around(&self, network: Arc<dyn Network>) -> Result<Arc<dyn Network>> {
        let mut network = network;
        if let Some(scaling) = &self.input {
            network = Arc::new(ScaledInput::new(network, scaling.clone())?);
        }
        if let Some(scaling) = &self.output {
            network = Arc::new(ScaledOutput::new(network, scaling.clone())?);
        }
        Ok(network)
    }
}

/// All samples to learn from, or the first ones where they are drawn on the fly.
fn look_at(samples: &mut Samples, batch: usize) -> Result<Vec<Arc<Sample>>> {
    let all = samples.data.all();
    if !all.is_empty() {
        return Ok(all.to_vec());
    }
    let mut seen = Vec::new();
    let size = batch.max(1);
    for number in 0..samples.data.batches(size) {
        if seen.len() >= LOOKED_AT {
            break;
        }
        seen.extend(samples.data.batch(number, size)?);
    }
    Ok(seen)
}

/// One kind for both ends of a network that sets its output's mean to that of its input: the mean is kept only where one scale
/// holds for all values.
fn alike(input: ScalingKind, output: ScalingKind) -> Result<ScalingKind> {
    let one = |kind| match kind {
        ScalingKind::Auto | ScalingKind::All => Some(ScalingKind::All),
        ScalingKind::Off => Some(ScalingKind::Off),
        _ => None,
    };
    match (one(input), one(output)) {
        (Some(input), Some(output)) if input == output => Ok(input),
        _ => Err(Error::Option {
            key: "normalise".to_owned(),
            found: format!("input = {input:?}, output = {output:?}").to_lowercase(),
            allowed: "a network that keeps the mean of its input (keep_mean) needs one scale for all values of both: set \
                      input and output to \"all\" or to \"off\", or leave keep_mean out"
                .to_owned(),
        }),
    }
}

/// x by the simulator's typical values, where no x is known.
fn typical(kind: ScalingKind, physics: &dyn Simulator) -> Result<Option<Standardisation>> {
    if kind == ScalingKind::Off {
        return Ok(None);
    }
    if kind.log() {
        return Err(Error::Option {
            key: "output".to_owned(),
            found: "a kind with log, and samples without x".to_owned(),
            allowed: "logarithms of x are normalised by the x of the samples; give them, or use the simulator's transform = { log = … }"
                .to_owned(),
        });
    }
    let told = physics.describe().typical;
    let ends: Vec<(f64, f64)> = (0..physics.input().len()).map(|i| told.at(i)).collect();
    if norm(
        &ends
            .iter()
            .map(|(c, s)| c.abs() + (s - 1.0).abs())
            .collect::<Vec<_>>(),
    ) == 0.0
    {
        return Ok(None);
    }
    let (shift, scale) = ends.into_iter().unzip();
    Standardisation::new(shift, scale, false).map(Some)
}
