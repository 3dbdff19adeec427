//! Ctrl-C, while the library computes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use retrodict::interrupt::Interrupt;

use crate::errors::Held;

/// How often Python is asked for signals within a step. It needs the interpreter's lock, which other threads may hold.
const EVERY: Duration = Duration::from_millis(100);

/// What interrupts work on this thread: an exception that is held, and a signal whose handler raises one.
///
/// Python runs handlers on its main thread alone, and only when asked; so the library's own loops ask, on the thread that
/// called it.
pub fn heard(held: &Arc<Held>) -> Interrupt {
    let (own, caller) = (Arc::clone(held), thread::current().id());
    let (since, last) = (Instant::now(), AtomicU64::new(0));
    let every = u64::try_from(EVERY.as_millis()).unwrap_or(u64::MAX);
    let probe = move || {
        let now = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        if now < last.load(Ordering::Relaxed).saturating_add(every)
            || thread::current().id() != caller
        {
            return false;
        }
        last.store(now, Ordering::Relaxed);
        if let Err(exception) = Python::attach(|py| py.check_signals()) {
            own.end_with(exception);
        }
        own.ended()
    };
    Interrupt::default().with_flag(held.end()).with_probe(probe)
}
