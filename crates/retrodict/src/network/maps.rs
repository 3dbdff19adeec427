//! Feature maps of a batch: sheets of cells with a border, in memory that is used again.

use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lanes::{Cell, LANES, Real};

/// What lies beyond the border of a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Padding {
    /// Zeros; where values are interpolated, the border goes on.
    #[default]
    Zero,
    /// The other side.
    Periodic,
}

/// Size and channels of a feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub rows: usize,
    pub cols: usize,
    pub channels: usize,
}

impl Shape {
    /// Groups of channels, each in a sheet of its own.
    pub fn blocks(self) -> usize {
        self.channels.div_ceil(LANES)
    }
    /// Cells from one row of a sheet to the next.
    pub fn stride(self) -> usize {
        self.cols + 2
    }
    /// Cells of a sheet, with a border of one cell.
    pub fn sheet(self) -> usize {
        (self.rows + 2) * self.stride()
    }
    /// Cells of a sample.
    pub fn sample(self) -> usize {
        self.blocks() * self.sheet()
    }
    /// The index of a pixel within its sheet.
    pub fn pixel(self, row: usize, col: usize) -> usize {
        (row + 1) * self.stride() + col + 1
    }
    /// The pixels of a channel.
    pub fn pixels(self) -> usize {
        self.rows * self.cols
    }
    /// How many channels of a block are used.
    pub fn used(self, block: usize) -> usize {
        (self.channels - block * LANES).min(LANES)
    }
    /// The row of pixels in a sheet, without its border.
    pub fn row<R>(self, sheet: &[Cell<R>], row: usize) -> &[Cell<R>] {
        &sheet[self.pixel(row, 0)..][..self.cols]
    }
    /// As [`row`](Self::row), to write to.
    pub fn row_mut<R>(self, sheet: &mut [Cell<R>], row: usize) -> &mut [Cell<R>] {
        &mut sheet[self.pixel(row, 0)..][..self.cols]
    }

    /// Fills the border of a sheet.
    pub fn pad<R: Real>(self, sheet: &mut [Cell<R>], padding: Padding) {
        let (stride, last) = (self.stride(), self.cols);
        let wraps = padding == Padding::Periodic;
        for row in sheet.chunks_mut(stride).skip(1).take(self.rows) {
            let (left, right) = (row[last], row[1]);
            row[0] = if wraps { left } else { Cell::zero() };
            row[last + 1] = if wraps { right } else { Cell::zero() };
        }
        let below = (self.rows + 1) * stride;
        if wraps {
            sheet.copy_within(self.rows * stride..below, 0);
            sheet.copy_within(stride..2 * stride, below);
        } else {
            sheet[..stride].fill(Cell::zero());
            sheet[below..].fill(Cell::zero());
        }
    }
}

/// Memory that was used and is free, so that a training step asks the system for none.
#[derive(Debug, Default)]
pub(super) struct Store<R>(Mutex<Vec<Vec<Cell<R>>>>);

impl<R: Real> Store<R> {
    /// Feature maps whose values are whatever was there.
    pub fn take(self: &Arc<Self>, shape: Shape, batch: usize) -> Maps<R> {
        let length = shape.sample() * batch;
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = free.iter().position(|cells| cells.len() == length);
        let cells = found.map(|i| free.swap_remove(i));
        drop(free);
        Maps {
            shape,
            cells: cells.unwrap_or_else(|| vec![Cell::zero(); length]),
            store: Arc::clone(self),
        }
    }
}

/// The feature maps of a batch: sample after sample, sheet after sheet, row after row.
pub(super) struct Maps<R: Real> {
    pub shape: Shape,
    pub cells: Vec<Cell<R>>,
    store: Arc<Store<R>>,
}

impl<R: Real> Maps<R> {
    /// The sheets of a sample.
    pub fn sample(&self, n: usize) -> &[Cell<R>] {
        &self.cells[n * self.shape.sample()..][..self.shape.sample()]
    }

    /// One sheet.
    pub fn sheet(&self, n: usize, block: usize) -> &[Cell<R>] {
        &self.sample(n)[block * self.shape.sheet()..][..self.shape.sheet()]
    }

    /// Reads fields, channel after channel, sample after sample.
    pub fn read(&mut self, values: &[f64], padding: Padding) {
        let shape = self.shape;
        let samples = self.cells.chunks_mut(shape.sample());
        for (cells, values) in samples.zip(values.chunks(shape.channels * shape.pixels())) {
            for (channel, field) in values.chunks(shape.pixels()).enumerate() {
                let sheet = &mut cells[channel / LANES * shape.sheet()..][..shape.sheet()];
                for (i, line) in field.chunks(shape.cols).enumerate() {
                    for (cell, value) in shape.row_mut(sheet, i).iter_mut().zip(line) {
                        // The first channel of a cell clears the others.
                        if channel % LANES == 0 {
                            *cell = Cell::zero();
                        }
                        cell.0[channel % LANES] = R::from_f64(*value);
                    }
                }
            }
            cells
                .chunks_mut(shape.sheet())
                .for_each(|sheet| shape.pad(sheet, padding));
        }
    }

    /// Writes fields as [`read`](Self::read) takes them.
    pub fn write(&self, values: &mut [f64]) {
        let shape = self.shape;
        let samples = self.cells.chunks(shape.sample());
        for (cells, values) in samples.zip(values.chunks_mut(shape.channels * shape.pixels())) {
            for (channel, field) in values.chunks_mut(shape.pixels()).enumerate() {
                let sheet = &cells[channel / LANES * shape.sheet()..][..shape.sheet()];
                for (i, line) in field.chunks_mut(shape.cols).enumerate() {
                    for (cell, value) in shape.row(sheet, i).iter().zip(line) {
                        *value = cell.0[channel % LANES].to_f64();
                    }
                }
            }
        }
    }
}

impl<R: Real> Drop for Maps<R> {
    fn drop(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        let mut free = self.store.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(cells);
    }
}
