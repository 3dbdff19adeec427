//! Simulators that are not written in Rust: models behind a server, and programs.
//!
//! [`UmBridgeOptions`] speak the UM-Bridge protocol, [`ProgramOptions`] run a command with files, or keep it running. Both give an
//! [`External`]: a [`Simulator`] that fills in the derivatives which the model lacks, by exact
//! products with what it has, else by [`Differences`], with many evaluations at once.
//!
//! ```no_run
//! use retrodict::models::external::UmBridgeOptions;
//! use retrodict::prelude::*;
//!
//! # fn main() -> retrodict::Result<()> {
//! let model = UmBridgeOptions::default().with_url("http://localhost:4242").build()?;
//! let mut y = vec![0.0; model.output().len()];
//! model.forward(&vec![1.0; model.input().len()], &mut y)?;
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;

use crate::core::description::{Approximation, Description};
use crate::core::simulator::{SecondOrder, Simulator};
use crate::core::space::Space;
use crate::error::{Result, expect_finite};
use crate::interrupt;
use crate::linalg::LinearMap;
use crate::linalg::Matrix;

mod columns;
mod differences;
mod jacobian;
mod model;
mod noise;
mod parallel;
mod plain;
#[cfg(feature = "external")]
mod program;
#[cfg(feature = "external")]
mod shape;
#[cfg(feature = "external")]
mod umbridge;

pub use differences::{Differences, Scheme};
pub use model::{Model, Offers};
#[cfg(feature = "external")]
pub use program::{Format, ProgramOptions, end_programs};
#[cfg(feature = "external")]
pub use umbridge::UmBridgeOptions;

use jacobian::JacobianAt;
use model::{failed, failed_as};
use parallel::Slots;

/// More values than this in one array are taken for a mistake: 800 MB.
const MOST_VALUES: usize = 100_000_000;

/// A model outside as a simulator, with the derivatives that it lacks filled in.
///
/// # Cost
/// Without derivatives of the model's own, J costs an evaluation (or two, by central differences) for
/// each unknown; it is found once for each x, by as many evaluations at once as
/// [`at_once`](External::at_once) says.
#[derive(Clone)]
pub struct External {
    model: Arc<dyn Model>,
    offers: Offers,
    differences: Differences,
    slots: Arc<Slots>,
    /// Which outputs are looked at, where not all are: the others need have no value.
    seen: Option<Arc<[bool]>>,
    inputs: usize,
    outputs: usize,
    input: Space,
    output: Space,
}

impl External {
    /// Makes a simulator of a model; at most `at_once` of its answers are waited for at any time,
    /// or one for each processor.
    pub fn new(
        model: impl Model + 'static,
        differences: Differences,
        at_once: Option<usize>,
    ) -> Self {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        let (input, output) = (model.input().clone(), model.output().clone());
        Self {
            offers: model.offers(),
            inputs: input.len(),
            outputs: output.len(),
            input,
            output,
            model: Arc::new(model),
            differences,
            slots: Arc::new(Slots::new(at_once.unwrap_or_else(processors))),
            seen: None,
        }
    }

    /// How many answers of the model are waited for at the same time.
    pub fn at_once(&self) -> usize {
        self.slots.count()
    }

    /// One answer of the model, once a slot is free: as long as it must be, and finite.
    fn ask(
        &self,
        what: &str,
        len: usize,
        x: &[f64],
        ask: impl FnOnce(&dyn Model) -> Result<Vec<f64>>,
    ) -> Result<Vec<f64>> {
        self.ask_where(&self.model.label(), (what, len), x, ask, |_| true)
    }

    /// As [`ask`](Self::ask), with a row of so many values for each output: finite where the output is looked at.
    fn ask_rows(
        &self,
        what: &str,
        width: usize,
        x: &[f64],
        ask: impl FnOnce(&dyn Model) -> Result<Vec<f64>>,
    ) -> Result<Vec<f64>> {
        let expected = (what, self.outputs * width);
        self.ask_where(&self.model.label(), expected, x, ask, |i| {
            self.sees(i / width)
        })
    }

    /// One answer of what goes by that label, finite where it matters.
    fn ask_where(
        &self,
        label: &str,
        expected: (&str, usize),
        x: &[f64],
        ask: impl FnOnce(&dyn Model) -> Result<Vec<f64>>,
        matters: impl Fn(usize) -> bool,
    ) -> Result<Vec<f64>> {
        expect_finite("x", x)?;
        interrupt::check()?;
        let answer = {
            let _slot = self.slots.take();
            ask(&*self.model)?
        };
        checked(label, expected, answer, matters)
    }

    fn evaluate(&self, x: &[f64]) -> Result<Vec<f64>> {
        self.ask_rows("y", 1, x, |model| model.evaluate(x))
    }

    fn sees(&self, output: usize) -> bool {
        self.seen.as_ref().is_none_or(|seen| seen[output])
    }

    /// The same rows, 0 for outputs that are not looked at: whatever stands there must not reach a product.
    fn silenced(&self, width: usize, mut rows: Vec<f64>) -> Vec<f64> {
        for (i, row) in rows.chunks_mut(width.max(1)).enumerate() {
            if !self.sees(i) {
                row.fill(0.0);
            }
        }
        rows
    }

    /// J as far as the model has something exact to offer: as a whole, or by whichever products
    /// are fewer.
    fn exact(&self) -> Option<Exact> {
        let (n, m) = (self.inputs, self.outputs);
        match self.offers {
            Offers { jacobian: true, .. } => Some(Exact::Whole),
            Offers { jvp: true, vjp, .. } if n <= m || !vjp => Some(Exact::Columns),
            // Exact rows are worth as many calls as differences would take, and no more.
            Offers { jvp, vjp: true, .. } if jvp || m <= self.differences.evaluations(n) => {
                Some(Exact::Rows)
            }
            _ => None,
        }
    }

    /// J at x, where y = P(x).
    fn dense(&self, x: &[f64], y: &[f64]) -> Result<DenseJacobian> {
        let (n, m) = (self.inputs, self.outputs);
        if m.checked_mul(n).is_none_or(|values| values > MOST_VALUES) {
            return Err(failed(
                &*self.model,
                format!(
                    "J would have {m} × {n} values, more than the limit of {MOST_VALUES}; let the model offer \
                     products with J and Jᵀ, or use fewer unknowns"
                ),
            ));
        }
        let unit = |len: usize, i: usize| {
            let mut e = vec![0.0; len];
            e[i] = 1.0;
            e
        };
        let columns = |columns: Vec<Vec<f64>>| Matrix::from_vec(n, m, columns.concat()).transpose();
        let exact = match self.exact() {
            Some(Exact::Whole) => {
                let label = self.model.jacobian_label();
                let ask = |model: &dyn Model| model.jacobian(x);
                let matters = |i: usize| self.sees(i / n.max(1));
                let values = self.ask_where(&label, ("J", m * n), x, ask, matters)?;
                Matrix::from_vec(m, n, self.silenced(n, values))
            }
            Some(Exact::Columns) => columns(parallel::each(n, self.at_once(), |i| {
                let column = self.ask_rows("J dx", 1, x, |model| model.jvp(x, &unit(n, i)))?;
                Ok(self.silenced(1, column))
            })?),
            Some(Exact::Rows) => {
                let rows = parallel::each(m, self.at_once(), |i| {
                    if !self.sees(i) {
                        return Ok(vec![0.0; n]);
                    }
                    self.ask("Jᵀ dy", n, x, |model| model.vjp(x, &unit(m, i)))
                })?;
                Matrix::from_vec(m, n, rows.concat())
            }
            None => {
                let evaluate = |x: &[f64]| Ok(self.silenced(1, self.evaluate(x)?));
                let found = columns::jacobian(&self.differences, x, y, self.at_once(), &evaluate)?;
                return Ok(DenseJacobian::Differences(found));
            }
        };
        Ok(DenseJacobian::Exact(exact))
    }

    /// J at x; y is evaluated only where J is going to need it.
    fn jacobian_at(&self, x: &[f64], offered: bool) -> Result<JacobianAt<'_>> {
        let y = match self.exact() {
            None if !offered => self.evaluate(x)?,
            _ => Vec::new(),
        };
        Ok(JacobianAt::new(self, x.to_vec(), self.silenced(1, y)))
    }
}

/// J, and whether it is exact.
enum DenseJacobian {
    Exact(Matrix),
    Differences(columns::EstimatedJacobian),
}

/// An answer of what goes by that label, if it is as long as it must be, and finite where it matters.
fn checked(
    label: &str,
    (what, len): (&str, usize),
    answer: Vec<f64>,
    matters: impl Fn(usize) -> bool,
) -> Result<Vec<f64>> {
    let wrong = |message| Err(failed_as(label.to_owned(), message));
    if answer.len() != len {
        return wrong(format!(
            "{what} has {} values, expected {len}: check what the model returns",
            answer.len()
        ));
    }
    let mut values = answer.iter().enumerate();
    match values.position(|(i, v)| !v.is_finite() && matters(i)) {
        None => Ok(answer),
        Some(i) => wrong(format!(
            "{what} holds {} at index {i}; the model has no finite value at this x: \
             try another start, smaller steps or bounds",
            answer[i]
        )),
    }
}

/// What an exact J is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exact {
    Whole,
    Columns,
    Rows,
}

impl Simulator for External {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        y.copy_from_slice(&self.evaluate(x)?);
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.jacobian_at(x, self.offers.jvp)?.apply(dx, dy)
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.jacobian_at(x, self.offers.vjp)?
            .apply_transpose(dy, dx)
    }
    fn linearize<'a>(&'a self, x: &[f64], y: &mut [f64]) -> Result<Box<dyn LinearMap + Send + 'a>> {
        let found = self.evaluate(x)?;
        y.copy_from_slice(&found);
        let found = self.silenced(1, found);
        Ok(Box::new(JacobianAt::new(self, x.to_vec(), found)))
    }
    fn seen_at(&self, places: &[usize]) -> Option<Arc<dyn Simulator>> {
        let mut seen = vec![false; self.outputs];
        for place in places {
            *seen.get_mut(*place)? = true;
        }
        Some(Arc::new(Self {
            seen: Some(seen.into()),
            ..self.clone()
        }))
    }
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        self.offers.second_order.then_some(self)
    }
    fn describe(&self) -> Description {
        Description::default()
            .with_approximation(self.approximation())
            .with_labels(self.model.labels())
            // J is cached for each x, once it was needed.
            .with_keeps_trajectory(true)
    }
}

impl External {
    /// How J is found, where the model does not offer all of it.
    fn approximation(&self) -> Option<Approximation> {
        let (n, m) = (self.inputs, self.outputs);
        let has = match self.offers {
            Offers { jacobian: true, .. }
            | Offers {
                jvp: true,
                vjp: true,
                ..
            } => return None,
            Offers { jvp: true, .. } => "products with J alone",
            Offers { vjp: true, .. } => "products with Jᵀ alone",
            _ => "no derivatives",
        };
        let (error, how) = match self.exact() {
            Some(Exact::Columns) => (0.0, format!("J is assembled from {n} of them")),
            Some(_) => (0.0, format!("J is assembled from {m} of them")),
            None => {
                let count = self.differences.evaluations(n);
                let how = format!(
                    "J is approximated by {} differences, {count} evaluations for each x",
                    self.differences.scheme.name()
                );
                (self.differences.error(), how)
            }
        };
        let note = format!(
            "{} offers {has}: {how}, up to {} at once",
            self.model.label(),
            self.at_once()
        );
        Some(Approximation { error, note })
    }
}

impl SecondOrder for External {
    fn vjp_derivative(&self, x: &[f64], dy: &[f64], dx: &[f64], out: &mut [f64]) -> Result<()> {
        let found = self.ask(
            "the product with second derivatives",
            self.inputs,
            x,
            |model| model.vjp_derivative(x, dy, dx),
        )?;
        out.copy_from_slice(&found);
        Ok(())
    }
}
