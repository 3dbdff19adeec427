//! First derivatives at x: the gradient, J with its errors, and products with it.

use super::Evaluation;
use super::once::once;
use super::silence::{silence, silenced};
use crate::error::Result;
use crate::interrupt;
use crate::linalg::{LinearMap, Matrix, by_products, norm};

impl<'p> Evaluation<'p> {
    /// ∂L/∂x = Jᵀ ∂L/∂y, 0 for unknowns that bounds hold; one vjp.
    pub fn gradient(&self) -> Result<&[f64]> {
        let Some(held) = self.held()? else {
            return self.whole_gradient();
        };
        once(&self.gradient, || {
            let mut gradient = self.whole_gradient()?.to_vec();
            silence(held, &mut gradient);
            Ok(gradient)
        })
        .map(Vec::as_slice)
    }

    /// ∂L/∂x of all unknowns, held or not.
    pub fn whole_gradient(&self) -> Result<&[f64]> {
        once(&self.whole_gradient, || {
            let mut gradient = vec![0.0; self.problem.inputs()];
            self.whole_vjp(self.output_gradient()?, &mut gradient)?;
            if let Some(longest) = self.clip {
                let shorter = longest / norm(&gradient).max(longest);
                gradient.iter_mut().for_each(|g| *g *= shorter);
            }
            Ok(gradient)
        })
        .map(Vec::as_slice)
    }

    /// J, m × n; min(m, n) products.
    pub fn jacobian(&self) -> Result<&Matrix> {
        once(&self.jacobian, || match self.linearization()? {
            Some(map) => {
                interrupt::check()?;
                let held = self.held()?;
                self.tally.add(|c| {
                    if self.problem.inputs() <= self.problem.outputs() {
                        c.jvp += self.problem.inputs() as u64;
                    } else {
                        c.vjp += self.problem.outputs() as u64;
                    }
                });
                let mut jacobian = map.dense()?;
                if let Some(held) = held {
                    (0..jacobian.rows()).for_each(|i| silence(held, jacobian.row_mut(i)));
                }
                Ok(jacobian)
            }
            None => by_products(self),
        })
    }

    /// How far off each entry of J may be, m × n, 0 for unknowns that bounds hold; nothing where J is exact.
    ///
    /// Without `measure` whatever may be an error counts as one; with it, the noise of y is measured.
    ///
    /// # Errors
    /// As [`jacobian`](Self::jacobian).
    ///
    /// # Cost
    /// J, if it was not asked for before; with `measure`, six evaluations or so, once for each x.
    pub fn jacobian_errors(&self, measure: bool) -> Result<Option<Matrix>> {
        let Some(how) = &self.problem.description().approximation else {
            return Ok(None);
        };
        if measure {
            // J first: its steps are those around which y is looked at.
            self.jacobian()?;
            self.look_for_noise()?;
        }
        let reported = match self.linearization()? {
            Some(map) => map.errors(measure)?,
            None => None,
        };
        let mut errors = match reported {
            Some(errors) => errors,
            None if how.error > 0.0 => {
                // All that is known is how J is found.
                let mut errors = self.jacobian()?.clone();
                let length = norm(errors.as_slice()) / (errors.as_slice().len() as f64).sqrt();
                let entries = errors.as_mut_slice().iter_mut();
                entries.for_each(|v| *v = how.error * v.abs().max(length));
                errors
            }
            None => return Ok(None),
        };
        if let Some(held) = self.held()? {
            (0..errors.rows()).for_each(|i| silence(held, errors.row_mut(i)));
        }
        Ok(Some(errors))
    }

    /// dy = J dx.
    pub fn jvp(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        match self.held()? {
            None => self.whole_jvp(dx, dy),
            Some(held) => self.whole_jvp(&silenced(held, dx), dy),
        }
    }

    pub(super) fn whole_jvp(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        interrupt::check()?;
        self.tally.add(|c| c.jvp += 1);
        match self.linearization()? {
            Some(map) => map.apply(dx, dy),
            None => self.problem.simulator().jvp(&self.x, dx, dy),
        }
    }

    /// dx = Jᵀ dy.
    pub fn vjp(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.whole_vjp(dy, dx)?;
        if let Some(held) = self.held()? {
            silence(held, dx);
        }
        Ok(())
    }

    pub(super) fn whole_vjp(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        interrupt::check()?;
        self.tally.add(|c| c.vjp += 1);
        match self.linearization()? {
            Some(map) => map.apply_transpose(dy, dx),
            None => self.problem.simulator().vjp(&self.x, dy, dx),
        }
    }

    /// The trajectory that the simulator kept, if it keeps one.
    pub(super) fn linearization(&self) -> Result<Option<&(dyn LinearMap + 'p)>> {
        if self.problem.description().keeps_trajectory {
            self.y()?;
        }
        Ok(self.linearization.get().map(|map| &**map))
    }
}

/// J at this x, counted.
impl LinearMap for Evaluation<'_> {
    fn inputs(&self) -> usize {
        self.problem.inputs()
    }
    fn outputs(&self) -> usize {
        self.problem.outputs()
    }
    fn apply(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.jvp(dx, dy)
    }
    fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.vjp(dy, dx)
    }
    fn dense(&self) -> Result<Matrix> {
        self.jacobian().cloned()
    }
    fn expect_products(&self, count: usize) -> Result<()> {
        match self.linearization()? {
            Some(map) => map.expect_products(count),
            None => Ok(()),
        }
    }
    fn apply_gram(&self, dy: &[f64], scratch: &mut [f64], out: &mut [f64]) -> Result<()> {
        match (self.linearization()?, self.held()?) {
            (Some(map), None) => {
                interrupt::check()?;
                self.tally.add(|c| {
                    c.vjp += 1;
                    c.jvp += 1;
                });
                map.apply_gram(dy, scratch, out)
            }
            _ => {
                self.vjp(dy, scratch)?;
                self.jvp(scratch, out)
            }
        }
    }
    fn gram(&self) -> Result<Matrix> {
        match (self.linearization()?, self.held()?) {
            (Some(map), None) => map.gram(),
            _ => Ok(self.jacobian()?.gram()),
        }
    }
}
