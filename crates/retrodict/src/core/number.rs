//! What models compute with: plain numbers, or numbers that carry derivatives.

use num_dual::DualNum;

/// Whatever a right-hand side computes with: plain numbers, or numbers that carry derivatives.
pub trait Number: DualNum<Primitive = f64> + Copy {}
impl<D: DualNum<Primitive = f64> + Copy> Number for D {}
