//! The simulators, a file each.

mod exp;
mod heat;
mod scaling;
mod sine;
mod square;

pub use exp::Exp;
pub use heat::Heat;
pub use scaling::Scaling;
pub use sine::Sine;
pub use square::Square;
