//! The simulators, a file each.

mod exp;
mod scaling;
mod sine;
mod square;

pub use exp::Exp;
pub use scaling::Scaling;
pub use sine::Sine;
pub use square::Square;
