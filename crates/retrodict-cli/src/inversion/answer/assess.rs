//! How sure the answers are: statistics and posteriors, after the runs.

use std::time::Duration;

use crate::inversion::answer::profiles::profiled;
use crate::inversion::answer::statistics::too_large;
use crate::inversion::{Answer, Plan, Statistics, posterior};
use crate::results::own_units::own_units;
use crate::terminal::interrupt;

/// Adds to each answer what the data say of it and what they leave open, as far as the inversion asks for that.
/// Whatever goes wrong is a remark: the fit stays.
pub fn assess(plan: &Plan, answers: &mut [Answer]) {
    for answer in answers {
        let wanted = plan.inversion.statistics
            || plan.inversion.posterior.is_some()
            || !plan.inversion.profile.is_empty();
        if wanted && interrupt::raised() {
            answer
                .remarks
                .push("no statistics: the run was interrupted".to_owned());
            continue;
        }
        interrupt::until(left(plan, answer), || one(plan, answer));
    }
}

/// What is left of the time of a field, and always a moment.
fn left(plan: &Plan, answer: &Answer) -> Option<Duration> {
    let spent = Duration::try_from_secs_f64(answer.seconds).unwrap_or_default();
    let left = plan.stop.time?.saturating_sub(spent);
    Some(left.max(Duration::from_secs(1)))
}

fn one(plan: &Plan, answer: &mut Answer) {
    if plan.inversion.statistics {
        statistics(plan, answer);
    }
    if !plan.inversion.profile.is_empty() {
        match profiled(plan, &plan.fields[answer.field], &answer.best) {
            Ok(found) => answer.profiles = found,
            Err(why) => answer
                .remarks
                .push(format!("no profile likelihoods: {why}")),
        }
    }
    if let Some(wanted) = &plan.inversion.posterior {
        let field = &plan.fields[answer.field];
        match posterior(wanted, &plan.inversion.priors, field, &answer.best) {
            Ok((found, arrays)) => {
                answer.posterior = Some(found);
                answer.arrays.extend(arrays);
            }
            Err(_) if interrupt::raised() => answer.remarks.push(
                "no posterior: it was interrupted; `retrodict resume` on the folder of --out computes it"
                    .to_owned(),
            ),
            Err(why) => answer.remarks.push(format!("no posterior: {why}")),
        }
    }
}

fn statistics(plan: &Plan, answer: &mut Answer) {
    let field = &plan.fields[answer.field];
    if let Some(why) = too_large(&field.problem) {
        // Who asks for the posterior need not be told of it.
        if plan.inversion.posterior.is_none() {
            answer.remarks.push(why);
        }
        return;
    }
    match Statistics::of(plan, field, &answer.best) {
        Ok((mut statistics, arrays)) => {
            let reached = plan.stop.discrepancy_below.zip(answer.chi_squared);
            if reached.is_some_and(|(goal, found)| found <= goal) {
                statistics.ended_at_the_noise();
            } else if !answer.converged {
                statistics.words.push(format!(
                    "the run ended with {}: the confidence intervals are those at the x with the lowest loss",
                    answer.status
                ));
            }
            statistics.in_own_units(&own_units(&*plan.simulator));

            answer.statistics = Some(statistics);
            answer.arrays.extend(arrays);
        }
        Err(why) => answer.remarks.push(format!("no statistics: {why}")),
    }
}
