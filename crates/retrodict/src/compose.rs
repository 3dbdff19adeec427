//! Simulators made of simulators, and what is done to their unknowns: transforms and bounds.

pub(crate) mod bounds;
pub(crate) mod chained;
pub(crate) mod constraints;
pub(crate) mod face;
pub(crate) mod facets;
pub mod parameters;
pub(crate) mod polyhedron;
pub(crate) mod residual;
pub(crate) mod selected;
pub(crate) mod stacked;
pub(crate) mod transformed;

pub use crate::core::transform::Transform;
pub use bounds::Bounds;
pub use constraints::{LinearConstraint, LinearConstraints, Relation};
pub use parameters::{Parameter, Parameterised, Parameters};
pub use residual::ResidualAt;
pub use selected::Selected;
pub use stacked::Stacked;
pub use transformed::Transformed;
