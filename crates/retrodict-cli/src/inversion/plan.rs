//! An inversion, validated: everything that can be wrong is found before anything is run.

pub mod data_set;
pub mod weight;

use std::sync::Arc;
use std::time::{Duration, Instant};

use retrodict::compose::Parameters;
use retrodict::interrupt::Interrupt;
use retrodict::solver::starts::Region;
use retrodict::spec::{InversionSpec, Named, Observed, Origin, Posed, Profiled, Values};
use retrodict::uncertainty::derived::Quantity;
use retrodict::uncertainty::profile::Along;
use retrodict::uncertainty::weight::Choice;
use retrodict::{Problem, Simulator, Solver, StopWhen, UpdateRule};
use toml::Table;

use crate::data::{Array, UserFiles};
use crate::failure::Outcome;
use crate::inversion::Chosen;
use crate::registry;
use data_set::DataSet;

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
    /// The data sets, where there are several.
    sets: Vec<DataSet>,
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
        let sets = match inversion.data_sets().map_err(locate)? {
            none if none.is_empty() => vec![DataSet::read("", &inversion, origin)?],
            several => several
                .iter()
                .map(|(name, alone)| DataSet::read(name, alone, origin))
                .collect::<Outcome<_>>()?,
        };
        let mut posed = posed(&inversion, &sets).map_err(locate)?;
        let fields = std::mem::take(&mut posed.fields)
            .into_iter()
            .map(Field::from)
            .collect();
        let remarks = sets.iter().flat_map(|set| {
            let of = match set.name.as_str() {
                "" => String::new(),
                name => format!("{name}: "),
            };
            set.remarks
                .iter()
                .map(move |remark| format!("{of}{remark}"))
        });
        let remarks = remarks.collect();
        let (target, name, options) = match &sets[..] {
            [only] => {
                let Named { name, options } = &only.inversion.simulator;
                (only.target.clone(), name.clone(), options.clone())
            }
            several => whole(several),
        };
        Ok(Self {
            target,
            simulator: Arc::clone(&posed.simulator),
            name,
            options,
            rule: posed.rule.name.clone(),
            reason: posed.reason,
            stop: posed.stop.clone(),
            fields,
            choice: posed.choice,
            remarks,
            sets: if inversion.observations.is_empty() {
                Vec::new()
            } else {
                sets
            },
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
        target_name(&self.inversion)
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

    /// The data sets, where there are several: as they were read, and as they were posed.
    pub fn data_sets(&self) -> impl Iterator<Item = (&DataSet, &Observed)> {
        self.sets.iter().zip(&self.posed.observations)
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

/// The file of the data, that of the first data set where there are several, or what stands for it where the description holds
/// the numbers itself.
pub fn target_name(inversion: &InversionSpec) -> &str {
    let first = inversion.observations.first();
    match first.map_or(&inversion.target, |first| &first.target) {
        Values::File(name) => name,
        _ => TARGET,
    }
}

/// The inversion of data sets that were read.
fn posed(inversion: &InversionSpec, sets: &[DataSet]) -> retrodict::Result<Posed> {
    if inversion.observations.is_empty() {
        let only = &sets[0];
        let fitted = &only.inversion;
        let subject = fitted.subject(Arc::clone(&only.simulator), registry())?;
        let fields: Vec<&[f64]> = only.fields.iter().map(Vec::as_slice).collect();
        return fitted.pose_with(&subject, &fields, registry(), &UserFiles);
    }
    let mut at_hand = Vec::new();
    for set in sets {
        let subject = set
            .inversion
            .subject(Arc::clone(&set.simulator), registry());
        let subject = subject.map_err(|error| error.needed_by("observation", &set.name))?;
        let target = set.fields.concat();
        at_hand.push(retrodict::spec::DataSet::new(
            &set.name,
            &set.inversion,
            subject,
            target,
        ));
    }
    inversion.pose_sets(&at_hand, registry(), &UserFiles)
}

/// All data one after the other, the name of what made them, and its options, of which there are none.
fn whole(sets: &[DataSet]) -> (Array, String, Table) {
    let data: Vec<f64> = sets.iter().flat_map(|set| set.fields.concat()).collect();
    let mut names: Vec<&str> = sets
        .iter()
        .map(|set| set.inversion.simulator.name.as_str())
        .collect();
    names.dedup();
    let target = Array::new(vec![data.len()], data);
    (target, names.join(" and "), Table::new())
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
