//! A batch of problems of an experiment, ready to be solved.

use std::sync::Arc;

use crate::registry;
use retrodict::error::{expect_finite, expect_length};
use retrodict::{Loss, Problem, Simulator, Space};

use crate::data::Array;
use crate::experiment::{ErrorNorm, Origin, Place, ProblemPlan, Truth};
use crate::failure::{Failure, Outcome};
use crate::film::Film;
use crate::folder::{ProblemFacts, SpaceFacts};
use crate::generate;
use crate::own_units::own_units;
use crate::series::Curves;

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
    /// Options of the simulator that differ from problem to problem: the noise of its target, where
    /// it can be told, or the state from which it starts.
    each: Vec<toml::Table>,
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
        let simulator = registry()
            .simulator(&name)
            .and_then(|entry| entry.build(&options))
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
        let states = generate::states(&plan.truth, &*simulator, seed);
        let (mut targets, mut noise) = (Vec::new(), Vec::new());
        for (i, truth) in truths.iter().enumerate() {
            let mut y = vec![0.0; simulator.output().len()];
            match (&plan.target, &states) {
                (Some(target), _) => y.clone_from(target),
                (None, Some((_, states))) => y.clone_from(&states[i]),
                (None, None) => simulator
                    .forward(truth, &mut y)
                    .map_err(|e| origin.blame(place("truth"), e))?,
            }
            noise.push(generate::add_noise(&mut y, plan.noise, &mut random));
            targets.push(y);
        }
        let tell = plan.noise > 0.0
            && registry().simulator(&name)?.accepts("noise")
            && !options.contains_key("noise");
        let each = match (states, tell) {
            (Some((option, states)), _) => states
                .into_iter()
                .map(|state| toml::Table::from_iter([(option.clone(), state.into())]))
                .collect(),
            (None, true) => noise
                .into_iter()
                .map(|sigma| toml::Table::from_iter([("noise".to_owned(), sigma.into())]))
                .collect(),
            (None, false) => Vec::new(),
        };
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
            each,
        };
        let own = prepared
            .simulators_with(&toml::Table::new())
            .map_err(|e| origin.blame(place("truth"), e))?;
        for (i, simulator) in own.iter().enumerate() {
            prepared
                .problem(i, simulator)
                .map_err(|e| origin.blame(place("target"), e))?;
        }
        Ok(prepared)
    }

    /// One problem of the batch, with a simulator that may have a method's own options.
    pub fn problem(&self, i: usize, simulator: &Arc<dyn Simulator>) -> retrodict::Result<Problem> {
        let (simulator, loss) = (Arc::clone(simulator), Arc::clone(&self.loss));
        Problem::new(simulator, loss, self.targets[i].clone())
    }

    /// The simulator of each problem, with a method's own options before the problem's.
    pub fn simulators_with(&self, own: &toml::Table) -> retrodict::Result<Vec<Arc<dyn Simulator>>> {
        let build = |tables: &[&toml::Table]| {
            let mut options = self.options.clone();
            for table in tables {
                options.extend((*table).clone());
            }
            registry().simulator(&self.name)?.build(&options)
        };
        let differ = |each: &toml::Table| each.keys().any(|key| !own.contains_key(key));
        if self.each.iter().any(differ) {
            return self.each.iter().map(|each| build(&[each, own])).collect();
        }
        let simulator = if own.is_empty() {
            Arc::clone(&self.simulator)
        } else {
            build(&[own])?
        };
        Ok(vec![simulator; self.truths.len()])
    }

    /// The mean distance of the iterates to the truths.
    pub fn error<'x>(&self, found: impl Iterator<Item = &'x [f64]>) -> Option<f64> {
        let pairs = found.zip(&self.truths);
        let sum: Option<f64> = pairs.map(|(x, t)| self.norm().of(x, t)).sum();
        sum.map(|sum| sum / self.truths.len() as f64)
    }

    /// How the distance to the truth is measured; not at all where none is known.
    pub fn norm(&self) -> ErrorNorm {
        match self.plan.truth {
            Truth::States { .. } => ErrorNorm::None,
            _ => self.plan.error,
        }
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
        .filter(|(what, ..)| *what != "truth" || self.norm() != ErrorNorm::None)
        .map(|(what, space, values)| {
            let members: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
            let name = format!("{}/{what}", self.plan.name);
            (name, self.picture(space, &members))
        })
        .chain(self.curves().map(|curves| {
            let name = format!("{}/data", self.plan.name);
            (name, curves.data(&self.targets[0]))
        }))
        .chain(self.film().map(|film| {
            let name = format!("{}/film", self.plan.name);
            (name, film.frames(&self.truths[0]))
        }))
        .collect()
    }

    /// What is drawn of a y that is a series in time.
    pub fn curves(&self) -> Option<Curves> {
        Curves::new(&*self.simulator, &self.name, &self.options)
    }

    /// What is shown of the way from x to y.
    pub fn film(&self) -> Option<Film> {
        Film::new(&*self.simulator, &self.name, &self.options)
    }

    /// What the report says of it.
    pub fn facts(&self) -> Outcome<ProblemFacts> {
        let entry = registry().simulator(&self.name)?;
        let space = |s: &Space| SpaceFacts {
            name: s.name.clone(),
            shape: s.shape.clone(),
            unit: s.unit.clone(),
        };
        Ok(ProblemFacts {
            name: self.plan.name.clone(),
            simulator: entry.name.to_owned(),
            sentence: entry.sentence.to_owned(),
            x: space(self.simulator.input()),
            y: space(self.simulator.output()),
            loss: self.loss.formula(),
            error: self.norm().formula().to_owned(),
            count: self.truths.len(),
            noise: self.plan.noise,
            truth_loss: self.truth_loss(),
            labels: self.simulator.describe().labels.unwrap_or_default(),
            own_units: own_units(&self.name, &self.options),
            colour: self.is_colour(),
            series: self.curves().map(|curves| curves.facts()),
            film: self.film().map_or(Vec::new(), |film| film.steps().to_vec()),
        })
    }

    /// The mean loss of the truths, where they are known and noise was added.
    fn truth_loss(&self) -> Option<f64> {
        if self.plan.noise == 0.0 || self.norm() == ErrorNorm::None {
            return None;
        }
        let mut y = vec![0.0; self.simulator.output().len()];
        let mut sum = 0.0;
        for (truth, target) in self.truths.iter().zip(&self.targets) {
            self.simulator.forward(truth, &mut y).ok()?;
            sum += self.loss.value(&y, target);
        }
        Some(sum / self.truths.len() as f64)
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
    let entry = registry().losses.find(&name).map_err(Ok)?;
    if entry.accepts("shape") && !options.contains_key("shape") {
        let shape = &simulator.output().shape;
        let shape: Vec<toml::Value> = shape.iter().map(|n| (*n as i64).into()).collect();
        options.insert("shape".into(), shape.into());
    }
    entry.build(&options).map_err(Ok)
}
