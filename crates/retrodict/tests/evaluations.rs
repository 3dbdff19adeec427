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
        ("misra1a", [[23, 4], [23, 4]]),
        ("boxbod", [[33, 11], [23, 11]]),
        ("chwirut1", [[11, 6], [11, 6]]),
        ("eckerle4", [[18, 7], [19, 7]]),
        ("gauss1", [[5, 6], [5, 6]]),
        ("hahn1", [[13, 12], [13, 12]]),
        ("kirby2", [[8, 6], [8, 6]]),
        ("mgh09", [[343, 23], [158, 23]]),
        ("rat43", [[26, 9], [18, 9]]),
        ("roszman1", [[5, 4], [5, 4]]),
        ("thurber", [[37, 24], [32, 24]]),
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
