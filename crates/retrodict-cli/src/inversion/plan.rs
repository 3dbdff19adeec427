use std::sync::Arc;
use std::time::{Duration, Instant};

use retrodict::automatic::{self, AUTOMATIC};
use retrodict::error::{expect_finite, expect_length};
use retrodict::interrupt::Interrupt;
use retrodict::inverse::Inverter;
use retrodict::registry::{self, RULES};
use retrodict::starts::Region;
use retrodict::weight::Choice;
use retrodict::{Problem, Simulator, StopWhen, UpdateRule};
use toml::Table;

use super::{Chosen, Inversion, dressed, known};
use crate::data::{self, Array, fit_shape, split, take_times};
use crate::failure::{Failure, Outcome};
use crate::local_inverse;

/// An inversion, validated: everything that can be wrong is found before anything is run.
pub struct Plan {
    /// As it was asked for.
    pub inversion: Inversion,
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
    pub remark: Option<String>,
    rule_options: Table,
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

/// χ²/N (N data) at which a run ends that could fit the noise too; a tenth above 1, since rules that aim at
/// just that level end a hair beside it.
const AT_THE_NOISE: f64 = 1.1;

impl Plan {
    /// Reads the data, builds everything and checks that it fits.
    pub fn new(inversion: Inversion) -> Outcome<Self> {
        let mut target = match inversion.noise.missing {
            true => data::read_with_gaps(&inversion.target)?,
            false => data::read(&inversion.target)?,
        };
        let (name, mut options) = named(&inversion.simulator, "simulator")?;
        let name = name.ok_or_else(|| {
            Failure::Misuse(
                "the simulator has no name; write simulator = { name = \"…\" } with a name from \
                 `retrodict list`"
                    .to_owned(),
            )
        })?;
        let what = &inversion.target;
        let remark = take_times(&name, &mut options, &mut target, what)?;
        fit_shape(&name, &mut options, &target, what)?;
        let inverse = inversion
            .inverse
            .as_ref()
            .map(local_inverse::choose)
            .transpose()?;
        let simulator = build(&name, &options, inverse.as_ref())?;
        let (n, m) = (simulator.input().len(), simulator.output().len());
        let targets = split(&target, &simulator.output().shape, what)?;
        let levels = inversion
            .noise
            .levels(&targets, &simulator.output().shape)?;
        let points = inversion
            .start
            .points(targets.len(), &simulator.input().shape)?;

        let rule = inversion.rule.clone().unwrap_or_default();
        let (rule, rule_options) = named(&rule, "rule")?;
        let named_rule = rule.filter(|name| name != AUTOMATIC);
        if let Some(name) = &named_rule {
            RULES.build(name, &rule_options)?;
        }
        let mut stop = inversion.stop.when()?;
        let fits_noise = n >= m && inversion.priors.is_empty();
        if levels.iter().all(|level| level.known) && fits_noise && !inversion.stop.has_goal() {
            stop.discrepancy_below = Some(AT_THE_NOISE);
        }

        let choice = known::rule(&inversion.priors)?;
        let told = registry::simulator(&name)?.accepts("noise") && !options.contains_key("noise");
        let mut fields = Vec::new();
        for ((y, x0), level) in targets.iter().zip(&points).zip(levels) {
            let mut own = Arc::clone(&simulator);
            if let Some(sigma) = level.sigma.filter(|_| told) {
                let mut options = options.clone();
                options.insert("noise".into(), sigma.into());
                own = build(&name, &options, inverse.as_ref())?;
            }
            let data = match inversion.noise.missing {
                true => Problem::with_missing(own, level.loss, y.to_vec())?,
                false => Problem::new(own, level.loss, y.to_vec())?,
            };
            let field = Field::new(data, x0, &inversion)?;
            stop.check(&field.problem)?;
            if let Some(wanted) = &inversion.posterior {
                wanted.check(&inversion.priors, &field)?;
            }
            fields.push(field);
        }
        let (rule, reason) = match (&named_rule, fields.first()) {
            (Some(name), _) => (name.as_str(), None),
            (None, first) => {
                let found = first.map_or_else(
                    || automatic::of_simulator(&*simulator),
                    |field| automatic::method(&field.problem),
                );
                (found.method, Some(found.reason))
            }
        };
        let rule = RULES.find(rule)?.name.to_owned();
        RULES.build(&rule, &rule_options)?;
        Ok(Self {
            inversion,
            target,
            simulator,
            name,
            options,
            rule,
            reason,
            stop,
            fields,
            choice,
            remark,
            rule_options,
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
        format!(
            "{} {} {}",
            self.rule,
            self.rule_options,
            inverse.unwrap_or_default()
        )
    }

    /// Which rule was chosen, and why, where the user did not choose.
    pub fn choice_words(&self) -> Option<String> {
        let reason = self.reason?;
        Some(format!("{} was chosen because {reason}", self.rule))
    }

    /// A fresh rule, for one run.
    pub fn rule(&self) -> retrodict::Result<Box<dyn UpdateRule>> {
        RULES.build(&self.rule, &self.rule_options)
    }
}

impl Field {
    fn new(data: Problem, x0: &[f64], inversion: &Inversion) -> Outcome<Self> {
        expect_length("the start", x0.len(), data.inputs())?;
        expect_finite("the start", x0)?;
        let problem = dressed(&data, inversion)?;
        let start = &inversion.start;
        let (region, mut starts) = Region::starts(x0, start.spread, start.count, start.seed)?;
        if let Some(bounds) = problem.bounds() {
            region.draw_within(bounds, &mut starts[1..]);
        }
        Ok(Self {
            data,
            problem,
            region,
            starts,
            chosen: None,
            spent: Duration::ZERO,
        })
    }
}

/// P of a name, its options, and the local inverse that was chosen. Simulators that are not ours are
/// found here too.
fn build(
    name: &str,
    options: &Table,
    inverse: Option<&Arc<dyn Inverter>>,
) -> Outcome<Arc<dyn Simulator>> {
    let simulator = (registry::simulator(name)?.build)(options)?;
    Ok(local_inverse::join(simulator, inverse))
}

/// The name in a table, if it has one, and the table without it.
fn named(table: &Table, what: &str) -> Outcome<(Option<String>, Table)> {
    let mut options = table.clone();
    match options.remove("name") {
        None => Ok((None, options)),
        Some(toml::Value::String(name)) => Ok((Some(name), options)),
        Some(other) => Err(Failure::Misuse(format!(
            "{what}.name = {other}: it must be a name from `retrodict list`"
        ))),
    }
}
