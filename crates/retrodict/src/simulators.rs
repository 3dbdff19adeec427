//! The simulators, a file each.

mod advection;
mod burgers;
mod exp;
mod heat;
mod kuramoto_sivashinsky;
mod oscillators;
mod poisson;
mod reaction_diffusion;
mod scaling;
mod schroedinger;
mod sine;
mod square;
mod wave;

pub use advection::{Advection, Shift};
pub use burgers::{Burgers, Transport};
pub use exp::Exp;
pub use heat::Heat;
pub use kuramoto_sivashinsky::{Exponential, KuramotoSivashinsky};
pub use oscillators::{Chain, Oscillators};
pub use poisson::{Boundary, Poisson};
pub use reaction_diffusion::{GrayScott, ReactionDiffusion};
pub use scaling::Scaling;
pub use schroedinger::{CrankNicolson, Schroedinger};
pub use sine::Sine;
pub use square::Square;
pub use wave::{Leapfrog, Wave};
