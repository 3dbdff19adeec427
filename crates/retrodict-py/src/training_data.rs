//! What `train` learns from: arrays, or how samples are drawn.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyDictMethods};
use retrodict::spec::{DataSpec, DrawSpec};
use toml::{Table, Value};

use crate::arrays::{self, Numbers, finite, type_name};
use crate::tables;
use crate::tables::described;

/// What is learned from, and the shapes that arrays tell.
pub struct TrainingData {
    /// As the library takes it.
    pub spec: DataSpec,
    /// The shape of one x.
    pub x: Option<Vec<usize>>,
    /// The shape of one y.
    pub y: Option<Vec<usize>>,
}

/// The keys beside those of a draw.
const COUNTS: [&str; 4] = ["train", "test", "fresh", "shuffle"];

impl TrainingData {
    /// Reads `{"target": …, "x": …, "test": …}`, `{"kind": "uniform", …, "train": …, "test": …}`, or what `data` of a
    /// description holds.
    ///
    /// # Errors
    /// If it is none of these, or arrays differ in their number of samples.
    pub fn read(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        let Ok(dict) = data.cast::<PyDict>() else {
            return Err(PyTypeError::new_err(format!(
                "data is a '{}', expected a dictionary: {{\"target\": …, \"x\": …}} with arrays, a sample in each row, or \
                 {{\"kind\": \"uniform\", \"low\": …, \"high\": …, \"train\": …}}",
                type_name(data)
            )));
        };
        if let Some(draw) = dict.get_item("draw")?
            && let Ok(inner) = draw.cast::<PyDict>()
            && inner.contains("target")?
        {
            let counts = dict.copy()?;
            counts.del_item("draw")?;
            return Self::of_arrays(inner, &counts);
        }
        if dict.contains("target")? {
            return Self::of_arrays(dict, dict);
        }
        let mut table = tables::table("data", dict)?;
        if !table.contains_key("draw") {
            let (counts, draw) = table
                .into_iter()
                .partition::<Table, _>(|(key, _)| COUNTS.contains(&key.as_str()));
            table = counts;
            table.insert("draw".to_owned(), draw.into());
        }
        Ok(Self {
            spec: described("data", table.into())?,
            x: None,
            y: None,
        })
    }

    fn of_arrays(dict: &Bound<'_, PyDict>, counts: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut found = [None, None, None];
        for (key, place) in ["target", "x", "input"].into_iter().zip(&mut found) {
            if let Some(array) = dict.get_item(key)?.filter(|array| !array.is_none()) {
                *place = Some(rows(key, &array)?);
            }
        }
        let [target, x, input] = found;
        let shape = |rows: &Option<Rows>| rows.as_ref().map(|rows| rows.shape.clone());
        let (x_shape, y_shape) = (shape(&x), shape(&target));
        let mut rest = Table::new();
        for (key, item) in counts.iter() {
            let key: String = key.extract()?;
            if !["target", "x", "input", "kind"].contains(&key.as_str()) {
                let value = tables::value(&format!("data[\"{key}\"]"), &item)?;
                rest.insert(key, value);
            }
        }
        let draw: [(&str, Value); 2] = [
            ("kind", "arrays".into()),
            ("target", Value::Array(Vec::new())),
        ];
        let draw = Table::from_iter(draw.map(|(key, value)| (key.to_owned(), value)));
        rest.insert("draw".to_owned(), draw.into());
        let mut spec: DataSpec = described("data", rest.into())?;
        let values = |rows: Option<Rows>| rows.map(|rows| rows.values).unwrap_or_default();
        spec.draw = DrawSpec::Arrays {
            target: values(target),
            x: values(x),
            input: values(input),
        };
        Ok(Self {
            spec,
            x: x_shape,
            y: y_shape,
        })
    }
}

/// The samples of an array.
struct Rows {
    values: Vec<Vec<f64>>,
    /// The shape of one.
    shape: Vec<usize>,
}

/// A sample in each row; an array along one axis holds one number for each sample.
fn rows(key: &str, array: &Bound<'_, PyAny>) -> PyResult<Rows> {
    let what = format!("data[\"{key}\"]");
    let Numbers { values, shape } = arrays::read(&what, array)?;
    let values = finite(&what, values)?;
    let (count, shape) = match shape.split_first() {
        Some((count, rest)) if !values.is_empty() => (*count, rest.to_vec()),
        _ => {
            return Err(PyValueError::new_err(format!(
                "{what} holds no sample; expected an array with a sample in each row"
            )));
        }
    };
    let width = values.len() / count;
    Ok(Rows {
        values: values.chunks(width).map(<[f64]>::to_vec).collect(),
        shape: if shape.is_empty() { vec![1] } else { shape },
    })
}
