//! A batch of problems of an experiment, ready to be solved.

use std::sync::Arc;

use retrodict::error::{expect_finite, expect_length};
use retrodict::registry::{LOSSES, SIMULATORS};
use retrodict::{Loss, Problem, Simulator, Space};

use crate::data::Array;
use crate::experiment::{Origin, Place, ProblemPlan, Truth};
use crate::failure::{Failure, Outcome};
use crate::folder::{ProblemFacts, SpaceFacts};
use crate::generate;

/// A batch of problems, ready to be solved.
pub struct Prepared<'a> {
    /// As it stands in the experiment.
    pub plan: &'a ProblemPlan,
    /// P.
    pub simulator: Arc<dyn Simulator>,
    /// L.
    pub loss: Arc<dyn Loss>,
    /// x* of each problem.
    pub truths: Vec<Vec<f64>>,
    /// x₀ of each problem.
    pub starts: Vec<Vec<f64>>,
    /// y* of each problem.
    pub targets: Vec<Vec<f64>>,
    /// The simulator's name.
    name: String,
    options: toml::Table,
    /// The standard deviation of the noise of each target, where the simulator can be told.
    told: Option<Vec<f64>>,
}

impl<'a> Prepared<'a> {
    /// Draws truths, starts and noise, and checks that everything fits.
    pub fn new(
        plan: &'a ProblemPlan,
        index: usize,
        seed: u64,
        origin: &'a Origin,
    ) -> Outcome<Self> {
        let place = |table| Place {
            list: "problem",
            index,
            name: &plan.name,
            table,
        };
        let (name, options) = split_name(&plan.simulator, "simulator", &plan.name)?;
        let simulator = SIMULATORS
            .build(&name, &options)
            .map_err(|e| origin.blame(place("simulator"), e))?;
        let truths = generate::truths(&plan.truth, &*simulator, seed)
            .map_err(|e| e.within(&format!("{}: problem '{}'", origin.name, plan.name)))?;
        let mut random = generate::generator(seed, 2);
        let starts: Vec<Vec<f64>> = truths
            .iter()
            .map(|t| generate::start(&plan.start, t, &mut random))
            .collect();
        for x0 in &starts {
            expect_length("the start", x0.len(), simulator.input().len())
                .and_then(|()| expect_finite("the start", x0))
                .map_err(|e| origin.blame(place("start"), e))?;
        }
        if !(plan.noise.is_finite() && plan.noise >= 0.0) {
            let error = retrodict::options::not_negative("noise", plan.noise).err();
            return Err(error.map_or_else(
                || Failure::Misuse("the noise must be a number".to_owned()),
                |e| origin.blame(place("noise"), e),
            ));
        }
        let mut random = generate::generator(seed, 3);
        let (mut targets, mut noise) = (Vec::new(), Vec::new());
        for truth in &truths {
            let mut y = vec![0.0; simulator.output().len()];
            match &plan.target {
                Some(target) => y.clone_from(target),
                None => simulator
                    .forward(truth, &mut y)
                    .map_err(|e| origin.blame(place("truth"), e))?,
            }
            noise.push(generate::add_noise(&mut y, plan.noise, &mut random));
            targets.push(y);
        }
        let tell = plan.noise > 0.0
            && SIMULATORS.find(&name)?.accepts("noise")
            && !options.contains_key("noise");
        let loss = loss(plan, &*simulator).map_err(|e| match e {
            Ok(e) => origin.blame(place("loss"), e),
            Err(failure) => failure,
        })?;
        let prepared = Self {
            plan,
            simulator,
            loss,
            truths,
            starts,
            targets,
            name,
            options,
            told: tell.then_some(noise),
        };
        for i in 0..prepared.targets.len() {
            prepared
                .problem(i, &prepared.simulator)
                .map_err(|e| origin.blame(place("target"), e))?;
        }
        Ok(prepared)
    }

    /// One problem of the batch, with a simulator that may have a method's own options.
    pub fn problem(&self, i: usize, simulator: &Arc<dyn Simulator>) -> retrodict::Result<Problem> {
        let (simulator, loss) = (Arc::clone(simulator), Arc::clone(&self.loss));
        Problem::new(simulator, loss, self.targets[i].clone())
    }

    /// The simulator of each problem, with a method's own options and told the noise.
    pub fn simulators_with(&self, own: &toml::Table) -> retrodict::Result<Vec<Arc<dyn Simulator>>> {
        let mut options = self.options.clone();
        options.extend(own.clone());
        let told = self.told.as_ref().filter(|_| !own.contains_key("noise"));
        if let Some(noise) = told {
            let with = |sigma: &f64| {
                let mut options = options.clone();
                options.insert("noise".into(), (*sigma).into());
                SIMULATORS.build(&self.name, &options)
            };
            return noise.iter().map(with).collect();
        }
        let simulator = if own.is_empty() {
            Arc::clone(&self.simulator)
        } else {
            SIMULATORS.build(&self.name, &options)?
        };
        Ok(vec![simulator; self.truths.len()])
    }

    /// The mean distance of the iterates to the truths.
    pub fn error<'x>(&self, found: impl Iterator<Item = &'x [f64]>) -> f64 {
        let pairs = found.zip(&self.truths);
        let sum: f64 = pairs.map(|(x, t)| self.plan.error.of(x, t)).sum();
        sum / self.truths.len() as f64
    }

    /// The first member's field, or all three channels of a picture.
    pub fn picture(&self, space: &Space, members: &[&[f64]]) -> Array {
        if !self.is_colour() {
            let first = members.first().map(|m| m.to_vec()).unwrap_or_default();
            return Array::new(space.shape.clone(), first);
        }
        let mut shape = vec![3];
        shape.extend(&space.shape);
        Array {
            colour: true,
            ..Array::new(shape, members.concat())
        }
    }

    /// Target, truth and start as they are kept.
    pub fn fields(&self) -> Vec<(String, Array)> {
        let (x, y) = (self.simulator.input(), self.simulator.output());
        [
            ("target", &y, &self.targets),
            ("truth", &x, &self.truths),
            ("start", &x, &self.starts),
        ]
        .into_iter()
        .map(|(what, space, values)| {
            let members: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
            let name = format!("{}/{what}", self.plan.name);
            (name, self.picture(space, &members))
        })
        .collect()
    }

    /// What the report says of it.
    pub fn facts(&self) -> Outcome<ProblemFacts> {
        let entry = SIMULATORS.find(&self.name)?;
        let space = |s: Space| SpaceFacts {
            name: s.name,
            shape: s.shape,
            unit: s.unit,
        };
        Ok(ProblemFacts {
            name: self.plan.name.clone(),
            simulator: entry.name.to_owned(),
            sentence: entry.sentence.to_owned(),
            x: space(self.simulator.input()),
            y: space(self.simulator.output()),
            loss: self.loss.formula(),
            error: self.plan.error.formula().to_owned(),
            count: self.truths.len(),
            noise: self.plan.noise,
            colour: self.is_colour(),
        })
    }

    fn is_colour(&self) -> bool {
        let picture = matches!(self.plan.truth, Truth::Photograph | Truth::File { .. });
        picture && self.truths.len() == 3
    }
}

/// The name in a table, and the table without it.
pub fn split_name(table: &toml::Table, what: &str, owner: &str) -> Outcome<(String, toml::Table)> {
    let mut options = table.clone();
    match options.remove("name") {
        Some(toml::Value::String(name)) => Ok((name, options)),
        _ => Err(Failure::Misuse(format!(
            "the {what} of '{owner}' has no name; write, for example, \
             {what} = {{ name = \"…\" }} with a name from `retrodict list`"
        ))),
    }
}

/// The loss of a problem; what is wrong with it is either the library's or our own to say.
fn loss(
    plan: &ProblemPlan,
    simulator: &dyn Simulator,
) -> Result<Arc<dyn Loss>, Result<retrodict::Error, Failure>> {
    let (name, mut options) = split_name(&plan.loss, "loss", &plan.name).map_err(Err)?;
    let entry = LOSSES.find(&name).map_err(Ok)?;
    if entry.accepts("shape") && !options.contains_key("shape") {
        let shape = simulator.output().shape;
        let shape: Vec<toml::Value> = shape.iter().map(|n| (*n as i64).into()).collect();
        options.insert("shape".into(), shape.into());
    }
    (entry.build)(&options).map_err(Ok)
}
