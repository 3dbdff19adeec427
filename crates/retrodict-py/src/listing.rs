//! What there is: simulators and methods of the registry.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use retrodict::registry::{EXTERNAL, List, RULES, SIMULATORS};
use toml::Table;

use crate::tables;

/// A simulator or method of the registry.
#[pyclass(frozen, module = "retrodict")]
pub struct Entry {
    name: &'static str,
    aliases: &'static [&'static str],
    sentence: &'static str,
    source: &'static str,
    defaults: Table,
}

#[pymethods]
impl Entry {
    /// Its name.
    #[getter]
    fn name(&self) -> &'static str {
        self.name
    }

    /// Other names it goes by in the literature.
    #[getter]
    fn aliases(&self) -> Vec<&'static str> {
        self.aliases.to_vec()
    }

    /// What it is, in a sentence.
    #[getter]
    fn sentence(&self) -> &'static str {
        self.sentence
    }

    /// Paper and equation, or book and chapter.
    #[getter]
    fn source(&self) -> &'static str {
        self.source
    }

    /// Its options and their defaults.
    #[getter]
    fn defaults<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        tables::dict(py, &self.defaults)
    }

    fn __repr__(&self) -> String {
        format!("<{}: {}>", self.name, self.sentence)
    }
}

/// All simulators, those behind servers and programs last.
#[pyfunction]
pub fn simulators() -> Vec<Entry> {
    [entries(&SIMULATORS), entries(&EXTERNAL)]
        .into_iter()
        .flatten()
        .collect()
}

/// All methods: update rules, by the names that `solve` takes.
#[pyfunction]
pub fn methods() -> Vec<Entry> {
    entries(&RULES)
}

fn entries<T>(list: &List<T>) -> Vec<Entry> {
    list.entries
        .iter()
        .map(|entry| Entry {
            name: entry.name,
            aliases: entry.aliases,
            sentence: entry.sentence,
            source: entry.source,
            defaults: (entry.defaults)(),
        })
        .collect()
}
