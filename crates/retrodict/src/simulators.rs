//! The simulators, a file each.

mod advection;
mod burgers;
mod deriv2;
mod exp;
mod fitzhugh_nagumo;
mod fluid;
mod formula;
mod gravity;
mod heat;
mod integral;
mod kuramoto_sivashinsky;
mod lorenz;
mod lotka_volterra;
mod oscillators;
mod pendulum;
mod phillips;
mod poisson;
mod reaction_diffusion;
mod scaling;
mod schroedinger;
mod shaw;
mod sine;
mod sir;
mod square;
mod volterra;
mod wave;

pub use advection::{Advection, AdvectionOptions, Shift};
pub use burgers::{Burgers, BurgersOptions, Transport};
pub use deriv2::{Deriv2, Deriv2Options};
pub use exp::{Exp, ExpOptions};
pub use fitzhugh_nagumo::FitzHughNagumo;
pub use fluid::{
    Flow, FlowWork, Fluid, FluidInput, FluidInverse, FluidOptions, FluidOutput, Limiter, Marker,
};
pub use formula::{Formula, FormulaOptions};
pub use gravity::{Gravity, GravityOptions};
pub use heat::{Heat, HeatOptions};
pub use integral::IntegralEquation;
pub use kuramoto_sivashinsky::{Exponential, KuramotoSivashinsky, KuramotoSivashinskyOptions};
pub use lorenz::Lorenz;
pub use lotka_volterra::LotkaVolterra;
pub use oscillators::{Chain, Oscillators, OscillatorsOptions};
pub use pendulum::Pendulum;
pub use phillips::{Phillips, PhillipsOptions};
pub use poisson::{Boundary, Laplace, LaplaceOptions, Poisson, PoissonOptions};
pub use reaction_diffusion::{GrayScott, ReactionDiffusion, ReactionDiffusionOptions};
pub use scaling::{Scaling, ScalingOptions};
pub use schroedinger::{CrankNicolson, Schroedinger, SchroedingerOptions};
pub use shaw::{Shaw, ShawOptions};
pub use sine::{Sine, SineOptions};
pub use sir::Sir;
pub use square::{Square, SquareOptions};
pub use volterra::{Volterra, VolterraOptions};
pub use wave::{Leapfrog, Wave, WaveOptions};
