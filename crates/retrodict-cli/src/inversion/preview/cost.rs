//! What a step of an inversion costs: P is run at the start, and the rule is asked for its first update.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use retrodict::interrupt::Interruption;
use retrodict::{Checkpoint, Counts, Error, Evaluation, Tally};
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::inversion::plan::Field;
use crate::inversion::{Chosen, Plan};
use crate::terminal::interrupt;

/// Where an evaluation takes longer, no more is computed than one.
const SLOW: Duration = Duration::from_secs(5);
/// The first update and the products get this much time together.
const LIMIT: Duration = Duration::from_secs(10);
/// An update that needs no evaluation of a slow P, such as one that is refused, is there at once.
const AT_ONCE: Duration = Duration::from_millis(200);

/// What was counted and measured at the start of the first field; no more than an estimate of later steps.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostFacts {
    /// The number of unknowns.
    pub unknowns: usize,
    /// The number of data that were observed, of one field.
    pub data: usize,
    /// How J is found.
    pub jacobian: String,
    /// L at the start.
    pub start_loss: f64,
    /// Seconds of one evaluation of P, with what is kept for derivatives.
    pub forward_seconds: f64,
    /// Seconds of one product with J, where it is exact.
    pub jvp_seconds: Option<f64>,
    /// Seconds of one product with Jᵀ, where it is exact.
    pub vjp_seconds: Option<f64>,
    /// Evaluations for the first update; nothing where that was not computed.
    pub update: Option<Counts>,
    /// Seconds of the first update, with the rule's own linear algebra.
    pub update_seconds: Option<f64>,
    /// Seconds of the first update and one evaluation of P to judge it.
    pub step_seconds: Option<f64>,
    /// Why there is no update, where there is none.
    pub no_update: Option<String>,
}

impl CostFacts {
    /// Measures those of the first field.
    pub fn measure(plan: &Plan) -> Outcome<Self> {
        let Some(field) = plan.fields.first() else {
            return Err(Failure::Misuse("there are no data".to_owned()));
        };
        if let Some(choice) = plan.choice {
            Chosen::check(choice, &field.problem, &field.starts[0])?;
        }
        let problem = &field.problem;
        let (x, start_loss, forward) = begun(plan, field)?;
        let approximation = problem.description().approximation.as_ref();
        let mut facts = Self {
            unknowns: problem.inputs(),
            data: problem.data_outputs(),
            jacobian: approximation.map_or_else(
                || "exact products with J and Jᵀ".to_owned(),
                |approximation| approximation.note.clone(),
            ),
            start_loss,
            forward_seconds: forward.as_secs_f64(),
            jvp_seconds: None,
            vjp_seconds: None,
            update: None,
            update_seconds: None,
            step_seconds: None,
            no_update: None,
        };
        let exact = approximation.is_none();
        let slow = forward > SLOW;
        let limit = if slow { AT_ONCE } else { LIMIT };
        let measured = interrupt::until(Some(limit), || {
            facts.first_update(plan, field, &x, slow, exact)
        });
        match measured {
            Err(Error::Interrupted {
                why: Interruption::TimeLimit,
            }) => {
                facts.no_update = Some(match slow {
                    true => format!(
                        "the first update was not computed: one evaluation takes longer than {} s",
                        SLOW.as_secs()
                    ),
                    false => format!("the first update takes longer than {} s", LIMIT.as_secs()),
                });
            }
            measured => measured?,
        }
        Ok(facts)
    }

    /// Times products, and the first update of the rule.
    fn first_update(
        &mut self,
        plan: &Plan,
        field: &Field,
        x: &[f64],
        slow: bool,
        exact: bool,
    ) -> retrodict::Result<()> {
        let problem = &field.problem;
        let tally = Tally::default();
        let at = Evaluation::new(problem, &tally, &problem.unknowns(x)?)?;
        if !slow {
            // Once more: the first time, memory was fetched and programs were started.
            let again = timed(|| at.loss().map(drop))?;
            self.forward_seconds = self.forward_seconds.min(again);
            if exact {
                let (mut dx, mut dy) = (vec![1.0; problem.inputs()], vec![0.0; problem.outputs()]);
                self.jvp_seconds = Some(timed(|| at.jvp(&dx, &mut dy))?);
                dy.fill(1.0);
                self.vjp_seconds = Some(timed(|| at.vjp(&dy, &mut dx))?);
            }
        }
        let before = at.counts();
        let mut rule = plan.make_rule()?;
        let mut dx = vec![0.0; problem.inputs()];
        let seconds = timed(|| rule.update(&at, &mut dx).map(drop))?;
        let after = at.counts();
        let own = Counts::default()
            .with_forward(after.forward - before.forward)
            .with_jvp(after.jvp - before.jvp)
            .with_vjp(after.vjp - before.vjp)
            .with_inverse(after.inverse - before.inverse)
            .with_second_order(after.second_order - before.second_order);
        self.update = Some(own);
        self.update_seconds = Some(seconds);
        self.step_seconds = Some(seconds + self.forward_seconds);
        Ok(())
    }
}

fn timed(work: impl FnOnce() -> retrodict::Result<()>) -> retrodict::Result<f64> {
    let clock = Instant::now();
    work()?;
    Ok(clock.elapsed().as_secs_f64())
}

/// The start at which a run would begin, L there, and how long that takes: a run that ends before its first step, with all its
/// checks. A start that cannot be simulated is left out, unless there is no other, as in a run.
fn begun(plan: &Plan, field: &Field) -> Outcome<(Vec<f64>, f64, Duration)> {
    let mut first: Option<Error> = None;
    for start in &field.starts {
        let stop = plan.stop.clone().with_time(None);
        let solver = plan.solver_until(stop)?;
        let (mut x, mut loss, mut time) = (start.clone(), f64::NAN, Duration::ZERO);
        let clock = Instant::now();
        let run = solver.resume(&field.problem, &Checkpoint::at(start.clone()), |progress| {
            time = clock.elapsed();
            loss = progress.record.loss;
            x = progress.x.to_vec();
            ControlFlow::Break(())
        });
        match run {
            Ok(_) if interrupt::raised() => return Err(Failure::interrupted()),
            Ok(_) => return Ok((x, loss, time)),
            Err(error) => drop(first.get_or_insert(error)),
        }
    }
    match first {
        Some(error) => Err(error.into()),
        None => Err(Failure::Misuse("there is no start".to_owned())),
    }
}
