//! The UM-Bridge protocol, version 1.0: a path and a question to an answer.

use retrodict::Simulator;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Offer;
use super::budget::{Budget, Share};
use super::config::Config;
use super::offer::Configured;
use super::refusal::Refusal;

/// Bytes that reading a question may take for each of its own: `0,` becomes a number in a list that grows.
const READING: f64 = 16.0;

/// Bytes of a value of input, with its derivative, and of one of output, with its text.
const PER_INPUT: f64 = 32.0;
const PER_OUTPUT: f64 = 80.0;

/// All that a question may say; each path needs a part of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    name: String,
    #[serde(default)]
    config: Config,
    input: Option<Vec<Vec<f64>>>,
    sens: Option<Vec<f64>>,
    vec: Option<Vec<f64>>,
    out_wrt: Option<usize>,
    in_wrt: Option<usize>,
    in_wrt1: Option<usize>,
    in_wrt2: Option<usize>,
}

/// What is answered to a question that was sent to a path.
pub fn answer(
    offers: &[Offer],
    budget: &Budget,
    path: &str,
    body: &[u8],
) -> Result<Vec<u8>, Refusal> {
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
        let message = format!(
            "no such endpoint: {path}; known: /Info, {}",
            PATHS.join(", ")
        );
        return Err(Refusal::new(404, "UnsupportedFeature", message));
    }
    let reading = budget.take(budget.total().min(READING * body.len() as f64))?;
    let mut question: Question = serde_json::from_slice(body).map_err(|error| {
        Refusal::input(format!(
            "the request is not the JSON that {path} expects: {error}"
        ))
    })?;
    drop(reading);
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
        let second = curved(&*offer.standard().simulator);
        return Ok(written(&json!({ "support": {
            "Evaluate": true, "Gradient": true, "ApplyJacobian": true, "ApplyHessian": second
        } })));
    }
    let config = std::mem::take(&mut question.config.0);
    let Configured { simulator, memory } = match offer.known(&config) {
        Some(known) => known,
        None => configured(offer, config, budget, offers.len())?,
    };
    let at = At::new(&*simulator, &question);
    let _share = at.share(memory, budget)?;
    at.answer(path)
}

/// A simulator that is made for this question, if there is memory for it.
fn configured(
    offer: &Offer,
    config: toml::Table,
    budget: &Budget,
    offers: usize,
) -> Result<Configured, Refusal> {
    let refused =
        |error: retrodict::Error| Refusal::input(format!("the config is not allowed: {error}"));
    let measured = offer.measured(&config, budget.total()).map_err(refused)?;
    let _share = budget.take(measured.1)?;
    // What all offers keep takes a quarter of the memory.
    let room = budget.total() / (4 * offers.max(1)) as f64;
    offer.make(config, measured, room).map_err(refused)
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
    simulator.describe().linear || simulator.second_order().is_some()
}

/// A simulator and what was asked of it.
struct At<'q> {
    simulator: &'q dyn Simulator,
    question: &'q Question,
    inputs: usize,
    outputs: usize,
}

impl<'q> At<'q> {
    fn new(simulator: &'q dyn Simulator, question: &'q Question) -> Self {
        Self {
            simulator,
            question,
            inputs: simulator.input().len(),
            outputs: simulator.output().len(),
        }
    }

    /// The memory that the answer takes.
    fn share<'b>(&self, simulator: f64, budget: &'b Budget) -> Result<Share<'b>, Refusal> {
        let values =
            PER_INPUT * self.inputs as f64 + PER_OUTPUT * self.outputs.max(self.inputs) as f64;
        budget.take(simulator + values)
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
                    None if self.simulator.describe().linear => {}
                    None => {
                        let message = "this simulator has no second derivatives";
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
                const SHOWN: usize = 8;
                let sizes: Vec<usize> = found.iter().take(SHOWN).map(Vec::len).collect();
                let message = format!(
                    "'input' holds vectors of {sizes:?} values{}, expected one of {}",
                    if found.len() > SHOWN { " and more" } else { "" },
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
            "{key} is {found}, but the only index is 0"
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
    result.map_err(|error| match error {
        error if error.is_interruption() => Refusal::time(),
        error => Refusal::new(500, "SimulationFailed", error.to_string()),
    })
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
