//! Ctrl-C, while the library computes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use retrodict::interrupt::Interrupt;

/// How often Python is asked for signals within a step. It needs the interpreter's lock, which other threads may hold.
const EVERY: Duration = Duration::from_millis(100);

/// What ends a run: a flag, and what is told of an exception that a handler raised.
pub trait Ends: Send + Sync + 'static {
    /// The flag that ends a run.
    fn flag(&self) -> Arc<AtomicBool>;
    /// Ends the run; the exception is raised after it.
    fn end_with(&self, exception: PyErr);
}

/// What interrupts work on this thread: a flag, and a signal whose handler raises an exception.
///
/// Python runs handlers on its main thread alone, and only when asked; so the library's own loops ask, on the thread that
/// called it.
pub fn heard(run: &Arc<impl Ends>) -> Interrupt {
    let (own, caller) = (Arc::clone(run), thread::current().id());
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
        own.flag().load(Ordering::Relaxed)
    };
    Interrupt::default().with_flag(run.flag()).with_probe(probe)
}
