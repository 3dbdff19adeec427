//! A model behind a server that speaks the UM-Bridge protocol.

use std::time::Duration;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plain::plain_line;
use super::shape::{fitted, stated};
use super::{Differences, External, MOST_VALUES, Model, Offers};
use crate::core::space::Space;
use crate::error::{Error, Result, nearest};
use crate::options::{Build, Checked, Validate, positive, require};

mod wire;

use wire::{Address, Wire};

/// The version of the protocol.
const VERSION: f64 = 1.0;

/// A model behind a server that speaks the UM-Bridge protocol.
///
/// Several vectors of input or output are joined to one, in the order of the protocol; it may be given the shape of a field.
///
/// Building it asks the server what the model is.
///
/// ```no_run
/// use retrodict::models::external::UmBridgeOptions;
/// use retrodict::prelude::*;
/// let model = UmBridgeOptions::default().with_url("http://localhost:4242").with_model("decay".to_owned()).build()?;
/// let mut y = vec![0.0; model.output().len()];
/// model.forward(&[1.0, 0.5], &mut y)?;
/// assert!(y[0] < 1.0);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// Times in seconds. The protocol knows no units of x and y.
///
/// # Source
/// Seelinger, Cheng-Seelinger, Davis, Parno & Reinarz, *UM-Bridge: Uncertainty quantification and
/// modeling bridge*, Journal of Open Source Software 8 (2023); protocol version 1.0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct UmBridgeOptions {
    /// Where the server listens, such as `http://localhost:4242`.
    #[setters(into)]
    pub url: String,
    /// Which of the server's models; may be left out where there is one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub model: Option<String>,
    /// What the model itself is configured with; it is sent with every call.
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub config: toml::Table,
    /// The shape of x, such as `[64, 64]`, if it is a field: of as many values as the model declares.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[setters(into)]
    pub input_shape: Vec<usize>,
    /// The shape of y, if it is a field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[setters(into)]
    pub output_shape: Vec<usize>,
    /// How long to wait for an answer.
    pub timeout: f64,
    /// How many answers to wait for at once; one for each processor if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub at_once: Option<usize>,
    /// The longest answer that is read, in bytes; 64 for each declared value and 64 KiB if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub body_limit: Option<u64>,
    /// Derivatives that the model lacks.
    pub differences: Differences,
}

impl Default for UmBridgeOptions {
    fn default() -> Self {
        Self {
            url: "http://localhost:4242".to_owned(),
            model: None,
            config: toml::Table::new(),
            input_shape: Vec::new(),
            output_shape: Vec::new(),
            timeout: 300.0,
            at_once: None,
            body_limit: None,
            differences: Differences::default(),
        }
    }
}

impl Validate for UmBridgeOptions {
    fn validate(&self) -> Result<()> {
        let advice = if self.url.starts_with("https://") {
            "TLS is not supported; write http://, and if the server requires TLS, forward its port, for example with \
             ssh -L"
        } else {
            "write it as http://HOST:PORT, for example http://localhost:4242"
        };
        let rest = self.url.strip_prefix("http://");
        require(
            rest.is_some_and(|rest| !rest.is_empty()),
            "url",
            &self.url,
            advice,
        )?;
        stated("input", 0, &self.input_shape)?;
        stated("output", 0, &self.output_shape)?;
        positive("timeout", self.timeout)?;
        require(
            self.at_once != Some(0),
            "at_once",
            0,
            "it must be at least 1",
        )?;
        require(
            self.body_limit != Some(0),
            "body_limit",
            0,
            "it must be at least 1 byte",
        )?;
        self.differences.validate()
    }
}

impl Build for UmBridgeOptions {
    type Built = External;

    /// Asks the server what the model is.
    ///
    /// # Errors
    /// If the server cannot be reached or answers nonsense, or it has no such model.
    fn make(options: Checked<Self>) -> Result<External> {
        let url = options.url.trim_end_matches('/').to_owned();
        let timeout = Duration::try_from_secs_f64(options.timeout).unwrap_or(Duration::MAX);
        let mut wire = Wire::new(url, timeout, options.body_limit);
        let info = wire.info()?;
        if info.protocol_version != VERSION {
            return Err(wire.failed(format!(
                "it uses version {} of the protocol, but only {VERSION:.1} is supported: try a newer server",
                info.protocol_version
            )));
        }
        let name = options.pick(&wire, info.models)?;
        wire.label = format!("model '{}' at {}", plain_line(&name), wire.url);
        let config =
            serde_json::to_value(&options.config).map_err(|e| wire.failed(e.to_string()))?;
        let address = Address { name, config };
        let support = wire.support(&address)?;
        if !support.evaluate {
            return Err(wire.failed("it does not offer Evaluate, which is required"));
        }
        let inputs = wire.sizes("InputSizes", &address)?;
        let outputs = wire.sizes("OutputSizes", &address)?;
        for (what, sizes) in [("input", &inputs), ("output", &outputs)] {
            let total = sizes.iter().try_fold(0_usize, |sum, n| sum.checked_add(*n));
            if !total.is_some_and(|n| (1..=MOST_VALUES).contains(&n)) {
                return Err(wire.failed(format!(
                    "it declares {what}s of {sizes:?} values; between 1 and {MOST_VALUES} in total are accepted"
                )));
            }
        }
        let shape = |what: &str, shape: &[usize], sizes: &[usize]| {
            let flat = [sizes.iter().sum()];
            fitted(what, stated(what, 0, shape)?, Some(&flat), &wire.label)
        };
        let input_shape = shape("input", &options.input_shape, &inputs)?;
        let output_shape = shape("output", &options.output_shape, &outputs)?;
        let model = Remote {
            offers: Offers {
                jvp: support.jacobian,
                vjp: support.gradient,
                jacobian: false,
                second_order: support.hessian,
            },
            wire,
            input: space(&address.name, "input", &inputs, &input_shape),
            output: space(&address.name, "output", &outputs, &output_shape),
            address,
            inputs,
            outputs,
        };
        let options = options.into_inner();
        Ok(External::new(model, options.differences, options.at_once))
    }
}

impl UmBridgeOptions {
    /// The model that was asked for, or the only one.
    fn pick(&self, wire: &Wire, models: Vec<String>) -> Result<String> {
        let known = plain_line(&models.join(", "));
        match &self.model {
            Some(name) if models.contains(name) => Ok(name.clone()),
            Some(name) => Err(Error::UnknownName {
                kind: "model",
                found: name.clone(),
                nearest: nearest(name, models.iter().map(String::as_str)).map(plain_line),
                known,
            }),
            None if models.len() == 1 => Ok(models.concat()),
            None if models.is_empty() => Err(wire.failed("it offers no model")),
            None => Err(Error::Option {
                key: "model".to_owned(),
                found: "nothing".to_owned(),
                allowed: format!("the server offers several models; name one of: {known}"),
            }),
        }
    }
}

/// A model of a server.
struct Remote {
    wire: Wire,
    address: Address,
    offers: Offers,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    input: Space,
    output: Space,
}

/// The space of all vectors of an input or output, one after the other.
fn space(model: &str, what: &str, sizes: &[usize], shape: &[usize]) -> Space {
    let parts: Vec<String> = sizes.iter().map(usize::to_string).collect();
    let model = plain_line(model);
    let name = match sizes {
        [_] => format!("{what} of {model}"),
        _ => format!("{what}s of {model} ({} values)", parts.join(" + ")),
    };
    Space::new(&name, shape, "1")
}

/// The vectors of the protocol that a flat one consists of.
fn split<'v>(values: &'v [f64], sizes: &[usize]) -> Vec<&'v [f64]> {
    let mut rest = values;
    sizes
        .iter()
        .map(|size| {
            let (part, after) = rest.split_at((*size).min(rest.len()));
            rest = after;
            part
        })
        .collect()
}

/// Adds b to a.
fn add(a: &mut [f64], b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
}

fn vanishes(v: &[f64]) -> bool {
    v.iter().all(|v| *v == 0.0)
}

impl Model for Remote {
    fn label(&self) -> String {
        self.wire.label.clone()
    }
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn offers(&self) -> Offers {
        self.offers
    }
    fn evaluate(&self, x: &[f64]) -> Result<Vec<f64>> {
        let x = split(x, &self.inputs);
        self.wire.evaluate(&self.address, &x, &self.outputs)
    }
    fn jvp(&self, x: &[f64], dx: &[f64]) -> Result<Vec<f64>> {
        let (x, dx) = (split(x, &self.inputs), split(dx, &self.inputs));
        let mut joined = Vec::with_capacity(self.outputs.iter().sum());
        for (out, size) in self.outputs.iter().enumerate() {
            let mut sum = vec![0.0; *size];
            for (from, vec) in dx.iter().enumerate().filter(|(_, vec)| !vanishes(vec)) {
                add(
                    &mut sum,
                    &self
                        .wire
                        .jacobian(&self.address, [out, from], &x, vec, *size)?,
                );
            }
            joined.extend(sum);
        }
        Ok(joined)
    }
    fn vjp(&self, x: &[f64], dy: &[f64]) -> Result<Vec<f64>> {
        let (x, dy) = (split(x, &self.inputs), split(dy, &self.outputs));
        let mut joined = Vec::with_capacity(self.inputs.iter().sum());
        for (from, size) in self.inputs.iter().enumerate() {
            let mut sum = vec![0.0; *size];
            for (out, sens) in dy.iter().enumerate().filter(|(_, sens)| !vanishes(sens)) {
                add(
                    &mut sum,
                    &self
                        .wire
                        .gradient(&self.address, [out, from], &x, sens, *size)?,
                );
            }
            joined.extend(sum);
        }
        Ok(joined)
    }
    fn vjp_derivative(&self, x: &[f64], dy: &[f64], dx: &[f64]) -> Result<Vec<f64>> {
        let (x, dx) = (split(x, &self.inputs), split(dx, &self.inputs));
        let dy = split(dy, &self.outputs);
        let mut joined = Vec::with_capacity(self.inputs.iter().sum());
        for (to, size) in self.inputs.iter().enumerate() {
            let mut sum = vec![0.0; *size];
            for (out, sens) in dy.iter().enumerate().filter(|(_, sens)| !vanishes(sens)) {
                for (from, vec) in dx.iter().enumerate().filter(|(_, vec)| !vanishes(vec)) {
                    let which = [out, to, from];
                    let part = self
                        .wire
                        .hessian(&self.address, which, &x, [sens, vec], *size)?;
                    add(&mut sum, &part);
                }
            }
            joined.extend(sum);
        }
        Ok(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_must_be_plain_http() {
        for (url, advice) in [
            ("localhost:4242", "write it as http://"),
            ("https://example.org", "TLS is not supported"),
            ("http://", "write it as http://"),
        ] {
            let message = UmBridgeOptions::default()
                .with_url(url)
                .build()
                .err()
                .map(|e| e.to_string())
                .unwrap_or_default();
            assert!(message.contains(advice), "{url}: {message}");
        }
    }

    #[test]
    fn flat_vectors_are_split_in_order() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(
            split(&values, &[1, 0, 3]),
            [&values[..1], &[], &values[1..]]
        );
    }
}
