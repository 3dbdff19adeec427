//! An inversion, checked: everything that can be wrong is found before anything is run.

mod data_sets;
mod field_noise;
mod observed;
mod parameters;
mod part;
mod subject;

use std::sync::Arc;

use super::derived::quantities;
use super::inverse::with_inverse;
use super::inversion::InversionSpec;
use super::option_files::with_option_files;
use super::parameter::{Known, ParameterTable};
use super::prior;
use super::profiled::Profiled;
use super::values::{Files, Values};
use super::{Named, StopSpec};
use crate::compose::parameters::Parameters;
use crate::core::simulator::Simulator;
use crate::error::{At, Error, Result, expect_finite, expect_length};
use crate::problem::Problem;
use crate::registry::Registry;
use crate::solver::automatic::{self, AUTOMATIC};
use crate::solver::solve::Solver;
use crate::solver::starts::Region;
use crate::uncertainty::derived::Quantity;
use crate::uncertainty::weight::Choice;
use crate::updates::{Search, UpdateRule};
pub use observed::{DataSet, Observed};
use parameters::{in_parameters, with_table};
use part::Part;
pub use subject::{Subject, WithNoise};

/// An inversion, ready to be run.
#[non_exhaustive]
pub struct Posed {
    /// P, in the parameters of the description if it has any; before it was told the noise of a field.
    pub simulator: Arc<dyn Simulator>,
    /// The table of parameters, if there is one.
    pub parameters: Option<Arc<Parameters>>,
    /// Of what profile likelihoods are asked for.
    pub profiled: Vec<Profiled>,
    /// Quantities that follow from them.
    pub derived: Vec<Quantity>,
    /// A problem for each field of the data; one of all data sets, where there are several.
    pub fields: Vec<Field>,
    /// The data sets, where there are several.
    pub observations: Vec<Observed>,
    /// The rule, with its name in the registry.
    pub rule: Named,
    /// Why it was chosen, where the description leaves it open.
    pub reason: Option<&'static str>,
    /// When each run ends.
    pub stop: StopSpec,
    /// By which rule the weight of the prior is chosen, if it is.
    pub choice: Option<Choice>,
    /// How far along Δx, in place of the rule's own search.
    pub search: Option<Search>,
    make_rule: Box<dyn Fn() -> Result<Box<dyn UpdateRule>> + Send + Sync>,
}

/// One field of the data, and the points from which it is solved.
#[non_exhaustive]
pub struct Field {
    /// P, L and y*, for the data alone.
    pub data: Problem,
    /// The same for each data set, where there are several.
    parts: Vec<Problem>,
    /// The same with priors, bounds and transforms.
    pub problem: Problem,
    /// Where the starts lie.
    pub region: Region,
    /// The starts: the first is that of the description.
    pub starts: Vec<Vec<f64>>,
}

/// Reduced χ² at which a run ends that could fit the noise too; a tenth above 1, since rules that aim at
/// just that level end a hair beside it.
pub(super) const AT_THE_NOISE: f64 = 1.1;

impl InversionSpec {
    /// The simulator that it names, with the options of the description and the local inverse, if it names one.
    ///
    /// # Errors
    /// If a name or an option is unknown, or a value is not allowed.
    pub fn simulator(&self, registry: &Registry) -> Result<Arc<dyn Simulator>> {
        let Named { name, options } = &self.simulator;
        if name.is_empty() {
            return Err(Error::Config {
                what: "simulator".to_owned(),
                message: "it is missing: name one, as in simulator = \"heat\"".to_owned(),
            });
        }
        let entry = registry.simulator(name).inside("simulator")?;
        let options = self.with_named_inputs(entry.keys(), options);
        let simulator = entry.build_in(registry, &options).inside("simulator")?;
        self.with_inverse(simulator, registry)
    }

    /// A simulator with the local inverse of the description in place of its own, if it names one.
    ///
    /// # Errors
    /// If the name or an option is unknown, or a value is not allowed.
    pub fn with_inverse(
        &self,
        simulator: Arc<dyn Simulator>,
        registry: &Registry,
    ) -> Result<Arc<dyn Simulator>> {
        with_inverse(simulator, self.inverse.as_ref(), registry).inside("inverse")
    }

    /// Poses the inversion of the simulator that it names, or of all its data sets.
    ///
    /// # Errors
    /// If anything is unknown, not allowed, or does not fit; see [`pose_with`](InversionSpec::pose_with).
    pub fn pose(&self, registry: &Registry, files: &dyn Files) -> Result<Posed> {
        if !self.observations.is_empty() {
            return self.pose_data_sets(registry, files);
        }
        let read = self.with_option_files(registry, files)?;
        let simulator = read.simulator(registry)?;
        let targets = read.targets(&*simulator, files)?;
        let targets: Vec<&[f64]> = targets.iter().map(Vec::as_slice).collect();
        let subject = read.subject(simulator, registry)?;
        read.pose_with(&subject, &targets, registry, files)
    }

    /// The fields of data of its target.
    fn targets(&self, simulator: &dyn Simulator, files: &dyn Files) -> Result<Vec<Vec<f64>>> {
        let shape = &simulator.output().shape;
        let targets = match &self.target {
            none if none.is_none() => Err(Error::Config {
                what: "target".to_owned(),
                message: "the observations are missing: give target, numbers or the name of a file, or several data sets as \
                          [[observation]]"
                    .to_owned(),
            }),
            Values::File(name) => files.read(name, shape, self.noise.missing),
            numbers => numbers.read(shape, files),
        };
        targets.inside("target")
    }

    /// The same with numbers in place of the files that options of its simulator name, such as times.
    ///
    /// # Errors
    /// What reading a file says, with the option.
    pub fn with_option_files(&self, registry: &Registry, files: &dyn Files) -> Result<Self> {
        let simulator = with_option_files(&self.simulator, registry, files).inside("simulator")?;
        Ok(Self {
            simulator,
            ..self.clone()
        })
    }

    /// A simulator that was built of the description, which is told the noise level where it takes one and has none.
    ///
    /// # Errors
    /// If there is no simulator of its name.
    pub fn subject<'a>(
        &'a self,
        simulator: Arc<dyn Simulator>,
        registry: &'a Registry,
    ) -> Result<Subject<'a>> {
        let Named { name, options } = &self.simulator;
        let entry = registry.simulator(name).inside("simulator")?;
        let takes = entry.accepts("noise") && !options.contains_key("noise");
        let with_noise = move |sigma: f64| {
            let mut noisy = self.clone();
            noisy.simulator = noisy.simulator.with("noise", sigma);
            noisy.simulator(registry)
        };
        Ok(Subject {
            simulator,
            with_noise: takes.then(|| Box::new(with_noise) as Box<WithNoise<'a>>),
        })
    }

    /// Poses the inversion of a simulator and of fields of data that are at hand; its `simulator` and `target` are not
    /// looked at.
    ///
    /// # Errors
    /// If a name or an option is unknown, a value is not allowed, or something does not fit the simulator.
    pub fn pose_with(
        &self,
        subject: &Subject<'_>,
        targets: &[&[f64]],
        registry: &Registry,
        files: &dyn Files,
    ) -> Result<Posed> {
        let known = Known {
            name: None,
            simulator: &*subject.simulator,
            noise: &self.noise.parameter,
        };
        let table = self.table(&[known])?;
        let simulator = in_parameters(table.as_ref(), 0, Arc::clone(&subject.simulator))?;
        let output = simulator.output();
        for y in targets {
            expect_length("the target", y.len(), output.len()).inside("target")?;
        }
        let noises = self.noises(targets, &output.shape, registry, files)?;
        let parts = targets.iter().zip(noises).map(|(y, noise)| {
            let part = Part {
                subject,
                target: y,
                noise,
                missing: self.noise.missing,
            };
            vec![part]
        });
        self.posed(simulator, table, parts.collect(), registry, files)
    }

    /// What is posed of the parts of the data of each field.
    fn posed(
        &self,
        simulator: Arc<dyn Simulator>,
        table: Option<ParameterTable>,
        parts: Vec<Vec<Part<'_, '_>>>,
        registry: &Registry,
        files: &dyn Files,
    ) -> Result<Posed> {
        let (input, output) = (simulator.input(), simulator.output());
        let points = self.points(table.as_ref(), parts.len(), &input.shape, files)?;
        let rule = self.rule.clone().unwrap_or_else(|| AUTOMATIC.into());
        let automatic = rule.name == AUTOMATIC;
        if !automatic {
            registry.rules.make(registry, &rule).inside("rule")?;
        }
        let mut stop = self.stop.clone();
        let fits_noise = input.len() >= output.len() && self.priors.is_empty();
        let known = parts.iter().flatten().all(|part| part.noise.is_known());
        if known && fits_noise && !stop.has_goal() {
            stop.discrepancy_below = Some(AT_THE_NOISE);
        }
        let derived = match &table {
            Some(table) => quantities(&self.derived, &table.parameters)?,
            None => Vec::new(),
        };
        let known = table.as_ref().map(|table| &*table.parameters);
        self.profile.validate().inside("profile")?;
        let profiled =
            Profiled::named(&self.profile.of, known, &derived, &*simulator).inside("profile")?;
        let choice = prior::choice(&self.priors)?;
        let mut fields = Vec::new();
        for (parts, x0) in parts.iter().zip(points) {
            let field = self.field(parts, table.as_ref(), x0, registry, files)?;
            stop.check(&field.problem).map_err(at_goal)?;
            if let Some(wanted) = &self.posterior {
                wanted
                    .check(&self.priors, &field.data)
                    .inside("posterior")?;
            }
            fields.push(field);
        }
        let (name, reason) = match (automatic, fields.first()) {
            (false, _) => (rule.name.as_str(), None),
            (true, first) => {
                let found = first.map_or_else(
                    || automatic::of_simulator(&*simulator),
                    |field| automatic::method(&field.problem),
                );
                (found.method, Some(found.reason))
            }
        };
        let entry = *registry.rules.find(name).inside("rule")?;
        let rule = Named {
            name: entry.name.to_owned(),
            options: rule.options,
        };
        let made = entry.build_in(registry, &rule.options).inside("rule")?;
        let searches = &registry.searches;
        let named = self.search.as_ref();
        let search = named.map(|named| searches.make(registry, named));
        let search = search.transpose().inside("search")?;
        if let Some(search) = search {
            search.check(&*made).inside("search")?;
        }
        let options = rule.options.clone();
        Ok(Posed {
            simulator,
            observations: Vec::new(),
            profiled,
            derived,
            parameters: table.map(|table| table.parameters),
            fields,
            rule,
            reason,
            stop,
            choice,
            search,
            make_rule: Box::new(move || entry.build(&options)),
        })
    }

    fn field(
        &self,
        parts: &[Part<'_, '_>],
        table: Option<&ParameterTable>,
        mut x0: Vec<f64>,
        registry: &Registry,
        files: &dyn Files,
    ) -> Result<Field> {
        let (data, parts) = part::joined(parts, table, &mut x0)?;
        let x0 = &x0[..];
        expect_length("the start", x0.len(), data.inputs())
            .and_then(|()| expect_finite("the start", x0))
            .inside("start")?;
        let problem = self.constrained(&data, registry, files)?;
        let problem = match table {
            None => problem,
            Some(table) => with_table(&problem, table, &self.constraint, x0)?,
        };
        let start = &self.start;
        let (region, mut starts) =
            Region::starts(x0, start.spread, start.count, start.seed).inside("start")?;
        let domain = table
            .filter(|table| !table.is_plain())
            .map(ParameterTable::domain);
        if let Some(bounds) = domain.as_ref().or(problem.bounds()) {
            region.draw_within(bounds, &mut starts[1..]);
        }
        Ok(Field {
            data,
            parts,
            problem,
            region,
            starts,
        })
    }

    /// A problem of data with the priors, bounds and transforms of the description.
    ///
    /// # Errors
    /// If one of them is unknown, not allowed, or does not fit.
    pub fn constrained(
        &self,
        data: &Problem,
        registry: &Registry,
        files: &dyn Files,
    ) -> Result<Problem> {
        let mut problem = data.clone();
        for prior in &self.priors {
            let joined = prior.join(&problem, registry);
            problem = joined.at("prior", &prior.prior.name, "")?;
        }
        let shape = problem.simulator().input().shape.clone();
        if let Some(bounds) = self.bounds.build(&shape, files)? {
            let side = match self.bounds.lower {
                Some(_) => "bounds.lower",
                None => "bounds.upper",
            };
            problem = problem.within(&bounds).inside(side)?;
        }
        if !self.transforms.is_empty() {
            problem = problem.transformed(&self.transforms).inside("transform")?;
        }
        Ok(problem)
    }
}

impl Posed {
    /// A fresh rule, for one run.
    ///
    /// # Errors
    /// None that [`pose`](InversionSpec::pose) has not found.
    pub fn make_rule(&self) -> Result<Box<dyn UpdateRule>> {
        (self.make_rule)()
    }

    /// A solver for one run.
    ///
    /// # Errors
    /// As [`make_rule`](Posed::make_rule).
    pub fn solver(&self) -> Result<Solver> {
        self.solver_until(self.stop.clone())
    }

    /// The same, with other stops.
    ///
    /// # Errors
    /// As [`make_rule`](Posed::make_rule).
    pub fn solver_until(&self, stop: StopSpec) -> Result<Solver> {
        Ok(Solver::new(self.make_rule()?, stop).with_search(self.search))
    }
}

/// The place of a goal that cannot be checked: the one that needs the noise level, if that is what lacks.
fn at_goal(error: Error) -> Error {
    match error {
        Error::Unsupported { .. } => error.inside("stop.discrepancy_below"),
        error => error.inside("stop"),
    }
}

impl StopSpec {
    /// Whether a goal is set, not just a limit.
    pub fn has_goal(&self) -> bool {
        self.asks_for_more()
            || self.short_step.is_some()
            || self.plateau.is_some()
            || self.loss_change.is_some_and(|share| share > 0.0)
    }
}

impl Error {
    /// The same error, with the place where it arose in front.
    #[must_use]
    pub(super) fn within(self, place: &str) -> Self {
        match self {
            Self::Option { .. } => Self::Config {
                what: place.to_owned(),
                message: self.to_string(),
            },
            other => other,
        }
    }
}
