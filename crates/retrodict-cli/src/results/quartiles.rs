//! Several seeds in a few numbers: median, quartiles and worst.

use serde::{Deserialize, Serialize};

use super::not_a_number::or_nan;

/// A quantity over several seeds, of which smaller is better.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quartiles {
    /// How many values there are.
    pub count: usize,
    /// The smallest.
    #[serde(deserialize_with = "or_nan")]
    pub best: f64,
    /// A quarter of the values are not above it.
    #[serde(deserialize_with = "or_nan")]
    pub lower: f64,
    /// The middle.
    #[serde(deserialize_with = "or_nan")]
    pub median: f64,
    /// A quarter of the values are not below it.
    #[serde(deserialize_with = "or_nan")]
    pub upper: f64,
    /// The largest.
    #[serde(deserialize_with = "or_nan")]
    pub worst: f64,
}

impl Quartiles {
    /// Of the values; what is not a number counts as infinite, since it is no success. Nothing of no values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let number = |v: f64| if v.is_nan() { f64::INFINITY } else { v };
        let mut sorted: Vec<f64> = values.into_iter().map(number).collect();
        sorted.sort_by(f64::total_cmp);
        let (best, worst) = (*sorted.first()?, *sorted.last()?);
        Some(Self {
            count: sorted.len(),
            best,
            lower: quantile(&sorted, 0.25),
            median: quantile(&sorted, 0.5),
            upper: quantile(&sorted, 0.75),
            worst,
        })
    }
}

/// Between the two values around the place, as NumPy does it.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * sorted.len().saturating_sub(1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let (low, high) = match (sorted.get(below), sorted.get(above)) {
        (Some(low), Some(high)) => (*low, *high),
        _ => return f64::NAN,
    };
    if low == high {
        return low;
    }
    low + (place - below as f64) * (high - low)
}

/// The middle of some values.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    Quartiles::of(values).map(|q| q.median)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// `numpy.quantile([1, 2, 4, 8, 16, 32], [0.25, 0.5, 0.75])` is 2.5, 6, 14.
    #[test]
    fn quartiles_are_those_of_numpy() {
        let q = Quartiles::of([8.0, 1.0, 32.0, 2.0, 16.0, 4.0]).unwrap();
        assert_eq!((q.lower, q.median, q.upper), (2.5, 6.0, 14.0));
        assert_eq!((q.best, q.worst, q.count), (1.0, 32.0, 6));
    }

    #[test]
    fn what_failed_is_the_worst_and_leaves_the_median_alone() {
        let q = Quartiles::of([f64::NAN, 1.0, 2.0, 3.0, f64::INFINITY]).unwrap();
        assert_eq!((q.lower, q.median), (2.0, 3.0));
        assert_eq!((q.upper, q.worst), (f64::INFINITY, f64::INFINITY));
        assert!(Quartiles::of([]).is_none());
    }
}
