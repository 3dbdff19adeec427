//! How an inversion would be solved: priors and their regularisation parameters, rule, search, stops, and what follows the fit.

use retrodict::spec::WeightSpec;
use retrodict::updates::Search;
use retrodict::{LOSS_CHANGE, StopWhen};
use serde::Serialize;

use crate::failure::Outcome;
use crate::inversion::Plan;
use crate::inversion::answer::statistics::{LEVEL, too_large};
use crate::registry;
use crate::terminal::text::duration;

/// A prior on x.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PriorFacts {
    /// Its name.
    pub name: String,
    /// The options that were given.
    pub options: toml::Table,
    /// Its weight, the regularisation parameter, where it is given.
    pub weight: Option<f64>,
    /// The rule that chooses the weight from the data, before the fit, where it is not.
    pub chosen_by: Option<&'static str>,
}

/// The update rule, and how far it goes along Δx.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MethodFacts {
    /// The rule's name.
    pub name: String,
    /// What it does, in a sentence.
    pub sentence: String,
    /// The options that were given.
    pub options: toml::Table,
    /// Why it was chosen; nothing where it was given.
    pub reason: Option<&'static str>,
    /// How far along Δx.
    pub search: String,
    /// Whether the search was given, in place of the rule's own.
    pub search_given: bool,
    /// Whether the rule has a model of L, by a trust region.
    #[serde(skip)]
    pub models_the_loss: bool,
}

/// When a run ends.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StopFacts {
    /// The criteria in words: limits first, then goals.
    pub words: Vec<String>,
    /// The same as a description has them.
    pub criteria: StopWhen,
}

/// What is computed once the fit has ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AfterFacts {
    /// Whether confidence intervals and correlations are computed.
    pub statistics: bool,
    /// Whether they were not asked for.
    #[serde(skip)]
    pub statistics_given_up: bool,
    /// Why not, where they were asked for, and no posterior in their place.
    pub no_statistics: Option<String>,
    /// The level of the intervals.
    pub level: f64,
    /// Of what profile likelihoods are taken.
    pub profiles: Vec<String>,
    /// The level of their intervals.
    pub profile_level: f64,
    /// The number of eigenvectors of the posterior and of samples from it, where one was asked for.
    pub posterior: Option<(usize, usize)>,
}

/// The priors of a plan, but for those of single parameters, which stand beside them.
pub fn priors(plan: &Plan) -> Vec<PriorFacts> {
    let one = |spec: &retrodict::spec::PriorSpec| PriorFacts {
        name: spec.prior.name.clone(),
        options: spec.prior.options.clone(),
        weight: match spec.weight {
            WeightSpec::Given(weight) => Some(weight),
            _ => None,
        },
        chosen_by: match spec.weight {
            WeightSpec::By(choice) => Some(choice.name()),
            _ => None,
        },
    };
    plan.inversion.priors.iter().map(one).collect()
}

impl MethodFacts {
    /// That of a plan.
    pub fn of(plan: &Plan) -> Outcome<Self> {
        let entry = registry().rules.find(&plan.rule)?;
        let rule = plan.make_rule()?;
        let bounded = plan
            .fields
            .first()
            .is_some_and(|field| field.problem.bounds().is_some());
        let own = match bounded {
            true => rule.search_within(),
            false => rule.search(),
        };
        let given = plan.inversion.search.as_ref();
        let search = match given {
            Some(named) => named.name.clone(),
            None if rule.judges() => "a trust region of the rule itself".to_owned(),
            None => match own {
                Search::Full => "the whole step".to_owned(),
                other => other.to_string(),
            },
        };
        Ok(Self {
            name: plan.rule.clone(),
            sentence: entry.sentence.to_owned(),
            options: plan.rule_options().clone(),
            reason: plan.reason,
            search,
            search_given: given.is_some(),
            models_the_loss: rule.judges(),
        })
    }
}

impl StopFacts {
    /// Those of a plan; `models_the_loss`: of a rule that says what a step could still gain.
    pub fn of(plan: &Plan, models_the_loss: bool) -> Self {
        let stop = &plan.stop;
        let mut words = vec![format!("after at most {} steps", stop.steps)];
        words.extend(
            stop.time
                .map(|time| format!("after {} for each field", duration(time.as_secs_f64()))),
        );
        words.extend(stop.loss_below.map(|goal| format!("once L ≤ {goal:?}")));
        words.extend(stop.discrepancy_below.map(|goal| {
            let why = match plan.inversion.stop.discrepancy_below {
                Some(_) => "",
                None => {
                    ", which was set because x has as many values as the noisy data, or more, and no prior: a closer fit would fit \
                     the noise"
                }
            };
            format!("once χ²/N ≤ {goal:?}{why}")
        }));
        let goals = [
            (stop.residual_below, "once no |P(x) − y*| exceeds", ""),
            (stop.gradient_below, "once ‖∂L/∂x‖ ≤", ""),
            (stop.short_step, "once ‖Δx‖ ≤", " ‖x‖"),
        ];
        let goals = goals
            .into_iter()
            .filter_map(|(goal, before, after)| Some(format!("{before} {:?}{after}", goal?)));
        words.extend(goals);
        words.extend(stop.plateau.map(|share| {
            let steps = stop.plateau_steps;
            format!("once L falls by no more than {share:?} of itself over {steps} steps")
        }));
        // Of the rules, one has a model of L that says what a step could still gain.
        let change = match stop.loss_change {
            Some(share) => share,
            None if stop.has_goal() => 0.0,
            None => LOSS_CHANGE,
        };
        if models_the_loss && change > 0.0 {
            words.push(format!(
                "once a step changes L by no more than {change:e} of it, and none promises more"
            ));
        }
        words.push(format!(
            "stationary once ‖Δx‖ ≤ {:e} ‖x‖, diverged once L exceeds {:e} times the first one",
            stop.step_below, stop.diverged_above
        ));
        Self {
            words,
            criteria: stop.clone(),
        }
    }
}

impl AfterFacts {
    /// What a plan asks for.
    pub fn of(plan: &Plan) -> Self {
        let wanted = plan.inversion.statistics;
        let field = plan.fields.first();
        let why = field.and_then(|field| too_large(&field.problem));
        let posterior = plan.inversion.posterior.as_ref();
        Self {
            statistics: wanted && why.is_none(),
            statistics_given_up: !wanted,
            no_statistics: why.filter(|_| wanted && posterior.is_none()),
            level: LEVEL,
            profiles: plan
                .profiled()
                .map(|(profiled, _)| profiled.name.clone())
                .collect(),
            profile_level: plan.inversion.profile.level,
            posterior: posterior.map(|posterior| (posterior.rank, posterior.samples)),
        }
    }
}
