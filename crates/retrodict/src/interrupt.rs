//! Cancellation and time limits within a computation: set on a thread, checked by its loops.
//!
//! A [`Solver`](crate::Solver) and a [`Trainer`](crate::training::Trainer) enter theirs from
//! their [`StopWhen`](crate::StopWhen). Enter one yourself to end work that has no
//! limit of its own, such as statistics, a posterior or the choice of a regularisation parameter, and call
//! [`check`] in the loops of a simulator of your own:
//!
//! ```
//! use std::time::{Duration, Instant};
//! use retrodict::interrupt::{self, Interrupt};
//!
//! fn endless() -> retrodict::Result<()> {
//!     loop {
//!         interrupt::check()?;
//!     }
//! }
//! let limit = Interrupt::current().with_deadline(Instant::now() + Duration::from_millis(5));
//! assert!(matches!(limit.within(endless), Err(retrodict::Error::Interrupted { .. })));
//! ```

use std::cell::RefCell;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

pub use crate::error::Interruption;
use crate::error::{Error, Result};

/// What may interrupt work: flags that others raise, and a deadline. A clone watches the same flags.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Option<Arc<Causes>>);

#[derive(Debug, Clone, Default)]
struct Causes {
    flags: Vec<Arc<AtomicBool>>,
    probes: Vec<Probe>,
    deadline: Option<Instant>,
    /// Nothing interrupts before.
    not_before: Option<Instant>,
}

/// A question to others, which may be asked on any thread.
#[derive(Clone)]
struct Probe(Arc<dyn Fn() -> bool + Send + Sync>);

// To ask again after a panic does no harm.
impl UnwindSafe for Probe {}
impl RefUnwindSafe for Probe {}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

thread_local! {
    static CURRENT: RefCell<Interrupt> = const { RefCell::new(Interrupt(None)) };
}

impl Interrupt {
    /// That of the work on this thread; empty where nothing was entered.
    pub fn current() -> Self {
        // A thread that is ending has none.
        CURRENT
            .try_with(|current| current.borrow().clone())
            .unwrap_or_default()
    }

    /// The same, ended by one more flag.
    #[must_use]
    pub fn with_flag(&self, flag: Arc<AtomicBool>) -> Self {
        self.changed(|causes| causes.flags.push(flag))
    }

    /// The same, ended by a probe that answers `true`: for hosts that have to be asked for their signals.
    ///
    /// # Cost
    /// It is called at every check; a costly one looks at the clock first.
    #[must_use]
    pub fn with_probe(&self, probe: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.changed(|causes| causes.probes.push(Probe(Arc::new(probe))))
    }

    /// The same, but at this time at the latest.
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        self.changed(|causes| {
            causes.deadline = Some(
                causes
                    .deadline
                    .map_or(deadline, |known| known.min(deadline)),
            );
        })
    }

    /// The same, with this much time from now in which nothing interrupts: for what is worth a moment even after
    /// the limit, such as the loss at the start, or y at the solution.
    #[must_use]
    pub fn with_grace(&self, grace: Duration) -> Self {
        if self.0.is_none() {
            return self.clone();
        }
        self.changed(|causes| causes.not_before = Instant::now().checked_add(grace))
    }

    fn changed(&self, change: impl FnOnce(&mut Causes)) -> Self {
        let mut causes = self.0.as_deref().cloned().unwrap_or_default();
        change(&mut causes);
        Self(Some(Arc::new(causes)))
    }

    /// Does work on this thread that this interrupts, in the place of whatever was entered before.
    ///
    /// Work that is handed to other threads takes it along: clone it before, enter it there. A thread of a pool
    /// may do other people's work while it waits for its own, so enter an empty one around such a wait.
    pub fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = Entered::new(self.clone());
        work()
    }

    /// Why the work should end now, if it should.
    pub fn reason(&self) -> Option<Interruption> {
        self.0.as_deref().and_then(Causes::reason)
    }

    /// Whether work may continue.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if it should end now.
    pub fn check(&self) -> Result<()> {
        match self.reason() {
            None => Ok(()),
            Some(why) => Err(Error::Interrupted { why }),
        }
    }
}

impl Causes {
    fn reason(&self) -> Option<Interruption> {
        let raised = self.flags.iter().any(|flag| flag.load(Ordering::Relaxed))
            || self.probes.iter().any(|probe| (probe.0)());
        if !raised && self.deadline.is_none() {
            return None;
        }
        let now = Instant::now();
        if self.not_before.is_some_and(|time| now < time) {
            return None;
        }
        if raised {
            return Some(Interruption::Cancelled);
        }
        let over = self.deadline.is_some_and(|deadline| now >= deadline);
        over.then_some(Interruption::TimeLimit)
    }
}

/// Puts back what was entered before, also where the work panics.
struct Entered(Option<Interrupt>);

impl Entered {
    fn new(entered: Interrupt) -> Self {
        Self(CURRENT.try_with(|current| current.replace(entered)).ok())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            let _ = CURRENT.try_with(|current| current.replace(before));
        }
    }
}

/// Hands work to a pool and waits for it. Meanwhile this thread may do other people's work, which knows its own limits.
pub(crate) fn waiting<T>(work: impl FnOnce() -> T) -> T {
    Interrupt::default().within(work)
}

/// How often work that is waited for is asked after.
const LOOK: Duration = Duration::from_millis(10);

/// Does work that cannot be interrupted itself. Where something may interrupt, it is done on a thread of its own and
/// waited for; after an interruption that thread is left alone, and what it finds is dropped.
///
/// # Errors
/// [`Error::Interrupted`], or [`Error::LinearAlgebra`] if there is no thread for it.
pub(crate) fn abandonable<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let interrupt = Interrupt::current();
    if interrupt.0.is_none() {
        return Ok(work());
    }
    let lost = |message: &str| Error::LinearAlgebra {
        what,
        message: message.to_owned(),
    };
    let (sender, receiver) = channel();
    let started = std::thread::Builder::new().spawn(move || {
        // Nobody listens once it was given up.
        let _ = sender.send(work());
    });
    started.map_err(|_| lost("no thread could be started for it; run fewer at once"))?;
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(done) => return Ok(done),
            Err(RecvTimeoutError::Timeout) => interrupt.check()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(lost("its thread ended before it was done"));
            }
        }
    }
}

/// Whether the work on this thread may continue.
///
/// # Errors
/// [`Error::Interrupted`] if it should end now.
///
/// # Cost
/// A few nanoseconds, or a look at the clock where there is a deadline; loops of shorter steps take a [`Watch`].
pub fn check() -> Result<()> {
    // A probe may do work of its own, so that nothing is borrowed while it is asked.
    Interrupt::current().check()
}

/// Looks at this come as often as this at least, and no more often than a tenth of it where steps are short.
const PATIENCE: Duration = Duration::from_millis(5);

/// [`check`] for loops of many equal steps: looks every so many steps, more rarely where they are short.
#[derive(Debug)]
pub struct Watch {
    interrupt: Interrupt,
    every: u32,
    left: u32,
    last: Option<Instant>,
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

impl Watch {
    /// Over the work on this thread.
    pub fn new() -> Self {
        Self {
            interrupt: Interrupt::current(),
            every: 1,
            left: 0,
            last: None,
        }
    }

    /// Says before a step whether it may be taken.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if the work should end now.
    #[inline]
    pub fn check(&mut self) -> Result<()> {
        if self.left > 0 {
            self.left -= 1;
            return Ok(());
        }
        self.look()
    }

    #[cold]
    fn look(&mut self) -> Result<()> {
        if self.interrupt.0.is_none() {
            self.left = u32::MAX;
            return Ok(());
        }
        self.interrupt.check()?;
        let now = Instant::now();
        if let Some(last) = self.last {
            let passed = now - last;
            if passed < PATIENCE / 10 {
                self.every = self.every.saturating_mul(2).min(1 << 16);
            } else if passed > PATIENCE {
                self.every = (self.every / 4).max(1);
            }
        }
        self.last = Some(now);
        self.left = self.every - 1;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn raised() -> Arc<AtomicBool> {
        Arc::new(AtomicBool::new(true))
    }

    #[test]
    fn what_was_entered_counts_until_it_is_left() {
        assert!(check().is_ok());
        let cancelled = Interrupt::current().with_flag(raised());
        cancelled.within(|| {
            let why = Interruption::Cancelled;
            assert_eq!(check(), Err(Error::Interrupted { why }));
            Interrupt::default().within(|| assert!(check().is_ok()));
            assert!(check().is_err());
        });
        assert!(check().is_ok());
        let thrown = std::panic::catch_unwind(|| cancelled.within(|| std::panic::panic_any(0)));
        assert!(thrown.is_err() && check().is_ok());
    }

    #[test]
    fn the_earlier_deadline_counts_and_a_cause_inside_does_not_hide_one_outside() {
        let now = Instant::now();
        let later = now + Duration::from_secs(3600);
        let soon = Interrupt::default().with_deadline(later).with_deadline(now);
        assert_eq!(soon.reason(), Some(Interruption::TimeLimit));
        let still = soon.with_deadline(later);
        assert_eq!(still.reason(), Some(Interruption::TimeLimit));
        let flag = Arc::new(AtomicBool::new(false));
        let outside = Interrupt::default().with_flag(Arc::clone(&flag));
        let inside = outside.with_deadline(later).with_flag(Arc::default());
        assert_eq!(inside.reason(), None);
        flag.store(true, Ordering::Relaxed);
        assert_eq!(inside.reason(), Some(Interruption::Cancelled));
    }

    #[test]
    fn a_probe_is_asked_until_it_says_so() {
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let probed =
            Interrupt::default().with_probe(move || count.fetch_add(1, Ordering::Relaxed) == 2);
        let why = Interruption::Cancelled;
        let found: Vec<bool> = probed.within(|| (0..3).map(|_| check().is_ok()).collect());
        assert_eq!(found, [true, true, false]);
        assert_eq!(
            probed.with_flag(raised()).check(),
            Err(Error::Interrupted { why })
        );
        assert_eq!(asked.load(Ordering::Relaxed), 3, "a flag is enough");
    }

    #[test]
    fn nothing_interrupts_within_the_grace() {
        let cancelled = Interrupt::default().with_flag(raised());
        assert_eq!(
            cancelled.with_grace(Duration::from_secs(3600)).reason(),
            None
        );
        assert!(cancelled.with_grace(Duration::ZERO).reason().is_some());
    }

    #[test]
    fn a_watch_over_short_steps_looks_rarely_and_still_sees_the_end() {
        let limit = Interrupt::default().with_deadline(Instant::now() + Duration::from_millis(20));
        let (steps, looks) = limit.within(|| {
            let mut watch = Watch::new();
            let (mut steps, mut looks) = (0_u64, 0_u64);
            while watch.check().is_ok() {
                looks += u64::from(watch.left == watch.every - 1);
                steps += 1;
            }
            (steps, looks)
        });
        assert!(looks * 100 < steps, "{looks} looks in {steps} steps");
    }

    #[test]
    fn threads_have_their_own() {
        let cancelled = Interrupt::default().with_flag(raised());
        cancelled.within(|| {
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    assert!(check().is_ok());
                    cancelled.within(|| assert!(check().is_err()));
                });
            });
        });
    }
}
