//! What rules did instead of their formula is kept in training as it is in a solve.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::sync::Arc;

use retrodict::losses::SquaredError;
use retrodict::network::{Activation, Mlp};
use retrodict::options::Build;
use retrodict::simulators::ExpOptions;
use retrodict::training::{Checkpoint, CorrectedTargets, Fixed, Sample, StopWhen, Trainer};
use retrodict::updates::{Adam, InverseSimulator, Notices};
use retrodict::{Network, Simulator};

/// Trains on some targets of e^x up to a step.
fn train(targets: &[f64], from: Option<Checkpoint>, steps: u64) -> Checkpoint {
    let simulator: Arc<dyn Simulator> = Arc::new(ExpOptions::default().build().unwrap());
    let samples = targets
        .iter()
        .map(|target| Sample::new(Arc::clone(&simulator), vec![*target]));
    let mlp = Mlp::new([1, 4, 1]).unwrap();
    let network: Arc<dyn Network> = Arc::new(mlp.with_activation(Activation::Tanh));
    let mut trainer = Trainer::new(
        Arc::clone(&network),
        CorrectedTargets::new(|| Ok(Box::new(InverseSimulator::default())), 1),
        Adam::new(1e-2).unwrap(),
        SquaredError::half(),
        targets.len(),
    );
    let mut data = Fixed::new(samples.collect(), Some(1));
    let from = from.unwrap_or_else(|| Checkpoint::at(network.initial(3)));
    let mut told = Notices::default();
    let done = trainer.resume(&mut data, &[], &from, &StopWhen::after(steps), |progress| {
        told = progress.notices.clone();
        ControlFlow::Continue(())
    });
    let done = done.unwrap().checkpoint;
    // What an observer sees is what is kept.
    let kept = (done.notices.clone(), done.first_error.clone());
    assert_eq!(told.into_parts(), kept);
    done
}

#[test]
fn fallbacks_of_the_rule_behind_targets_are_counted_with_the_first_cause() {
    // ln y exists for two of the four.
    let targets = [2.0, -1.0, 0.5, -3.0];
    let state = train(&targets, None, 3);
    let total = |state: &Checkpoint| state.notices.iter().map(|(_, count)| count).sum::<u64>();
    assert_eq!(total(&state), 6, "{:?}", state.notices);
    let mut words = state.notices.iter().map(|(notice, _)| notice);
    assert!(
        words.all(|notice| notice.contains("out of the range")),
        "{:?}",
        state.notices
    );
    let first_error = state.first_error.clone().unwrap_or_default();
    assert!(first_error.contains("greater than 0"), "{first_error}");
    // They go with the state: a training that goes on counts on.
    let gone_on = train(&targets, Some(train(&targets, None, 2)), 3);
    assert_eq!(
        (gone_on.notices, gone_on.first_error),
        (state.notices, state.first_error)
    );
    assert_eq!(train(&[2.0, 0.5], None, 3).notices, vec![]);
}
