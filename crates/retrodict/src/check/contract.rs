//! What bad input gets, and whether the number of threads shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::{Check, Directions, forward, jvp, vjp};
use crate::core::simulator::Simulator;
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::losses::SquaredError;
use crate::problem::{Evaluation, Problem, Tally};

/// Wrong lengths and values that are not finite are errors, and NaN never turns into a number.
pub fn contract(simulator: &Arc<dyn Simulator>, x: &[f64]) -> Check {
    let expected = "0 violations".to_owned();
    let (measured, detail) = match violations(simulator, x) {
        Ok(found) if found.is_empty() => (Ok(0.0), "wrong lengths, NaN, infinity".to_owned()),
        Ok(found) => (Ok(found.len() as f64), found.join("; ")),
        Err(error) => (Err(error), String::new()),
    };
    Check::judged("contract", expected, &detail, measured, |count| {
        count == 0.0
    })
}

fn violations(simulator: &Arc<dyn Simulator>, x: &[f64]) -> Result<Vec<&'static str>> {
    let y = forward(&**simulator, x)?;
    let problem_with = |target: Vec<f64>| {
        Problem::new(simulator.clone(), Arc::new(SquaredError::default()), target)
    };
    let problem = problem_with(y.clone())?;
    let tally = Tally::default();
    let mut found = Vec::new();
    let mut expect = |holds: bool, violation| {
        if !holds {
            found.push(violation);
        }
    };

    let long = |v: &[f64]| [v, &[0.0]].concat();
    let target_error = problem_with(long(&y)).err();
    expect(is_length(&target_error), "a target too long is accepted");
    let start_error = Evaluation::new(&problem, &tally, &long(x)).err();
    expect(is_length(&start_error), "an x too long is accepted");
    for bad in [f64::NAN, f64::INFINITY] {
        let target_error = problem_with(vec![bad; y.len()]).err();
        let start_error = Evaluation::new(&problem, &tally, &vec![bad; x.len()]).err();
        expect(
            is_not_finite(&target_error),
            "a target that is not finite is accepted",
        );
        expect(
            is_not_finite(&start_error),
            "an x that is not finite is accepted",
        );
    }
    let lost = forward(&**simulator, &vec![f64::NAN; x.len()]);
    let hidden = lost.is_ok_and(|y| y.iter().all(|y| y.is_finite()));
    expect(!hidden, "forward turns NaN into numbers");
    expect(
        simulator.input().len() == x.len() && !simulator.input().is_empty(),
        "the input space does not fit x",
    );
    expect(
        !simulator.input().unit.is_empty() && !simulator.output().unit.is_empty(),
        "a unit is empty; write 1 where there is none",
    );
    Ok(found)
}

fn is_length(error: &Option<Error>) -> bool {
    matches!(error, Some(Error::Length { .. }))
}

fn is_not_finite(error: &Option<Error>) -> bool {
    matches!(error, Some(Error::NotFinite { .. }))
}

/// Every result has the same bits on one thread and on several.
pub fn threads(simulator: &dyn Simulator, x: &[f64], seed: u64) -> Check {
    let measure = || -> Result<f64> {
        let alone = on_threads(1, || results(simulator, x, seed))?;
        let together = on_threads(3, || results(simulator, x, seed))?;
        let pairs = alone.iter().zip(&together);
        Ok(pairs.filter(|(a, b)| a.to_bits() != b.to_bits()).count() as f64)
    };
    let expected = "0 values differ".to_owned();
    let detail = "values that differ between 1 and 3 threads";
    Check::judged("threads", expected, detail, measure(), |count| count == 0.0)
}

fn on_threads<T: Send>(count: usize, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build();
    let pool = pool.map_err(|error| Error::simulation("the thread pool", error.to_string()))?;
    let flag = Arc::new(AtomicBool::new(false));
    let asked = Interrupt::current();
    let inside = asked.with_flag(Arc::clone(&flag));
    let (sender, receiver) = mpsc::channel();
    // This thread may be the only one that hears of an interruption, so that it asks while the pool works.
    pool.in_place_scope(|scope| {
        scope.spawn(|_| {
            // The receiver outlives the scope.
            let _ = sender.send(inside.within(work));
        });
        loop {
            match receiver.recv_timeout(EVERY) {
                Ok(done) => return done,
                Err(RecvTimeoutError::Timeout) => {
                    if asked.reason().is_some() {
                        flag.store(true, Ordering::Relaxed);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::simulation("the thread pool", "its work panicked"));
                }
            }
        }
    })
}

/// How often an interruption is asked for while other threads work.
const EVERY: Duration = Duration::from_millis(20);

/// Everything that the simulator computes at x, end to end.
fn results(simulator: &dyn Simulator, x: &[f64], seed: u64) -> Result<Vec<f64>> {
    let mut source = Directions::new(seed);
    let v = source.normal(x.len());
    let w = source.normal(simulator.output().len());
    let y = forward(simulator, x)?;
    let mut all = y.clone();
    all.extend(jvp(simulator, x, &v)?);
    all.extend(vjp(simulator, x, &w)?);
    let mut out = vec![0.0; x.len()];
    if let Some(inverse) = simulator.local_inverse() {
        inverse.invert_near(&y, x, &mut out)?;
        all.extend_from_slice(&out);
    }
    if let Some(second) = simulator.second_order() {
        second.vjp_derivative(x, &w, &v, &mut out)?;
        all.extend_from_slice(&out);
    }
    Ok(all)
}
