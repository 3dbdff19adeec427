//! How sure an answer is: statistics of fits, posteriors of fields, and the choice of regularisation parameters.

pub mod criteria;
pub mod derived;
pub mod posterior;
pub mod statistics;
pub mod weight;
