//! What physics must offer, and what a loss must: the traits that everything else is written for.

pub mod counts;
pub mod description;
pub mod loss;
pub mod noise;
pub mod number;
pub mod random;
pub mod share;
pub mod simulator;
pub mod space;
pub mod transform;
