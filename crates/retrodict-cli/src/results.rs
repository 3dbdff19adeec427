//! What a run found, as facts: the folder that holds them, and what several commands and reports say of them.

pub mod folder;
pub mod not_a_number;
pub mod own_units;
pub mod quartiles;
pub mod series;
pub mod sign_test;
pub mod survey;
pub mod verdict;
