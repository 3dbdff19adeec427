//! Waiting for several answers at once, and never for more than a few.
//!
//! The waiting is done by threads of its own: rayon's are there to compute.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::interrupt::Interrupt;

/// y = P(x) with any number of evaluations at once.
pub(super) type Evaluate<'e> = dyn Fn(&[f64]) -> Result<Vec<f64>> + Sync + 'e;

/// So many may be at work at the same time.
pub(super) struct Slots {
    count: usize,
    free: Mutex<usize>,
    returned: Condvar,
}

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        let count = count.max(1);
        Self {
            count,
            free: Mutex::new(count),
            returned: Condvar::new(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Waits for a free slot; it is given back when the guard is dropped.
    pub(super) fn take(&self) -> Slot<'_> {
        let mut free = self.lock();
        while *free == 0 {
            free = self
                .returned
                .wait(free)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Slot(self)
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot that is taken.
pub(super) struct Slot<'a>(&'a Slots);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.lock() += 1;
        self.0.returned.notify_one();
    }
}

/// Does `work` for 0, 1, … `count` − 1, a few at once; the results are in that order, whoever
/// was first. After a failure nothing new is begun.
pub(super) fn each<T: Send>(
    count: usize,
    at_once: usize,
    work: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    if at_once.min(count) <= 1 {
        return (0..count).map(work).collect();
    }
    let interrupt = Interrupt::current();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    let worker = || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= count {
                return;
            }
            let result = interrupt.within(|| work(i));
            if result.is_err() {
                next.store(count, Ordering::Relaxed);
            }
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((i, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..at_once.min(count) {
            scope.spawn(worker);
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::Error;

    #[test]
    fn results_keep_their_order_and_slots_their_limit() {
        let slots = Slots::new(2);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let squares = each(20, 8, |i| {
            let _slot = slots.take();
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(1));
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(i * i)
        });
        let expected: Vec<usize> = (0..20).map(|i| i * i).collect();
        assert_eq!(squares.unwrap(), expected);
        assert_eq!(most.into_inner(), 2);
    }

    #[test]
    fn a_failure_ends_it_soon() {
        let begun = AtomicUsize::new(0);
        let result = each(1000, 2, |i| {
            begun.fetch_add(1, Ordering::SeqCst);
            if i == 1 {
                return Err(Error::simulation("s", "m"));
            }
            std::thread::sleep(Duration::from_millis(1));
            Ok(i)
        });
        assert!(result.is_err());
        assert!(begun.into_inner() < 1000);
    }
}
