//! Second derivatives at x.

use super::Evaluation;
use super::silence::{silence, silenced};
use crate::error::{Error, Result};
use crate::interrupt;
use crate::linalg::Matrix;

impl Evaluation<'_> {
    /// Whether exact Hessian products are to be had: P is linear or brings second derivatives.
    pub fn has_hessian(&self) -> bool {
        let simulator = self.problem.simulator();
        self.problem.description().linear || simulator.second_order().is_some()
    }

    /// out = (∂²L/∂x²) dx = Jᵀ (∂²L/∂y²) J dx + (Σᵢ gᵢ ∇²Pᵢ) dx.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if P is nonlinear and brings no second derivatives.
    ///
    /// # Cost
    /// One jvp, one vjp and, where P is not linear, one second-order product.
    pub fn hessian_product(&self, dx: &[f64], out: &mut [f64]) -> Result<()> {
        let simulator = self.problem.simulator();
        let mut dy = vec![0.0; self.problem.outputs()];
        let mut h = vec![0.0; self.problem.outputs()];
        self.jvp(dx, &mut dy)?;
        let (y, target) = (self.y()?, self.problem.target());
        self.problem.loss().hessian_product(y, target, &dy, &mut h);
        self.vjp(&h, out)?;
        if self.problem.description().linear {
            return Ok(());
        }
        let second = simulator.second_order().ok_or_else(|| Error::Unsupported {
            rule: "an exact Hessian",
            needs: "second derivatives",
            simulator: self.problem.name(),
            instead: vec!["gauss-newton, levenberg-marquardt or limited-memory-bfgs".into()],
        })?;
        interrupt::check()?;
        self.tally.add(|c| c.second_order += 1);
        let mut curved = vec![0.0; out.len()];
        let (g, held) = (self.output_gradient()?, self.held()?);
        match held {
            None => second.vjp_derivative(&self.x, g, dx, &mut curved)?,
            Some(held) => {
                second.vjp_derivative(&self.x, g, &silenced(held, dx), &mut curved)?;
                silence(held, &mut curved);
            }
        }
        for (o, c) in out.iter_mut().zip(&curved) {
            *o += c;
        }
        Ok(())
    }

    /// The Hessian ∂²L/∂x², n × n, made symmetric; n Hessian products.
    pub fn hessian(&self) -> Result<Matrix> {
        let n = self.problem.inputs();
        let mut h = Matrix::zeros(n, n);
        let mut e = vec![0.0; n];
        for i in 0..n {
            e[i] = 1.0;
            self.hessian_product(&e, h.row_mut(i))?;
            e[i] = 0.0;
        }
        for i in 0..n {
            for j in 0..i {
                let mean = 0.5 * (h[(i, j)] + h[(j, i)]);
                h[(i, j)] = mean;
                h[(j, i)] = mean;
            }
        }
        Ok(h)
    }
}
