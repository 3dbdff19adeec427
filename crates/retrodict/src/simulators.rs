//! The simulators, a file each.

mod advection;
mod burgers;
mod exp;
mod fluid;
mod heat;
mod kuramoto_sivashinsky;
mod lorenz;
mod lotka_volterra;
mod oscillators;
mod pendulum;
mod poisson;
mod reaction_diffusion;
mod scaling;
mod schroedinger;
mod sine;
mod sir;
mod square;
mod wave;

pub use advection::{Advection, Shift};
pub use burgers::{Burgers, Transport};
pub use exp::Exp;
pub use fluid::{Flow, FlowWork, Fluid, FluidInput, FluidInverse, FluidOutput, Limiter, Marker};
pub use heat::Heat;
pub use kuramoto_sivashinsky::{Exponential, KuramotoSivashinsky};
pub use lorenz::Lorenz;
pub use lotka_volterra::LotkaVolterra;
pub use oscillators::{Chain, Oscillators};
pub use pendulum::Pendulum;
pub use poisson::{Boundary, Laplace, Poisson};
pub use reaction_diffusion::{GrayScott, ReactionDiffusion};
pub use scaling::Scaling;
pub use schroedinger::{CrankNicolson, Schroedinger};
pub use sine::Sine;
pub use sir::Sir;
pub use square::Square;
pub use wave::{Leapfrog, Wave};
