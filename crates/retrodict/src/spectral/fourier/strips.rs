//! Passes along a strided axis, in place: columns are gathered in blocks of whole cache lines,
//! so that work on them runs on contiguous memory.

use rayon::prelude::*;

use super::blocks::is_parallel;
use crate::interrupt;

/// Some columns of a matrix: a piece of each row. Strips of one matrix go to different threads.
struct Strip<'a, T> {
    first: usize,
    rows: Vec<&'a mut [T]>,
}

/// Calls `work` with the first column and a piece of each row, for `block` columns at a time;
/// `first` counts from the start of `data`. `total` is the number of values that the whole pass
/// touches: it decides whether to use more than one thread.
///
/// The result does not depend on the number of threads, since blocks do not.
pub(crate) fn columns<T: Send, S: Default>(
    total: usize,
    data: &mut [T],
    cols: usize,
    block: usize,
    work: &(dyn Fn(usize, &mut Columns<'_, '_, T>, &mut S) + Sync),
) {
    let parallel = is_parallel(total);
    // A few strips for each thread, in case one of them is held up.
    let width = if parallel {
        let blocks = cols.div_ceil(block);
        blocks.div_ceil(4 * rayon::current_num_threads()) * block
    } else {
        cols
    };
    let mut strips: Vec<Strip<'_, T>> = (0..cols)
        .step_by(width)
        .map(|first| Strip {
            first,
            rows: Vec::with_capacity(data.len() / cols),
        })
        .collect();
    for row in data.chunks_mut(cols) {
        for (strip, piece) in strips.iter_mut().zip(row.chunks_mut(width)) {
            strip.rows.push(piece);
        }
    }
    let run = |scratch: &mut S, mut strip: Strip<'_, T>| {
        let count = strip.rows.first().map_or(0, |row| row.len());
        for from in (0..count).step_by(block) {
            let mut columns = Columns {
                rows: &mut strip.rows,
                from,
                to: count.min(from + block),
            };
            work(strip.first + from, &mut columns, scratch);
        }
    };
    if parallel {
        interrupt::waiting(|| strips.into_par_iter().for_each_init(S::default, run));
    } else {
        let mut scratch = S::default();
        strips
            .into_iter()
            .for_each(|strip| run(&mut scratch, strip));
    }
}

/// A few neighbouring columns.
pub(crate) struct Columns<'s, 'a, T> {
    rows: &'s mut [&'a mut [T]],
    from: usize,
    to: usize,
}

impl<T> Columns<'_, '_, T> {
    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.to - self.from
    }

    /// The piece of each row.
    pub(crate) fn rows(&mut self) -> impl Iterator<Item = &mut [T]> {
        let (from, to) = (self.from, self.to);
        self.rows.iter_mut().map(move |row| &mut row[from..to])
    }
}

impl<T: Copy> Columns<'_, '_, T> {
    /// Copies the columns to `lines`, one after the other.
    pub(crate) fn gather(&mut self, lines: &mut [T]) {
        let n = self.rows.len();
        for (r, row) in self.rows().enumerate() {
            for (c, value) in row.iter().enumerate() {
                lines[c * n + r] = *value;
            }
        }
    }

    /// Copies `lines` to the columns.
    pub(crate) fn scatter(&mut self, lines: &[T]) {
        let n = self.rows.len();
        for (r, row) in self.rows().enumerate() {
            for (c, value) in row.iter_mut().enumerate() {
                *value = lines[c * n + r];
            }
        }
    }
}
