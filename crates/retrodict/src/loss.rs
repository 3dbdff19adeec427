//! What "near the observations" means: L(y, y*), and the Newton step that belongs to it.

use crate::error::Result;

/// A loss L(y, y*) on the output space.
///
/// The Newton step in y-space belongs to the loss: its Hessian there is small and known.
/// Every loss states in its own page whether it carries ½. A batch is a list of
/// independent problems, so no loss averages over one.
///
/// # Shapes
/// All slices have the length of y.
///
/// # Units
/// L may carry a unit; `gradient` is then in \[L\]/\[y\] and `newton_step` in \[y\].
pub trait Loss: Send + Sync {
    /// The formula, for tables and reports.
    fn formula(&self) -> String;
    /// Checks that the loss fits outputs of this length.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if, say, the weights are too few.
    fn check(&self, _outputs: usize) -> Result<()> {
        Ok(())
    }
    /// L(y, y*).
    fn value(&self, y: &[f64], target: &[f64]) -> f64;
    /// out = ∂L/∂y.
    fn gradient(&self, y: &[f64], target: &[f64], out: &mut [f64]);
    /// out = (∂²L/∂y²) dy, exact.
    fn hessian_product(&self, y: &[f64], target: &[f64], dy: &[f64], out: &mut [f64]);
    /// out = W v, where WᵀW is the curvature of L: the Hessian, or where that may vanish or
    /// turn negative its positive majoriser. Gauss–Newton minimises ‖W (J Δx − Δy)‖.
    fn whiten(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]);
    /// out = Wᵀ v.
    fn whiten_transpose(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]);
    /// dy = −(WᵀW)⁻¹ ∂L/∂y: where the loss would like y to go.
    fn newton_step(&self, y: &[f64], target: &[f64], dy: &mut [f64]) -> Result<()>;
}
