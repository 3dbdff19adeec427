//! Samples spread over threads, in an order that does not depend on them.

use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::error::Result;
use crate::interrupt::Interrupt;

/// Less work than this is done before a second thread has woken up.
const WORTH_A_THREAD: Duration = Duration::from_micros(20);

/// Does all of `work` on a thread of the pool: from outside of it, every loop over threads within would hand
/// its work over and wait to be woken, which takes longer than many a step of training.
pub(super) fn among_threads<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if rayon::current_thread_index().is_some() {
        return work();
    }
    let interrupt = Interrupt::current();
    rayon::scope(|_| interrupt.within(work))
}

/// The results of `work` for 0 … count, in order; over all threads if the first one shows that it
/// pays. The results do not depend on who computed them.
pub(super) fn spread<T: Send>(
    count: usize,
    work: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let clock = Instant::now();
    let mut all = Vec::with_capacity(count);
    all.push(work(0)?);
    if clock.elapsed() * (count as u32 - 1) < WORTH_A_THREAD {
        for i in 1..count {
            all.push(work(i)?);
        }
        return Ok(all);
    }
    let interrupt = Interrupt::current();
    let work = |i| interrupt.within(|| work(i));
    let rest: Result<Vec<T>> = (1..count).into_par_iter().map(work).collect();
    all.extend(rest?);
    Ok(all)
}

/// As [`spread`], for work that writes to its own piece of `out`.
pub(super) fn spread_over(
    out: &mut [f64],
    width: usize,
    work: impl Fn(usize, &mut [f64]) -> Result<()> + Sync,
) -> Result<()> {
    let width = width.max(1);
    let clock = Instant::now();
    let Some((first, rest)) = out.split_at_mut_checked(width) else {
        return Ok(());
    };
    work(0, first)?;
    let count = rest.len() / width;
    if clock.elapsed() * (count as u32) < WORTH_A_THREAD {
        return rest
            .chunks_mut(width)
            .enumerate()
            .try_for_each(|(i, piece)| work(i + 1, piece));
    }
    let interrupt = Interrupt::current();
    rest.par_chunks_mut(width)
        .enumerate()
        .try_for_each(|(i, piece)| interrupt.within(|| work(i + 1, piece)))
}
