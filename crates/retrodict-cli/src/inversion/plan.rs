//! An inversion, validated: everything that can be wrong is found before anything is run.

pub mod weight;

use std::sync::Arc;
use std::time::{Duration, Instant};

use retrodict::compose::Parameters;
use retrodict::interrupt::Interrupt;
use retrodict::solver::starts::Region;
use retrodict::spec::{InversionSpec, Named, Origin, Posed, Profiled, Values};
use retrodict::uncertainty::derived::Quantity;
use retrodict::uncertainty::profile::Along;
use retrodict::uncertainty::weight::Choice;
use retrodict::{Problem, Simulator, Solver, StopWhen, UpdateRule};
use toml::Table;

use crate::data::{self, Array, UserFiles, fit_shape, split, take_times};
use crate::failure::{Failure, Outcome};
use crate::inversion::Chosen;
use crate::registry;

/// What stands for the file of the data where the description holds the numbers itself.
pub const TARGET: &str = "target.npy";

/// An inversion, validated: everything that can be wrong is found before anything is run.
pub struct Plan {
    /// As it was asked for.
    pub inversion: InversionSpec,
    /// The observations.
    pub target: Array,
    /// P, before it was told the noise of a field.
    pub simulator: Arc<dyn Simulator>,
    /// The simulator's name.
    pub name: String,
    /// The simulator's options, with the shape of the data.
    pub options: Table,
    /// The rule's name.
    pub rule: String,
    /// Why it was chosen, where the user did not choose.
    pub reason: Option<&'static str>,
    /// When each run ends.
    pub stop: StopWhen,
    /// A problem for each field of the target.
    pub fields: Vec<Field>,
    /// By which rule the weight of the prior is chosen, if it is.
    pub choice: Option<Choice>,
    /// What was made of the columns of the target's file.
    pub remarks: Vec<String>,
    posed: Posed,
}

/// One field of the target, and the points from which it is solved.
pub struct Field {
    /// P, L and y*, for the data alone.
    pub data: Problem,
    /// The same with priors, bounds and transforms.
    pub problem: Problem,
    /// Where the starts lie.
    pub region: Region,
    /// The starts.
    pub starts: Vec<Vec<f64>>,
    /// The weight of the prior, once a rule has chosen it.
    pub chosen: Option<Chosen>,
    /// How long that took.
    pub spent: Duration,
}

impl Plan {
    /// Reads the data, builds everything and checks that it fits; what does not is told with its place in the description.
    pub fn new(inversion: InversionSpec, origin: &Origin) -> Outcome<Self> {
        let locate = |error| origin.locate(error);
        let of_target = |failure: Failure| failure.located(&origin.at("target"), "target");
        let (mut target, what) = match &inversion.target {
            Values::File(name) if inversion.noise.missing => {
                let read = data::read_with_gaps(name).map_err(of_target);
                (read?, name.as_str())
            }
            Values::File(name) => (data::read(name).map_err(of_target)?, name.as_str()),
            Values::Each(values) => (Array::new(vec![values.len()], values.clone()), "the target"),
            Values::One(value) => (Array::new(vec![1], vec![*value]), "the target"),
        };
        // What the data say of the simulator: its shape, its times.
        let read = inversion.with_option_files(registry(), &UserFiles);
        let mut fitted = read.map_err(locate)?;
        let Named { name, options } = &mut fitted.simulator;
        registry()
            .simulator(name)
            .map_err(|error| locate(error.inside("simulator")))?;
        let taken = take_times(name, options, &mut target, what).map_err(of_target)?;
        let fitting = fit_shape(name, options, &target, what).map_err(of_target)?;
        let mut remarks: Vec<String> = taken.into_iter().chain(fitting).collect();
        let known = inversion.noise.is_known();
        remarks.extend(data::not_used(&fitted.simulator, known, &target, what)?);
        let simulator = fitted.simulator(registry()).map_err(locate)?;
        let targets = split(&target, &simulator.output().shape, what).map_err(of_target)?;

        let subject = fitted.subject(Arc::clone(&simulator), registry());
        let mut posed = subject
            .and_then(|subject| fitted.pose_with(&subject, &targets, registry(), &UserFiles))
            .map_err(locate)?;
        let fields = std::mem::take(&mut posed.fields)
            .into_iter()
            .map(Field::from)
            .collect();
        Ok(Self {
            target,
            simulator: Arc::clone(&posed.simulator),
            name: fitted.simulator.name,
            options: fitted.simulator.options,
            rule: posed.rule.name.clone(),
            reason: posed.reason,
            stop: posed.stop.clone(),
            fields,
            choice: posed.choice,
            remarks,
            inversion,
            posed,
        })
    }

    /// Chooses the weight of the prior of each field, where a rule is to; those that are known already, from
    /// an earlier run of the same inversion, are taken over. Where this is interrupted, fields are left without.
    /// `see` is told the field, and how many weights were tried for it.
    pub fn weigh(&mut self, known: &[Chosen], see: &dyn Fn(usize, usize)) -> Outcome<()> {
        let Some(choice) = self.choice else {
            return Ok(());
        };
        for (i, field) in self.fields.iter_mut().enumerate() {
            let clock = Instant::now();
            let mut interrupt = Interrupt::current();
            if let Some(end) = self.stop.time.and_then(|limit| clock.checked_add(limit)) {
                interrupt = interrupt.with_deadline(end);
            }
            let chosen = match known.get(i) {
                Some(before) => Ok(before.clone()),
                None => interrupt.within(|| {
                    let see = |tried| see(i, tried);
                    Chosen::choose(choice, &field.problem, &field.starts[0], &see)
                }),
            };
            field.spent = clock.elapsed();
            if chosen.is_err() && interrupt.reason().is_some() {
                continue;
            }
            let chosen = chosen?;
            field.problem = field.problem.with_weight(0, chosen.weight)?;
            field.chosen = Some(chosen);
        }
        Ok(())
    }

    /// The file of the data, or what stands for it where the description holds the numbers itself.
    pub fn target_name(&self) -> &str {
        match &self.inversion.target {
            Values::File(name) => name,
            _ => TARGET,
        }
    }

    /// The weights that were chosen, one for each field up to the first without.
    pub fn chosen(&self) -> Vec<Chosen> {
        self.fields
            .iter()
            .map_while(|field| field.chosen.clone())
            .collect()
    }

    /// What the user should know before anything is run.
    pub fn warnings(&self) -> Option<String> {
        let shortage = self.fields.first()?.problem.shortage()?;
        let after = match self.inversion.statistics {
            true => "the statistics after the fit name them",
            false => "without --no-statistics, the statistics name them",
        };
        Some(format!(
            "{} data for {} unknowns and no prior: the problem is underdetermined; at least {} directions are not \
             constrained by the data and keep their starting values; {after}; add a \
             prior, as in --prior tikhonov:weight=gcv",
            shortage.data,
            shortage.unknowns,
            shortage.unknowns - shortage.data
        ))
    }

    /// The rule with its options in words: the same words, the same memory.
    pub fn rule_words(&self) -> String {
        let inverse = self.inversion.inverse.as_ref().map(ToString::to_string);
        let search = self.inversion.search.as_ref();
        format!(
            "{} {} {}{}",
            self.rule,
            self.posed.rule.options,
            inverse.unwrap_or_default(),
            search.map_or_else(String::new, |search| format!(" {search}"))
        )
    }

    /// The options of the rule that were given.
    pub fn rule_options(&self) -> &Table {
        &self.posed.rule.options
    }

    /// A fresh rule.
    pub fn make_rule(&self) -> retrodict::Result<Box<dyn UpdateRule>> {
        self.posed.make_rule()
    }

    /// Which rule was chosen, and why, where the user did not choose.
    pub fn choice_words(&self) -> Option<String> {
        let reason = self.reason?;
        Some(format!("{} was chosen because {reason}", self.rule))
    }

    /// The table of parameters, if there is one.
    pub fn parameters(&self) -> Option<&Parameters> {
        self.posed.parameters.as_deref()
    }

    /// Quantities that follow from parameters.
    pub fn derived(&self) -> &[Quantity] {
        &self.posed.derived
    }

    /// Of what profile likelihoods are asked for.
    pub fn profiled(&self) -> impl Iterator<Item = (&Profiled, Along<'_>)> {
        let all = self.posed.profiled.iter();
        all.filter_map(move |profiled| Some((profiled, profiled.along(self.parameters())?)))
    }

    /// A solver for one run, with a fresh rule.
    pub fn solver_until(&self, stop: StopWhen) -> retrodict::Result<Solver> {
        self.posed.solver_until(stop)
    }
}

impl From<retrodict::spec::Field> for Field {
    fn from(field: retrodict::spec::Field) -> Self {
        Self {
            data: field.data,
            problem: field.problem,
            region: field.region,
            starts: field.starts,
            chosen: None,
            spent: Duration::ZERO,
        }
    }
}
