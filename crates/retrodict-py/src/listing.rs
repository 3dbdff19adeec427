//! What there is: simulators and methods of the registry.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use retrodict::registry::{EXTERNAL, List, RULES, SIMULATORS, Setting};
use toml::Table;

use crate::{pickling, tables};

/// A simulator or method of the registry.
#[pyclass(frozen, module = "retrodict")]
pub struct Entry {
    kind: &'static str,
    name: &'static str,
    aliases: &'static [&'static str],
    sentence: &'static str,
    source: &'static str,
    defaults: Table,
    settings: Vec<Setting>,
}

#[pymethods]
impl Entry {
    /// Its name.
    #[getter]
    fn name(&self) -> &'static str {
        self.name
    }

    /// Other names for it in the literature.
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

    /// Its options in their order: {"key", "kind", "default", "meaning"} of each; default is None where there is none.
    #[getter]
    fn options<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let one = |setting: &Setting| {
            let dict = PyDict::new(py);
            dict.set_item("key", &setting.key)?;
            dict.set_item("kind", &setting.kind)?;
            let defaults = tables::dict(py, &self.defaults)?;
            dict.set_item("default", defaults.get_item(&setting.key)?)?;
            dict.set_item("meaning", &setting.meaning)?;
            Ok(dict)
        };
        self.settings.iter().map(one).collect()
    }

    /// The entry and its options as text: what `print` shows.
    fn __str__(&self) -> String {
        let mut text = format!(
            "{} ({}): {} [{}]",
            self.name, self.kind, self.sentence, self.source
        );
        for Setting {
            key,
            kind,
            default,
            meaning,
            ..
        } in &self.settings
        {
            let default = default.as_ref().map(|value| format!(", default {value}"));
            text.push_str(&format!(
                "\n  {key} ({kind}{}): {meaning}",
                default.unwrap_or_default()
            ));
        }
        text
    }

    fn __repr__(&self) -> String {
        format!("<{}: {}>", self.name, self.sentence)
    }

    /// It never changes, and so is its own copy.
    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// It never changes, and so is its own copy.
    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        pickling::parts(py, "_entry", (self.kind, self.name))
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
            kind: list.kind,
            name: entry.name,
            aliases: entry.aliases,
            sentence: entry.sentence,
            source: entry.source,
            defaults: entry.defaults(),
            settings: entry.settings(),
        })
        .collect()
}

/// What pickle makes an entry of.
#[pyfunction]
#[pyo3(name = "_entry")]
pub fn unpickled(kind: &str, name: &str) -> PyResult<Entry> {
    let all = [simulators(), methods()].into_iter().flatten();
    let mut named = all.filter(|entry| entry.kind == kind && entry.name == name);
    named.next().ok_or_else(|| {
        PyValueError::new_err(format!("this version of retrodict has no {kind} '{name}'"))
    })
}
