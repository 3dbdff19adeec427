//! Any direction with any search: what a user puts in place of a rule's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use retrodict::losses::SquaredError;
use retrodict::prelude::*;
use retrodict::registry::Registry;
use retrodict::simulators::SquareOptions;
use retrodict::spec::{InversionSpec, NoFiles};
use retrodict::updates::{GaussNewton, GradientDescent, LevenbergMarquardt, Search};

fn square() -> Problem {
    let square = SquareOptions::default().build().unwrap();
    Problem::new(square, SquaredError::half(), [1.0, 4.0]).unwrap()
}

/// Losses from step to step, from where the whole Gauss–Newton step is 1e3 times too long.
fn losses(search: Option<Search>) -> Vec<f64> {
    let mut losses = Vec::new();
    let solver = Solver::new(GaussNewton::default(), StopWhen::after(15)).with_search(search);
    let watch = |record: &retrodict::Record, _: &[f64]| {
        losses.push(record.loss);
        std::ops::ControlFlow::Continue(())
    };
    solver
        .solve_observed(&square(), &[0.0, 1e-3], watch)
        .unwrap();
    losses
}

#[test]
fn a_search_of_the_users_own_takes_the_place_of_the_rules() {
    let whole = losses(None);
    assert!(
        whole[1] > 1e6 * whole[0],
        "the whole step leads far away: {whole:?}"
    );
    assert_eq!(whole, losses(Some(Search::Full)));
    let falling = losses(Some(Search::Backtracking { decrease: 1e-4 }));
    assert!(
        falling.windows(2).all(|pair| pair[1] <= pair[0]),
        "{falling:?}"
    );
    let wolfe = Search::StrongWolfe {
        decrease: 1e-4,
        curvature: 0.5,
    };
    let solver = Solver::new(GradientDescent::new(1.0).unwrap(), StopWhen::after(60));
    let found = solver
        .with_search(wolfe)
        .solve(&square(), &[0.0, 1.0])
        .unwrap();
    assert!(found.loss < 1e-10, "{}", found.loss);
}

#[test]
fn a_search_that_does_not_suit_is_refused() {
    let refused = |solver: Solver| {
        let error = solver.solve(&square(), &[0.0, 1.0]).unwrap_err();
        assert!(error.is_misuse());
        error.to_string()
    };
    let trust = Solver::new(LevenbergMarquardt::default(), StopWhen::after(9));
    let message = refused(trust.with_search(Search::Full));
    assert!(
        message.starts_with("search = full is not allowed"),
        "{message}"
    );
    assert!(
        message.contains("leave the search out, or choose another rule"),
        "{message}"
    );
    let wrong = Search::Backtracking { decrease: 2.0 };
    let message =
        refused(Solver::new(GaussNewton::default(), StopWhen::after(9)).with_search(wrong));
    assert!(
        message.starts_with("decrease = 2 is not allowed"),
        "{message}"
    );
}

#[test]
fn a_description_names_it() {
    let solve = |search: &str| {
        let text = format!(
            "simulator = 'square'\ntarget = [1.0, 4.0]\nrule = 'gauss-newton'\n\
             start = {{ values = [0.0, 1e-3] }}\nstop = {{ steps = 15 }}\n{search}"
        );
        let spec = InversionSpec::from_toml("test", &text)?;
        let posed = spec.pose(Registry::standard(), &NoFiles)?;
        posed
            .solver()?
            .solve(&posed.fields[0].problem, &posed.fields[0].starts[0])
    };
    let direct = losses(Some(Search::Backtracking { decrease: 1e-4 }));
    let found = solve("search = 'armijo'").unwrap();
    assert_eq!(Some(found.loss), direct.into_iter().reduce(f64::min));
    let short = solve("search = { name = 'backtracking', decrease = 0.9 }").unwrap();
    assert_ne!(short.loss, found.loss);
    let message = solve("search = 'wolf'").unwrap_err().to_string();
    assert!(
        message.contains("unknown search 'wolf' (did you mean 'wolfe'?)"),
        "{message}"
    );
    let message = solve("search = { name = 'wolfe', curvature = 2 }")
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("curvature = 2 is not allowed"),
        "{message}"
    );
}
