//! The residual of a series: each piece between two times starts from the state that was seen.

use num_dual::Dual64;

use super::{Number, Ode, RightHandSide};
use crate::core::simulator::Residual;
use crate::core::space::Space;
use crate::error::{Result, expect_length};
use crate::linalg::Matrix;

/// R at time k = the solution that starts from y at time k − 1, less y at time k.
///
/// It costs what P costs, but an error of x does not grow over more than one piece. That is what
/// fits chaotic series, and keeps a fit from settling where only the first few swings agree.
/// Noise in y enters at every start, so the x of a noisy y is biased.
///
/// # Source
/// Baake, Baake, Bock & Briggs, *Fitting ordinary differential equations to chaotic data*, Phys.
/// Rev. A 45, 5524 (1992), with the states between the pieces held at what was seen.
impl<R: RightHandSide> Residual for Ode<R> {
    fn space(&self) -> &Space {
        &self.residual
    }
    fn evaluate(&self, x: &[f64], y: &[f64], r: &mut [f64]) -> Result<()> {
        expect_length("x", x.len(), self.inputs())?;
        self.pieces(&self.values(x), y, |i, reached| r[i] = reached - y[i])?;
        self.expect_values(r)
    }
    fn tangent(&self, x: &[f64], y: &[f64], dx: &[f64], dr: &mut [f64]) -> Result<()> {
        expect_length("x", x.len(), self.inputs())?;
        let values = self.moved(x, dx);
        self.pieces(&values, y, |i, reached: Dual64| dr[i] = reached.eps)
    }
    fn adjoint(&self, x: &[f64], y: &[f64], dr: &[f64], dx: &mut [f64]) -> Result<()> {
        // Few unknowns: all columns cost less than a way back through the steps would.
        expect_length("x", x.len(), self.inputs())?;
        self.expect_seen(y)?;
        let mut columns = Matrix::zeros(dr.len(), x.len());
        let mut reached = vec![0.0; dr.len()];
        self.side_by_side(x, Some(y), &mut reached, &mut columns)?;
        columns.apply_transpose(dr, dx);
        Ok(())
    }
}

impl<R: RightHandSide> Ode<R> {
    /// Shows what each piece reaches, value by value, and starts the next one from y.
    fn pieces<D: Number>(
        &self,
        values: &[D],
        y: &[f64],
        mut see: impl FnMut(usize, D),
    ) -> Result<()> {
        let states = self.options.initial.len();
        self.expect_seen(y)?;
        self.march(values, |k, state| {
            for i in 0..states {
                see(k * states + i, self.observed(state, i));
            }
            self.restart(state, &y[k * states..]);
        })
    }

    /// A state as it was seen, which does not depend on x.
    pub(super) fn restart<D: Number>(&self, state: &mut [D], seen: &[f64]) {
        for (state, y) in state.iter_mut().zip(seen) {
            *state = D::from(if self.options.logarithm { y.exp() } else { *y });
        }
    }

    fn expect_seen(&self, y: &[f64]) -> Result<()> {
        let states = self.options.initial.len();
        expect_length("y", y.len(), self.options.times.len() * states)
    }
}
