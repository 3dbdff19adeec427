//! What makes simulators of less: of a time step, a right-hand side, a curve, a server or a program.

pub mod curve;
pub mod expression;
pub mod external;
pub mod ode;
pub mod rk4;
pub mod rollout;
