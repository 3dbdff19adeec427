//! Training from Python: a network that learns through a simulator.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use retrodict::registry::Registry;
use retrodict::spec::{DrawSpec, Named, Origin, TrainingMethodSpec, TrainingSpec};
use toml::Table;

use crate::arrays::Numbers;
use crate::errors::{Held, raised};
use crate::files::{self, Read, located};
use crate::known::options;
use crate::learning::{TrainingTask, callable, learn};
use crate::simulator::Simulator;
use crate::tables::described;
use crate::tables::{named, value};
use crate::trained::Trained;
use crate::training_data::TrainingData;
use crate::training_terms::{OwnSimulator, TrainingTerms, stopped};
use crate::{process, subject};

/// The arguments that a description holds itself.
struct Keywords<'a, 'py> {
    network: Option<&'a Bound<'py, PyAny>>,
    strategy: Option<&'a Bound<'py, PyAny>>,
    rule: Option<&'a Bound<'py, PyAny>>,
    search: Option<&'a Bound<'py, PyAny>>,
    batch: Option<usize>,
    epochs: Option<u64>,
    stop: Option<&'a Bound<'py, PyAny>>,
    seed: Option<u64>,
    loss: Option<&'a Bound<'py, PyAny>>,
    inverse: Option<&'a Bound<'py, PyAny>>,
    reduction: Option<&'a Bound<'py, PyAny>>,
    schedule: Option<&'a Bound<'py, PyAny>>,
    clip: Option<f64>,
    normalise: Option<&'a Bound<'py, PyAny>>,
}

/// Trains a network f(y*; θ) → x through a simulator, so that P(f(y*)) ≈ y*.
///
/// simulator: as for `solve`; or a dictionary with the keys of a training's TOML file, or the path of such a file, which then
/// says all else but what is given as method, data, simulator_of, x_shape, differences and observer.
/// network: "mlp", "unet", or {"name": …, options}.
/// data: {"target": y*, "x": …, "input": …} with arrays, a sample in each row (x where it is known, input where the network
/// sees something else than y*), or how samples are drawn, as {"kind": "uniform", "low": 0, "high": 1}; beside it the numbers
/// of samples "train" and "test" (held out), "fresh" and "shuffle".
/// strategy: what the network learns from; rule: how θ is updated; search: how far along Δθ, in place of the rule's own
/// search; each by name or {"name": …, options}.
/// batch: samples in a mini-batch; epochs: how often all samples are seen; stop: a dictionary with epochs, steps, time,
/// patience and loss_below.
/// seed: of data and weights. loss: of one sample. inverse: as for `solve`. reduction: "mean" or "sum" over a mini-batch.
/// schedule: of the learning rate, as {"kind": "cosine", "steps": 1000}. clip: the longest gradient.
/// normalise: True, False, or {"input": …, "output": …, "target": …}, by default True for arrays: what the network sees and makes
/// is shifted and scaled by the mean and standard deviation of the training data, kept in the network.
/// method: which method of a description. x_shape: the shape of x, for a simulator in Python where the data hold no x.
/// simulator_of: a simulator in place of that of a description. differences: as for `solve`.
/// observer: called with a dictionary after each epoch; it ends the training by returning True.
///
/// A training that does not converge raises no exception: see Trained.status. Ctrl-C, and an exception of the observer, end
/// it and are raised with what was learned in their attribute `trained`.
///
/// Raises ValueError or TypeError for arguments that do not fit, SimulationError if the simulator fails at the first step.
#[pyfunction]
#[pyo3(signature = (
    simulator, *, network=None, data=None, strategy=None, rule=None, search=None, batch=None, epochs=None, stop=None,
    seed=None, loss=None, inverse=None, reduction=None, schedule=None, clip=None, normalise=None, method=None, x_shape=None,
    simulator_of=None, differences=None, observer=None
))]
#[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
pub fn train(
    py: Python<'_>,
    simulator: &Bound<'_, PyAny>,
    network: Option<&Bound<'_, PyAny>>,
    data: Option<&Bound<'_, PyAny>>,
    strategy: Option<&Bound<'_, PyAny>>,
    rule: Option<&Bound<'_, PyAny>>,
    search: Option<&Bound<'_, PyAny>>,
    batch: Option<usize>,
    epochs: Option<u64>,
    stop: Option<&Bound<'_, PyAny>>,
    seed: Option<u64>,
    loss: Option<&Bound<'_, PyAny>>,
    inverse: Option<&Bound<'_, PyAny>>,
    reduction: Option<&Bound<'_, PyAny>>,
    schedule: Option<&Bound<'_, PyAny>>,
    clip: Option<f64>,
    normalise: Option<&Bound<'_, PyAny>>,
    method: Option<&str>,
    x_shape: Option<Vec<usize>>,
    simulator_of: Option<&Bound<'_, PyAny>>,
    differences: Option<&Bound<'_, PyAny>>,
    observer: Option<Bound<'_, PyAny>>,
) -> PyResult<Py<Trained>> {
    let keywords = Keywords {
        network,
        strategy,
        rule,
        search,
        batch,
        epochs,
        stop,
        seed,
        loss,
        inverse,
        reduction,
        schedule,
        clip,
        normalise,
    };
    callable(observer.as_ref())?;
    let mut data = data.map(TrainingData::read).transpose()?;
    let (spec, object, origin) = match is_description(simulator) {
        true => {
            keywords.refuse()?;
            let (spec, origin) = read(simulator, &mut data)?;
            let object = simulator_of.map(subject::named).transpose()?;
            (spec, object, origin)
        }
        false => {
            if method.is_some() || simulator_of.is_some() {
                return Err(PyValueError::new_err(
                    "method and simulator_of belong to a description: give the rule as rule=…, and the simulator first",
                ));
            }
            let Some(data) = &data else {
                return Err(PyValueError::new_err(
                    "data is missing: give {\"target\": …} with arrays, or say how samples are drawn",
                ));
            };
            let spec = keywords.spec(data)?;
            (spec, Some(subject::named(simulator)?), None)
        }
    };
    let spec = with_method(spec, method, origin.as_ref())?;
    let shapes = Shapes {
        x: x_shape.or_else(|| data.as_ref().and_then(|data| data.x.clone())),
        y: data.as_ref().and_then(|data| data.y.clone()),
    };
    let differences = match differences {
        None => None,
        given => Some(options("differences", given)?),
    };
    let held = Arc::new(Held::default());
    let (terms, object) = terms(spec, object, shapes, differences)?;
    let (training, joined) = terms.build(py, object.as_ref(), &held, origin.as_ref())?;
    if let Some(joined) = &joined {
        joined.warn(py)?;
    }
    let task = TrainingTask {
        from: training.start(),
        terms,
        object: object.map(Bound::unbind),
        observer: observer.map(Bound::unbind),
    };
    Trained::of(py, learn(py, task, training, held)?)
}

/// Whether it is a dictionary, or the path of a TOML file.
fn is_description(subject: &Bound<'_, PyAny>) -> bool {
    let is_path = match subject.cast::<PyString>() {
        Ok(name) => name.to_string().ends_with(".toml"),
        Err(_) => subject.hasattr("__fspath__").unwrap_or(false),
    };
    is_path || subject.is_instance_of::<PyDict>()
}

impl Keywords<'_, '_> {
    /// Refuses what a description says itself.
    fn refuse(&self) -> PyResult<()> {
        let given = [
            ("network", self.network.is_some()),
            ("strategy", self.strategy.is_some()),
            ("rule", self.rule.is_some()),
            ("search", self.search.is_some()),
            ("batch", self.batch.is_some()),
            ("epochs", self.epochs.is_some()),
            ("stop", self.stop.is_some()),
            ("seed", self.seed.is_some()),
            ("loss", self.loss.is_some()),
            ("inverse", self.inverse.is_some()),
            ("reduction", self.reduction.is_some()),
            ("schedule", self.schedule.is_some()),
            ("clip", self.clip.is_some()),
            ("normalise", self.normalise.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((key, _)) => Err(PyValueError::new_err(format!(
                "{key} is a part of the description: set it there, or give a simulator and all else as keywords"
            ))),
        }
    }

    /// The description that the keywords make; its simulator stands beside it.
    fn spec(&self, data: &TrainingData) -> PyResult<TrainingSpec> {
        let registry = Registry::standard();
        let of = |(name, options): (String, Table)| Named { name, options };
        let Some(network) = self.network else {
            return Err(PyValueError::new_err(format!(
                "network is missing: give a name, as in network=\"mlp\", or a dictionary; known: {}",
                registry.networks.names()
            )));
        };
        let network = of(named("network", network, &registry.networks)?);
        let mut spec = TrainingSpec::new("", network, data.spec.clone());
        let strategy = self
            .strategy
            .map(|own| named("strategy", own, &registry.strategies).map(of));
        let rule = self
            .rule
            .map(|own| named("rule", own, &registry.rules).map(of));
        let rule = rule.unwrap_or_else(|| Ok("adam".into()))?;
        let mut method = TrainingMethodSpec::new(
            rule.name.clone(),
            strategy.unwrap_or_else(|| Ok("end-to-end".into()))?,
            rule,
            self.batch.unwrap_or(32),
        );
        let search = self.search;
        let search = search.map(|own| named("search", own, &registry.searches).map(of));
        method.search = search.transpose()?;
        if let Some(loss) = self.loss {
            spec.loss = of(named("loss", loss, &registry.losses)?);
        }
        let inverse = self.inverse;
        let inverse = inverse.map(|own| named("inverse", own, &registry.inverses).map(of));
        spec.inverse = inverse.transpose()?;
        if let Some(reduction) = self.reduction {
            method.reduction = described("reduction", value("reduction", reduction)?)?;
        }
        if let Some(schedule) = self.schedule {
            method.schedule = described("schedule", value("schedule", schedule)?)?;
        }
        method.clip = self.clip;
        if let Some(normalise) = self.normalise {
            spec.normalise = described("normalise", value("normalise", normalise)?)?;
        }
        if let Some(stop) = self.stop {
            spec.stop = stopped(stop)?;
        }
        spec.stop.epochs = self.epochs.or(spec.stop.epochs);
        spec.seed = self.seed.unwrap_or(0);
        spec.methods.push(method);
        Ok(spec)
    }
}

/// Reads a description; arrays that it holds are data as those that are given beside it.
fn read(
    description: &Bound<'_, PyAny>,
    data: &mut Option<TrainingData>,
) -> PyResult<(TrainingSpec, Option<Origin>)> {
    let mut plain = description.clone();
    if let Ok(dict) = description.cast::<PyDict>() {
        let copy = dict.copy()?;
        if let Some(own) = copy.get_item("data")? {
            if data.is_none() {
                *data = Some(TrainingData::read(&own)?);
            }
            copy.del_item("data")?;
        }
        plain = copy.into_any();
    }
    let Read {
        mut table,
        folder,
        origin,
    } = files::description::<TrainingSpec>(&plain, |what, text, _| {
        TrainingSpec::from_toml(what, text).map(drop)
    })?;
    if let Some(data) = data {
        // It is put in place as it is: arrays need not go through a table.
        let none = Table::from_iter([
            ("kind".to_owned(), "arrays".into()),
            ("target".to_owned(), toml::Value::Array(Vec::new())),
        ]);
        let draw = Table::from_iter([("draw".to_owned(), none.into())]);
        table.insert("data".to_owned(), draw.into());
        let mut spec: TrainingSpec = described("description", table.into())?;
        spec.data = data.spec.clone();
        return Ok((spec, origin));
    }
    let mut spec: TrainingSpec = described("description", table.into())?;
    files::anchor(spec.files(), folder.as_deref());
    Ok((spec, origin))
}

/// The description with the method that was named, or the only one.
fn with_method(
    mut spec: TrainingSpec,
    method: Option<&str>,
    origin: Option<&Origin>,
) -> PyResult<TrainingSpec> {
    let names = || spec.methods.iter().map(|method| method.name.as_str());
    match (method, spec.methods.len()) {
        (Some(name), _) => {
            let chosen = spec.method(name).map_err(|error| raised(&error))?.clone();
            spec.check().map_err(|error| located(error, origin))?;
            spec.methods = vec![chosen];
            Ok(spec)
        }
        (None, 1) => Ok(spec),
        (None, 0) => Err(PyValueError::new_err(
            "the description has no method: add one, with a name, a strategy, a rule and a batch",
        )),
        (None, _) => Err(PyValueError::new_err(format!(
            "the description has several methods: choose one, as in method=\"{}\"; known: {}",
            names().next().unwrap_or_default(),
            names().collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// The shapes of one x and one y, as far as the arguments say them.
struct Shapes {
    x: Option<Vec<usize>>,
    y: Option<Vec<usize>>,
}

/// What the training is made of, and its simulator where that is written in Python.
fn terms<'py>(
    mut spec: TrainingSpec,
    object: Option<Bound<'py, PyAny>>,
    shapes: Shapes,
    differences: Option<Table>,
) -> PyResult<(TrainingTerms, Option<Bound<'py, PyAny>>)> {
    if let Some(Ok(own)) = object.as_ref().map(Bound::cast::<Simulator>) {
        let own = own.get();
        spec.simulator = Named {
            name: own.name.to_owned(),
            options: own.settings.clone(),
        };
    }
    let Some(object) = object.filter(|own| !own.is_instance_of::<Simulator>()) else {
        return Ok((TrainingTerms { spec, own: None }, None));
    };
    let Some(input) = shapes.x else {
        return Err(PyValueError::new_err(
            "a simulator in Python needs the shape of x: give data[\"x\"], or x_shape=(…,)",
        ));
    };
    let output = match shapes.y {
        Some(shape) => shape,
        None => {
            let middle = match spec.data.draw {
                DrawSpec::Uniform { low, high } => 0.5 * (low + high),
                _ => 0.0,
            };
            let x = Numbers {
                values: vec![middle; input.iter().product()],
                shape: input.clone(),
            };
            process::ready()?;
            subject::output(&object, &x)?
        }
    };
    let own = Some(OwnSimulator {
        input,
        output,
        differences,
    });
    Ok((TrainingTerms { spec, own }, Some(object)))
}
