//! What goes to other threads may: asserted by types, so that it fails to compile where it does not hold.

use std::sync::Arc;

use retrodict::compose::{Bounds, ResidualAt, Selected, Stacked, Transformed};
use retrodict::error::{Error, Remedy};
use retrodict::inverse::{Inverter, WithInverse};
use retrodict::losses::{Batch, Blocks};
use retrodict::prelude::*;
use retrodict::registry::Registry;
use retrodict::solver::starts::{Region, Survey};
use retrodict::spec::{InversionSpec, Posed};
use retrodict::uncertainty::posterior::Posterior;
use retrodict::uncertainty::statistics::Statistics;
use retrodict::{Checkpoint, Counts, Record};

fn shared<T: Send + Sync>() {}
fn sent<T: Send>() {}

#[test]
fn what_is_shared_between_threads_may_be() {
    shared::<Problem>();
    shared::<Arc<dyn Simulator>>();
    shared::<Arc<dyn Loss>>();
    shared::<Arc<dyn Inverter>>();
    shared::<Box<dyn Prior>>();
    shared::<(Stacked, Selected, Transformed, ResidualAt, WithInverse)>();
    shared::<(Bounds, Batch, Blocks, Space, StopWhen)>();
    shared::<(Solution, Status, Record, Counts, Checkpoint)>();
    shared::<(Statistics, Posterior<'_>, Region, Survey)>();
    shared::<(Registry, InversionSpec, Posed)>();
    shared::<(Error, Remedy)>();
    #[cfg(feature = "network")]
    shared::<(
        Arc<dyn retrodict::Network>,
        Box<dyn retrodict::training::Strategy>,
    )>();
}

#[test]
fn what_a_thread_works_on_may_be_handed_to_it() {
    sent::<Box<dyn UpdateRule>>();
    sent::<Solver>();
    sent::<retrodict::Tally>();
    #[cfg(feature = "network")]
    sent::<retrodict::training::Trainer>();
}
