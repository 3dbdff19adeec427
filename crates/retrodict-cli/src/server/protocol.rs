//! The UM-Bridge protocol, version 1.0: a path and a question to an answer.

use std::sync::Arc;

use retrodict::Simulator;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Offer;

/// More values than this are refused before memory for them is asked for.
const MOST_VALUES: usize = 100_000_000;

/// A question that gets no answer.
#[derive(Debug)]
pub struct Refusal {
    /// The status of HTTP.
    pub status: u16,
    kind: &'static str,
    message: String,
}

impl Refusal {
    /// A refusal of one of the protocol's kinds.
    pub fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
        }
    }

    /// As the protocol writes it.
    pub fn body(&self) -> Vec<u8> {
        json!({ "error": { "type": self.kind, "message": self.message } })
            .to_string()
            .into_bytes()
    }

    fn input(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidInput", message)
    }
}

/// All that a question may say; each path needs a part of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    name: String,
    #[serde(default)]
    config: serde_json::Map<String, Value>,
    input: Option<Vec<Vec<f64>>>,
    sens: Option<Vec<f64>>,
    vec: Option<Vec<f64>>,
    out_wrt: Option<usize>,
    in_wrt: Option<usize>,
    in_wrt1: Option<usize>,
    in_wrt2: Option<usize>,
}

/// What is answered to a question that was sent to a path.
pub fn answer(offers: &[Offer], path: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let known = || {
        offers
            .iter()
            .map(|offer| offer.name.as_str())
            .collect::<Vec<_>>()
    };
    if path == "/Info" {
        return Ok(written(
            &json!({ "protocolVersion": 1.0, "models": known() }),
        ));
    }
    if !PATHS.contains(&path) {
        let message = format!("{path} is not offered; known: /Info, {}", PATHS.join(", "));
        return Err(Refusal::new(404, "UnsupportedFeature", message));
    }
    let question: Question = serde_json::from_slice(body).map_err(|error| {
        Refusal::input(format!(
            "the question is not the JSON that {path} takes: {error}"
        ))
    })?;
    let offer = offers
        .iter()
        .find(|offer| offer.name == question.name)
        .ok_or_else(|| {
            let message = format!(
                "no model '{}'; known: {}",
                question.name,
                known().join(", ")
            );
            Refusal::new(400, "ModelNotFound", message)
        })?;
    if path == "/ModelInfo" {
        let second = curved(&**offer.standard());
        return Ok(written(&json!({ "support": {
            "Evaluate": true, "Gradient": true, "ApplyJacobian": true, "ApplyHessian": second
        } })));
    }
    let config = toml::Table::try_from(&question.config)
        .map_err(|error| Refusal::input(format!("the config cannot be read: {error}")))?;
    let simulator = offer
        .configured(&config)
        .map_err(|error| Refusal::input(format!("the config is not allowed: {error}")))?;
    At::new(&simulator, &question)?.answer(path)
}

/// The paths that take a question.
const PATHS: [&str; 7] = [
    "/ModelInfo",
    "/InputSizes",
    "/OutputSizes",
    "/Evaluate",
    "/Gradient",
    "/ApplyJacobian",
    "/ApplyHessian",
];

fn written(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn curved(simulator: &dyn Simulator) -> bool {
    simulator.is_linear() || simulator.second_order().is_some()
}

/// A simulator and what was asked of it.
struct At<'q> {
    simulator: &'q dyn Simulator,
    question: &'q Question,
    inputs: usize,
    outputs: usize,
}

impl<'q> At<'q> {
    fn new(simulator: &'q Arc<dyn Simulator>, question: &'q Question) -> Result<Self, Refusal> {
        let (inputs, outputs) = (simulator.input().len(), simulator.output().len());
        if inputs.max(outputs) > MOST_VALUES {
            let message = format!("the config asks for {} values", inputs.max(outputs));
            return Err(Refusal::input(format!(
                "{message}; at most {MOST_VALUES} are allowed"
            )));
        }
        Ok(Self {
            simulator: &**simulator,
            question,
            inputs,
            outputs,
        })
    }

    fn answer(&self, path: &str) -> Result<Vec<u8>, Refusal> {
        let question = self.question;
        match path {
            "/InputSizes" => return Ok(written(&json!({ "inputSizes": [self.inputs] }))),
            "/OutputSizes" => return Ok(written(&json!({ "outputSizes": [self.outputs] }))),
            _ => {}
        }
        let x = self.x()?;
        let indices: &[_] = match path {
            "/Evaluate" => &[],
            "/ApplyHessian" => &[
                ("outWrt", question.out_wrt),
                ("inWrt1", question.in_wrt1),
                ("inWrt2", question.in_wrt2),
            ],
            _ => &[("outWrt", question.out_wrt), ("inWrt", question.in_wrt)],
        };
        indices
            .iter()
            .try_for_each(|(key, index)| first(key, *index))?;
        let sens = || vector("sens", question.sens.as_deref(), self.outputs);
        let vec = || vector("vec", question.vec.as_deref(), self.inputs);
        let mut y = vec![0.0; self.outputs];
        let mut dx = vec![0.0; self.inputs];
        match path {
            "/Evaluate" => {
                failed(self.simulator.forward(x, &mut y))?;
                output(&[finite(&y)?])
            }
            "/Gradient" => {
                failed(self.simulator.vjp(x, sens()?, &mut dx))?;
                output(finite(&dx)?)
            }
            "/ApplyJacobian" => {
                failed(self.simulator.jvp(x, vec()?, &mut y))?;
                output(finite(&y)?)
            }
            _ => {
                let (sens, vec) = (sens()?, vec()?);
                match self.simulator.second_order() {
                    Some(second) => failed(second.vjp_derivative(x, sens, vec, &mut dx))?,
                    None if self.simulator.is_linear() => {}
                    None => {
                        let message = "this simulator brings no second derivatives";
                        return Err(Refusal::new(400, "UnsupportedFeature", message));
                    }
                }
                output(finite(&dx)?)
            }
        }
    }

    fn x(&self) -> Result<&'q [f64], Refusal> {
        match self.question.input.as_deref() {
            Some([x]) if x.len() == self.inputs => Ok(x),
            None => Err(Refusal::input("'input' is missing")),
            Some(found) => {
                let sizes: Vec<usize> = found.iter().map(Vec::len).collect();
                let message = format!(
                    "'input' holds vectors of {sizes:?} values, expected one of {}",
                    self.inputs
                );
                Err(Refusal::input(message))
            }
        }
    }
}

/// There is one vector of input and one of output.
fn first(key: &str, index: Option<usize>) -> Result<(), Refusal> {
    match index {
        Some(0) => Ok(()),
        Some(found) => Err(Refusal::input(format!(
            "{key} is {found}, but there is index 0 alone"
        ))),
        None => Err(Refusal::input(format!("'{key}' is missing"))),
    }
}

fn vector<'q>(key: &str, found: Option<&'q [f64]>, len: usize) -> Result<&'q [f64], Refusal> {
    match found {
        Some(values) if values.len() == len => Ok(values),
        Some(values) => {
            let message = format!("'{key}' has {} values, expected {len}", values.len());
            Err(Refusal::input(message))
        }
        None => Err(Refusal::input(format!("'{key}' is missing"))),
    }
}

fn failed(result: retrodict::Result<()>) -> Result<(), Refusal> {
    result.map_err(|error| Refusal::new(500, "SimulationFailed", error.to_string()))
}

/// JSON knows no NaN.
fn finite(values: &[f64]) -> Result<&[f64], Refusal> {
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(values),
        Some(i) => {
            let message = format!("the output holds {} at index {i}", values[i]);
            Err(Refusal::new(500, "InvalidOutput", message))
        }
    }
}

fn output<T: serde::Serialize + ?Sized>(values: &T) -> Result<Vec<u8>, Refusal> {
    let mut body = b"{\"output\":".to_vec();
    serde_json::to_writer(&mut body, values)
        .map_err(|error| Refusal::new(500, "InvalidOutput", error.to_string()))?;
    body.push(b'}');
    Ok(body)
}
