//! What rules did instead of their formula is kept in training as it is in a solve.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::sync::Arc;

use retrodict::losses::{Reduction, SquaredError};
use retrodict::network::{Activation, Mlp};
use retrodict::options::Build;
use retrodict::simulators::ExpOptions;
use retrodict::training::{CorrectedTargets, Fixed, Limits, Sample, Schedule, State, Trainer};
use retrodict::updates::{Adam, InverseSimulator};
use retrodict::{Network, Simulator};

/// Trains on some targets of e^x up to a step.
fn train(targets: &[f64], from: Option<State>, steps: u64) -> State {
    let simulator: Arc<dyn Simulator> = Arc::new(ExpOptions::default().build().unwrap());
    let samples = targets.iter().map(|target| Sample {
        input: vec![*target],
        target: vec![*target],
        label: None,
        simulator: Arc::clone(&simulator),
    });
    let network: Arc<dyn Network> = Arc::new(Mlp {
        widths: vec![1, 4, 1],
        activation: Activation::Tanh,
        ..Mlp::default()
    });
    let mut trainer = Trainer {
        network: Arc::clone(&network),
        strategy: Box::new(CorrectedTargets::new(
            || Ok(Box::new(InverseSimulator::default())),
            1,
        )),
        rule: Box::new(Adam::new(1e-2).unwrap()),
        loss: Arc::new(SquaredError::half()),
        reduction: Reduction::Mean,
        batch: targets.len(),
        schedule: Schedule::Constant,
        clip: None,
    };
    let mut data = Fixed::new(samples.collect(), Some(1));
    let limits = Limits::default().with_steps(steps);
    let start = from.unwrap_or_else(|| State::new(network.initial(3)));
    let done = trainer.train(
        &mut data,
        &[],
        start,
        &limits,
        |_| ControlFlow::Continue(()),
    );
    done.unwrap().state
}

#[test]
fn fallbacks_of_the_rule_behind_targets_are_counted_with_the_first_cause() {
    // ln y exists for two of the four.
    let targets = [2.0, -1.0, 0.5, -3.0];
    let state = train(&targets, None, 3);
    let total = |state: &State| state.notices.iter().map(|(_, count)| count).sum::<u64>();
    assert_eq!(total(&state), 6, "{:?}", state.notices);
    let mut words = state.notices.iter().map(|(notice, _)| notice);
    assert!(
        words.all(|notice| notice.contains("out of the range")),
        "{:?}",
        state.notices
    );
    let trouble = state.trouble.clone().unwrap_or_default();
    assert!(trouble.contains("greater than 0"), "{trouble}");
    // They go with the state: a training that goes on counts on.
    let gone_on = train(&targets, Some(train(&targets, None, 2)), 3);
    assert_eq!(
        (gone_on.notices, gone_on.trouble),
        (state.notices, state.trouble)
    );
    assert_eq!(train(&[2.0, 0.5], None, 3).notices, vec![]);
}
