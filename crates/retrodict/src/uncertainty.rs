//! How sure an answer is: statistics of fits, posteriors of fields, and the choice of regularisation parameters.

pub mod amplification;
pub mod criteria;
pub mod derived;
mod or_infinite;
pub mod posterior;
pub mod profile;
pub mod statistics;
pub mod weight;
