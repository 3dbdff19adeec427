//! How many evaluations fits take with nothing asked for: exact counts, so that none is lost unseen.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use crate::nist_sets::{simulator, table, wide_bounds};
use retrodict::losses::SquaredError;
use retrodict::updates::LevenbergMarquardt;
use retrodict::{Problem, Solver, StopWhen};

/// Evaluations from both starts, free and within wide bounds. A count that falls is to be written down; one that rises needs a
/// reason.
#[test]
fn levenberg_marquardt_takes_no_more_evaluations_than_it_did() {
    let expected = [
        ("misra1a", [[10, 4], [10, 4]]),
        ("boxbod", [[16, 8], [17, 8]]),
        ("chwirut1", [[10, 6], [10, 6]]),
        ("eckerle4", [[21, 7], [19, 7]]),
        ("gauss1", [[5, 6], [5, 6]]),
        ("hahn1", [[16, 12], [16, 12]]),
        ("kirby2", [[8, 6], [8, 6]]),
        ("mgh09", [[89, 14], [89, 14]]),
        ("rat43", [[14, 8], [14, 8]]),
        ("roszman1", [[5, 4], [5, 4]]),
        ("thurber", [[19, 10], [19, 10]]),
    ];
    let counted = expected.map(|(set, _)| {
        let table = table(set);
        let loss = Arc::new(SquaredError::default());
        let free = Problem::new(simulator(set, &table), loss, table.y.clone()).unwrap();
        let bounded = free.within(&wide_bounds(&table)).unwrap();
        let evaluations = |problem: &Problem, start: &[f64]| {
            let solver = Solver::new(LevenbergMarquardt::default(), StopWhen::default());
            solver.solve(problem, start).unwrap().counts.forward
        };
        let of_both = |problem| {
            let starts = table.starts.each_ref();
            starts.map(|start| evaluations(problem, start))
        };
        (set, [of_both(&free), of_both(&bounded)])
    });
    assert_eq!(counted, expected);
}
