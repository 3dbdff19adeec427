//! What a simulator tells of itself beside its values.

use std::collections::BTreeSet;

use derive_setters::Setters;

use crate::core::transform::Transform;

/// All that is only told of a simulator: nothing of it changes what `forward`, `jvp` and `vjp` compute.
///
/// A simulator made of another one says what is left of the other's description: in its own unknowns, and of its own y.
///
/// ```
/// use retrodict::{Description, Typical};
/// let description = Description::default().with_linear(true).with_typical(Typical::new(300.0, 10.0));
/// assert_eq!(description.typical.at(7), (300.0, 10.0));
/// assert!(description.labels.is_none());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Setters)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct Description {
    /// Where x typically lies: checks draw from there, and so may multi-start.
    pub typical: Typical,
    /// What y is, where it is a series in time: rows of the output are times.
    #[setters(into)]
    pub series: Option<Series>,
    /// Name and unit of each value of x, where these are parameters rather than a field.
    #[setters(into)]
    pub labels: Option<Vec<(String, String)>>,
    /// What each value of x stands for, where that is known and may be another one, as a rate of which x is the logarithm.
    #[setters(into)]
    pub stands_for: Option<Vec<StandsFor>>,
    /// Whether P is linear: then J does not depend on x and the second derivatives vanish.
    pub linear: bool,
    /// How J is found, where that is not exact or not the simulator's own: checks allow for the
    /// error, and the command line says the note.
    #[setters(into)]
    pub approximation: Option<Approximation>,
    /// Whether `linearize` keeps something that makes later products cheaper, such as a
    /// trajectory. If so, every evaluation linearises at once instead of calling `forward`.
    pub keeps_trajectory: bool,
}

/// What a value of x stands for: a parameter in its own unit.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StandsFor {
    /// Its name, such as `growth` where x is `ln growth`.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// From x to the parameter.
    pub transform: Transform,
}

impl StandsFor {
    /// A parameter by its name and unit, and how x maps to it.
    pub fn new(name: impl Into<String>, unit: impl Into<String>, transform: Transform) -> Self {
        Self {
            name: name.into(),
            unit: unit.into(),
            transform,
        }
    }
}

/// How far off a J may be, and why.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Approximation {
    /// The error of products with J, relative to their size; 0 where J is exact but dearer than usual.
    pub error: f64,
    /// How J is found and what that costs.
    pub note: String,
}

impl Approximation {
    /// Products with J that are off by this share of their size, and how J is found.
    pub fn new(error: f64, note: impl Into<String>) -> Self {
        Self {
            error,
            note: note.into(),
        }
    }

    /// The largest error of several, and all that they say.
    pub(crate) fn of_all(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut notes: Vec<String> = Vec::new();
        let mut error = 0.0_f64;
        for part in parts {
            error = error.max(part.error);
            if !notes.contains(&part.note) {
                notes.push(part.note);
            }
        }
        (!notes.is_empty()).then(|| Self {
            error,
            note: notes.join("; "),
        })
    }
}

/// The middle of the values of x and how far they spread: one for all of them, or one for each.
#[derive(Debug, Clone, PartialEq)]
pub struct Typical(Vec<(f64, f64)>);

impl Typical {
    /// All values of x spread around one centre, with this standard deviation.
    pub fn new(centre: f64, spread: f64) -> Self {
        Self(vec![(centre, spread)])
    }

    /// Centre and standard deviation of each value of x.
    pub fn for_each(values: Vec<(f64, f64)>) -> Self {
        match values.is_empty() {
            true => Self::default(),
            false => Self(values),
        }
    }

    /// Centre and standard deviation of one value of x.
    pub fn at(&self, i: usize) -> (f64, f64) {
        self.0[i.min(self.0.len() - 1)]
    }
}

impl Default for Typical {
    /// Around 0, with a standard deviation of 1.
    fn default() -> Self {
        Self::new(0.0, 1.0)
    }
}

/// What a y that is a series in time consists of.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Series {
    /// When each row of y is seen.
    pub times: Vec<f64>,
    /// The unit of time.
    pub time_unit: String,
    /// Name and unit of each column of y.
    pub columns: Vec<(String, String)>,
    /// Whether y holds logarithms of what the columns are.
    pub logarithm: bool,
}

impl Series {
    /// Columns with their names and units, seen at these times.
    pub fn new(
        times: impl Into<Vec<f64>>,
        time_unit: impl Into<String>,
        columns: impl Into<Vec<(String, String)>>,
    ) -> Self {
        Self {
            times: times.into(),
            time_unit: time_unit.into(),
            columns: columns.into(),
            logarithm: false,
        }
    }

    /// The same where y holds logarithms, or not.
    #[must_use]
    pub fn with_logarithm(mut self, logarithm: bool) -> Self {
        self.logarithm = logarithm;
        self
    }

    /// What is left at some places of y, if that is a series too: the same columns at each of its times.
    pub(crate) fn at(&self, places: &[usize]) -> Option<Self> {
        let width = self.columns.len().max(1);
        let first = places.first()? / width;
        let columns: Vec<usize> = places
            .iter()
            .take_while(|place| **place / width == first)
            .map(|place| place % width)
            .collect();
        let rows = places.chunks(columns.len());
        let whole = rows.clone().all(|row| {
            let of_row = |column: &usize| row[0] / width * width + column;
            row.iter().copied().eq(columns.iter().map(of_row))
        });
        let distinct = columns.iter().collect::<BTreeSet<_>>().len() == columns.len();
        let times: Vec<usize> = rows.map(|row| row[0] / width).collect();
        let pick = |time: &usize| self.times.get(*time).copied();
        (whole && distinct && times.is_sorted_by(|a, b| a < b)).then_some(())?;
        Some(Self {
            times: times.iter().map(pick).collect::<Option<_>>()?,
            columns: columns
                .iter()
                .map(|column| self.columns.get(*column).cloned())
                .collect::<Option<_>>()?,
            ..self.clone()
        })
    }
}

impl Series {
    /// This series and a later one of the same columns, if it is one.
    pub(crate) fn and_then(mut self, later: Self) -> Option<Self> {
        let same = Self {
            times: self.times.clone(),
            ..later.clone()
        } == self;
        self.times.extend(later.times);
        (same && self.times.is_sorted_by(|a, b| a < b)).then_some(self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_series_is_one_only_where_each_time_shows_the_same() {
        let name = |name: &str| (name.to_owned(), "1".to_owned());
        let whole = Series {
            times: vec![1.0, 2.0, 4.0],
            time_unit: "s".to_owned(),
            columns: vec![name("a"), name("b")],
            logarithm: true,
        };
        assert_eq!(whole.at(&[0, 1, 2, 3, 4, 5]).as_ref(), Some(&whole));
        let second = whole.at(&[1, 5]).unwrap();
        assert_eq!(
            (second.times, second.columns),
            (vec![1.0, 4.0], vec![name("b")])
        );
        let late = whole.at(&[2, 3, 4, 5]).unwrap();
        assert_eq!((late.times, late.columns.len()), (vec![2.0, 4.0], 2));
        // A hole, another column, a time that comes twice or too early, and a place beyond.
        for places in [&[0, 1, 3][..], &[0, 3], &[0, 0], &[2, 0], &[4, 6], &[]] {
            assert_eq!(whole.at(places), None, "{places:?}");
        }
    }

    #[test]
    fn what_several_say_of_j_is_said_once() {
        let how = |error, note: &str| Approximation {
            error,
            note: note.to_owned(),
        };
        let all = Approximation::of_all([how(0.1, "a"), how(0.3, "b"), how(0.2, "a")]);
        assert_eq!(all, Some(how(0.3, "a; b")));
        assert_eq!(Approximation::of_all([]), None);
    }
}
