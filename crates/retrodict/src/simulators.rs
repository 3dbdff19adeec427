//! The simulators, a file each.

mod exp;
mod heat;
mod poisson;
mod scaling;
mod sine;
mod square;

pub use exp::Exp;
pub use heat::Heat;
pub use poisson::{Boundary, Poisson};
pub use scaling::Scaling;
pub use sine::Sine;
pub use square::Square;
