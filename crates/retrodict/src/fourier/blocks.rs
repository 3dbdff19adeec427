//! Passes over large arrays in blocks of lines, on one thread or on many.

use std::sync::Mutex;

use rayon::prelude::*;

use crate::interrupt;

/// Lines that are transposed together: 8 numbers fill one cache line, 8 complex ones two.
pub(crate) const BLOCK: usize = 8;

/// Values from which a pass is worth a second thread.
const PARALLEL_FROM: usize = 1 << 15;

/// Calls `work` on pieces of `data` with the index of their first value and something to work in.
///
/// `total` is the number of values that the whole pass touches: it decides whether to use more
/// than one thread. The result does not depend on that, since the pieces do not.
pub(crate) fn chunks<T: Send, S: Default>(
    total: usize,
    data: &mut [T],
    size: usize,
    work: &(dyn Fn(usize, &mut [T], &mut S) + Sync),
) {
    if is_parallel(total) {
        interrupt::waiting(|| {
            data.par_chunks_mut(size)
                .enumerate()
                .for_each_init(S::default, |scratch, (i, piece)| {
                    work(i * size, piece, scratch)
                });
        });
    } else {
        let mut scratch = S::default();
        for (i, piece) in data.chunks_mut(size).enumerate() {
            work(i * size, piece, &mut scratch);
        }
    }
}

/// Calls `work` on pieces of `a` and the pieces of `b` that belong to them.
pub(crate) fn pairs<A: Send, B: Send, S: Default>(
    a: &mut [A],
    size_a: usize,
    b: &mut [B],
    size_b: usize,
    work: &(impl Fn(&mut [A], &mut [B], &mut S) + Sync),
) {
    if is_parallel(b.len()) {
        interrupt::waiting(|| {
            a.par_chunks_mut(size_a)
                .zip(b.par_chunks_mut(size_b))
                .for_each_init(S::default, |scratch, (a, b)| work(a, b, scratch));
        });
    } else {
        let mut scratch = S::default();
        for (a, b) in a.chunks_mut(size_a).zip(b.chunks_mut(size_b)) {
            work(a, b, &mut scratch);
        }
    }
}

/// Whether a pass over so many values goes to more than one thread.
pub(crate) fn is_parallel(total: usize) -> bool {
    total >= PARALLEL_FROM && rayon::current_num_threads() > 1
}

/// The first `n` values of a buffer that grows when it must.
pub(crate) fn fit<S: Clone + Default>(buffer: &mut Vec<S>, n: usize) -> &mut [S] {
    if buffer.len() < n {
        buffer.resize(n, S::default());
    }
    &mut buffer[..n]
}

/// Buffers that are kept for the next call, so that repeated calls allocate nothing.
#[derive(Debug)]
pub(crate) struct Pool<S>(Mutex<Vec<Vec<S>>>);

impl<S> Default for Pool<S> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<S: Clone + Default> Pool<S> {
    /// A buffer of `n` values of any content.
    pub(crate) fn take(&self, n: usize) -> Vec<S> {
        let pooled = self.0.lock().ok().and_then(|mut pool| pool.pop());
        let mut buffer = pooled.unwrap_or_default();
        buffer.resize(n, S::default());
        buffer
    }

    pub(crate) fn give(&self, buffer: Vec<S>) {
        if let Ok(mut pool) = self.0.lock() {
            pool.push(buffer);
        }
    }
}
