//! The simulators, a file each.

mod exp;
mod heat;
mod oscillators;
mod poisson;
mod scaling;
mod schroedinger;
mod sine;
mod square;

pub use exp::Exp;
pub use heat::Heat;
pub use oscillators::{Chain, Oscillators};
pub use poisson::{Boundary, Poisson};
pub use scaling::Scaling;
pub use schroedinger::{CrankNicolson, Schroedinger};
pub use sine::Sine;
pub use square::Square;
