//! Samples out of arrays, a sample in each row: of a file, or of the description itself.

use std::sync::Arc;

use super::DataSpec;
use super::draw::DrawSpec;
use super::physics::Physics;
use crate::core::space::Space;
use crate::error::{Error, Result};
use crate::spec::values::{FileArray, Files};
use crate::training::Sample;

/// Arrays of samples that fit each other and the physics.
pub struct Rows {
    /// What they are called in messages.
    what: String,
    count: usize,
    target: FileArray,
    x: Option<FileArray>,
    input: Option<FileArray>,
}

impl Rows {
    /// The arrays of a description; `None` where samples are drawn.
    pub(super) fn read(
        draw: &DrawSpec,
        physics: &Physics,
        files: &dyn Files,
    ) -> Result<Option<Self>> {
        let (what, arrays) = match draw {
            DrawSpec::File { path } => (path.clone(), files.arrays(path)?),
            DrawSpec::Arrays { target, x, input } => {
                let named = [("target", target), ("x", x), ("input", input)];
                let given = named.into_iter().filter(|(_, rows)| !rows.is_empty());
                let arrays = given.map(|(name, rows)| array(name, rows));
                ("data.draw".to_owned(), arrays.collect::<Result<_>>()?)
            }
            _ => return Ok(None),
        };
        Self::of(what, arrays, physics).map(Some)
    }

    fn of(what: String, mut arrays: Vec<FileArray>, physics: &Physics) -> Result<Self> {
        for array in &arrays {
            if let Some(i) = array.values.iter().position(|v| !v.is_finite()) {
                return Err(Error::File {
                    message: format!(
                        "cannot read {what}: the array {} holds {} at index {i}, but every value must be finite; \
                         leave such samples out",
                        array.name, array.values[i]
                    ),
                });
            }
        }
        let names: Vec<String> = arrays.iter().map(|array| array.name.clone()).collect();
        let mut take = |wanted: &str| {
            let at = arrays.iter().position(|array| array.name == wanted)?;
            Some(arrays.swap_remove(at))
        };
        let Some(target) = take("target") else {
            let names = match names.as_slice() {
                [] => "no array".to_owned(),
                names => names.join(", "),
            };
            return Err(refused(
                &what,
                format!("it has no array 'target', the y* of each sample; it contains {names}"),
            ));
        };
        let rows = Self {
            count: target.shape.first().copied().unwrap_or(0),
            x: take("x"),
            input: take("input"),
            target,
            what,
        };
        let (x, y) = (physics.simulator.input(), physics.simulator.output());
        rows.check(&rows.target, Some(y.len()))?;
        for (array, width) in [(&rows.x, Some(x.len())), (&rows.input, None)] {
            if let Some(array) = array {
                rows.check(array, width)?;
            }
        }
        Ok(rows)
    }

    fn check(&self, array: &FileArray, width: Option<usize>) -> Result<()> {
        let wide = array.values.len() / self.count.max(1);
        let right = array.shape.first() == Some(&self.count) && width.is_none_or(|w| w == wide);
        if right {
            return Ok(());
        }
        Err(refused(
            &self.what,
            format!(
                "{} has the shape {:?}; expected {} rows of {} values",
                array.name,
                array.shape,
                self.count,
                width.map_or("any number of".to_owned(), |w| w.to_string())
            ),
        ))
    }

    /// What a network sees of a sample.
    pub(super) fn input(&self, physics: &Physics) -> Space {
        match &self.input {
            Some(array) => Space::new("input", &array.shape[1..], "1"),
            None => physics.simulator.output().clone(),
        }
    }

    /// The samples to learn from, and those that are held out: the last ones.
    pub(super) fn samples(
        &self,
        spec: &DataSpec,
        physics: &Physics,
    ) -> Result<(Vec<Sample>, Vec<Arc<Sample>>)> {
        let train = spec.train.unwrap_or(self.count.saturating_sub(spec.test));
        if train == 0 || train.saturating_add(spec.test) > self.count {
            return Err(refused(
                &self.what,
                format!(
                    "it contains {} samples, but data.train + data.test is {}; use fewer",
                    self.count,
                    train.max(1).saturating_add(spec.test)
                ),
            ));
        }
        let row = |array: &FileArray, i: usize| {
            let width = array.values.len() / self.count;
            array.values[i * width..(i + 1) * width].to_vec()
        };
        let sample = |i: usize| {
            let target = row(&self.target, i);
            let seen = self.input.as_ref().map(|array| row(array, i));
            let seen = seen.unwrap_or_else(|| target.clone());
            Sample::new(Arc::clone(&physics.simulator), target)
                .with_input(seen)
                .with_label(self.x.as_ref().map(|array| row(array, i)))
        };
        let held_out = (self.count - spec.test..self.count).map(|i| Arc::new(sample(i)));
        Ok(((0..train).map(sample).collect(), held_out.collect()))
    }
}

/// Rows as an array; all are to be as long as the first.
fn array(name: &str, rows: &[Vec<f64>]) -> Result<FileArray> {
    let width = rows.first().map_or(0, Vec::len);
    if let Some(i) = rows.iter().position(|row| row.len() != width) {
        return Err(refused(
            &format!("data.draw.{name}"),
            format!(
                "row {i} has {} values, but row 0 has {width}; give each sample as many",
                rows[i].len()
            ),
        ));
    }
    Ok(FileArray {
        name: name.to_owned(),
        shape: vec![rows.len(), width],
        values: rows.concat(),
    })
}

fn refused(what: &str, message: String) -> Error {
    Error::Config {
        what: what.to_owned(),
        message,
    }
}
