//! What is not identifiable, in words.

use super::Statistics;
use crate::linalg::Matrix;

/// Shares of a direction below this are round-off of the decomposition.
const SHARE: f64 = 1e-6;

/// Longer sums are unreadable.
const TERMS: usize = 8;

/// Standard deviations that may be off by this fraction are reported.
const UNCERTAIN: f64 = 0.05;

/// An error of derivatives that may hide changes of y by this fraction is reported.
const ROUGH: f64 = 1e-3;

/// Two parameters whose correlation is at least this are hard to distinguish.
const CLOSE: f64 = 0.99;

impl Statistics {
    /// Says which directions are not identifiable, and which pairs of parameters the data barely distinguish; nothing if
    /// every parameter is well determined.
    ///
    /// `names` are those of the parameters; indices replace missing ones.
    pub fn in_words(&self, names: &[String]) -> Vec<String> {
        let name = |i: usize| names.get(i).cloned().unwrap_or_else(|| format!("x[{i}]"));
        let known = match self.derivative_error >= ROUGH {
            true => format!(
                " (to within the error of derivatives by finite differences, which may hide changes of y by {:.1} %; \
                 provide the model's derivatives, or output with less noise)",
                100.0 * self.derivative_error
            ),
            false => String::new(),
        };
        let mut words: Vec<String> = self
            .combinations()
            .iter()
            .map(|terms| match terms.as_slice() {
                [(i, _)] => format!(
                    "{} is not identifiable: y does not depend on it{known}",
                    name(*i)
                ),
                _ => format!(
                    "{} is not identifiable: changing x along it does not change y{known}",
                    sum(terms, &name)
                ),
            })
            .collect();
        if self.uncertainty >= UNCERTAIN {
            words.push(format!(
                "the derivatives are finite differences, whose error may change standard deviations by {:.0} %: \
                 provide the model's derivatives, or output with less noise",
                100.0 * self.uncertainty.min(1.0)
            ));
        }
        for i in 0..self.parameters.len() {
            for j in 0..i {
                let correlation = self.correlation(j, i);
                let known = self.deviations[i].is_finite() && self.deviations[j].is_finite();
                if known && correlation.abs() >= CLOSE {
                    words.push(format!(
                        "the data barely distinguish {} and {}: their correlation is {}",
                        name(j),
                        name(i),
                        signed(correlation)
                    ));
                }
            }
        }
        words
    }

    /// Says which parameters are constants because their bounds are equal, which lie on a bound, and which constraints hold as
    /// equations.
    ///
    /// `names` are as in [`in_words`](Self::in_words).
    pub fn bounds_in_words(&self, names: &[String]) -> Vec<String> {
        let list = |places: &[usize]| {
            let name = |i: &usize| names.get(*i).cloned().unwrap_or_else(|| format!("x[{i}]"));
            let shown: Vec<String> = places.iter().take(TERMS).map(name).collect();
            let more = match places.len().saturating_sub(TERMS) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            shown.join(", ") + &more
        };
        let mut words = Vec::new();
        if !self.fixed.is_empty() {
            words.push(format!(
                "fixed by equal bounds, and therefore not fitted: {}",
                list(&self.fixed)
            ));
        }
        if !self.on_bounds.is_empty() {
            words.push(format!(
                "at their bounds, which the confidence intervals do not take into account: {}",
                list(&self.on_bounds)
            ));
        }
        if !self.on_constraints.is_empty() {
            let names: Vec<String> = self
                .on_constraints
                .iter()
                .map(|n| format!("'{n}'"))
                .collect();
            words.push(format!(
                "constraints that hold as equations, which the confidence intervals do not take into account: {}",
                names.join(", ")
            ));
        }
        words
    }

    /// The null space: directions that are not identifiable, each with as few parameters as possible, as lists of
    /// (index, change) whose first change is 1.
    pub fn combinations(&self) -> Vec<Vec<(usize, f64)>> {
        let n = self.parameters.len();
        // In D x, where every parameter has the same effect.
        let mut rows = self.unseen.clone();
        for k in 0..rows.rows() {
            let scaled = rows.row_mut(k).iter_mut().zip(&self.effects);
            scaled.for_each(|(v, effect)| *v *= effect);
        }
        let pivots = reduce(&mut rows);
        // Below the error of J a share may be none.
        let least = SHARE.max(super::share(self.uncertainty));
        let terms = pivots.iter().enumerate().map(|(k, pivot)| {
            let change = |i: usize| rows[(k, i)] * self.effects[*pivot] / self.effects[i];
            let others = (0..n).filter(|i| i != pivot && rows[(k, *i)].abs() > least);
            std::iter::once((*pivot, 1.0))
                .chain(others.map(|i| (i, change(i))))
                .collect()
        });
        let mut terms: Vec<Vec<(usize, f64)>> = terms.collect();
        terms.sort_by_key(|terms| terms.first().map(|(i, _)| *i));
        terms
    }
}

/// The reduced echelon form by Gauss and Jordan, with the largest pivot each time; the column of each
/// row's pivot.
fn reduce(rows: &mut Matrix) -> Vec<usize> {
    let mut pivots: Vec<usize> = Vec::new();
    for k in 0..rows.rows() {
        // The first of those that are as large to round-off, so that the words do not depend on it.
        let size = |i: usize, j: usize| rows[(i, j)].abs();
        let (mut row, mut pivot) = (k, 0);
        for i in k..rows.rows() {
            for j in 0..rows.cols() {
                if size(i, j) > size(row, pivot) * (1.0 + 1e-9) {
                    (row, pivot) = (i, j);
                }
            }
        }
        let mut lead = rows.row(row).to_vec();
        let old = rows.row(k).to_vec();
        rows.row_mut(row).copy_from_slice(&old);
        let scale = 1.0 / lead[pivot];
        lead.iter_mut().for_each(|v| *v *= scale);
        rows.row_mut(k).copy_from_slice(&lead);
        for i in (0..rows.rows()).filter(|i| *i != k) {
            let share = rows[(i, pivot)];
            let pairs = rows.row_mut(i).iter_mut().zip(&lead);
            pairs.for_each(|(v, lead)| *v -= share * lead);
        }
        pivots.push(pivot);
    }
    pivots
}

/// Four decimals, with a true minus.
fn signed(value: f64) -> String {
    format!("{value:.4}").replace('-', "−")
}

/// a − 0.5 b + 2 c.
fn sum(terms: &[(usize, f64)], name: &impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for (k, (i, change)) in terms.iter().take(TERMS).enumerate() {
        let sign = match (k, *change < 0.0) {
            (0, false) => "",
            (0, true) => "−",
            (_, false) => " + ",
            (_, true) => " − ",
        };
        text.push_str(sign);
        let digits = format!("{:.3}", change.abs());
        let size = change.abs();
        if (size - 1.0).abs() > 5e-4 {
            let plain = (1e-2..1e4).contains(&size);
            let short = digits.trim_end_matches('0').trim_end_matches('.');
            text.push_str(&if plain {
                short.to_owned()
            } else {
                format!("{size:.2e}")
            });
            text.push(' ');
        }
        text.push_str(&name(*i));
    }
    if let Some(more) = terms.len().checked_sub(TERMS).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
