//! retrodict for Python: arrays, functions and exceptions of Python at the doors of the library, and no
//! numerics of its own.
//!
//! What Python calls runs without the interpreter's lock; it is taken for each call of the user's code.

use pyo3::pymodule;

mod arrays;
mod check;
mod data_sets;
mod ensemble;
mod errors;
mod facts;
mod files;
mod functions;
mod invert;
mod known;
mod learning;
mod listing;
mod methods;
mod model;
mod names;
mod network;
mod observer;
mod parameters;
mod pickling;
mod posed;
mod posterior;
mod prediction;
mod process;
mod runs;
mod signals;
mod simulator;
mod solution;
mod solve;
mod statistics;
mod subject;
mod tables;
mod terms;
mod train;
mod trained;
mod training_data;
mod training_terms;

/// The compiled part of the package `retrodict`.
#[pymodule]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    #[pymodule_export]
    use crate::check::{Check, Checks, all_unpickled, check, unpickled as unpickled_check};
    #[pymodule_export]
    use crate::ensemble::Ensemble;
    #[pymodule_export]
    use crate::errors::SimulationError;
    #[pymodule_export]
    use crate::invert::invert;
    #[pymodule_export]
    use crate::listing::{Entry, methods, simulators, unpickled as unpickled_entry};
    #[pymodule_export]
    use crate::network::{Network, unpickled as unpickled_network};
    #[pymodule_export]
    use crate::observer::{Record, unpickled as unpickled_record};
    #[pymodule_export]
    use crate::posterior::Posterior;
    #[pymodule_export]
    use crate::simulator::{Simulator, simulator, unpickled as unpickled_simulator};
    #[pymodule_export]
    use crate::solution::{Solution, unpickled as unpickled_solution};
    #[pymodule_export]
    use crate::solve::solve;
    #[pymodule_export]
    use crate::statistics::{Statistics, unpickled as unpickled_statistics};
    #[pymodule_export]
    use crate::train::train;
    #[pymodule_export]
    use crate::trained::{Trained, unpickled as unpickled_trained};
}
