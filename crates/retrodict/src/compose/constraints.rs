//! Linear constraints on x: A x ≤ b and C x = d, a name for each.

use crate::error::{Result, expect_finite, expect_length};
use crate::linalg::{Matrix, dot};
use crate::options::require;

/// More unknowns than this are too many for steps that keep constraints: they take dense decompositions.
const MOST: usize = 500;

/// An inequality with less room than this part of its terms holds as an equation.
const TOUCHED: f64 = 1e-9;

/// One constraint: a sum of multiples of the unknowns, and what it may be.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LinearConstraint {
    /// What it is called in messages, such as `x0 + 2 x1 <= 3`.
    pub name: String,
    /// The coefficient of each unknown.
    pub coefficients: Vec<f64>,
    /// How the sum relates to the value.
    pub relation: Relation,
    /// The value, in the unit of the sum.
    pub value: f64,
}

/// How the two sides of a constraint relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Relation {
    /// a·x ≤ b.
    AtMost,
    /// a·x = b.
    Equal,
    /// a·x ≥ b.
    AtLeast,
}

impl LinearConstraint {
    /// a·x ≤ b, = b or ≥ b.
    pub fn new(
        name: impl Into<String>,
        coefficients: impl Into<Vec<f64>>,
        relation: Relation,
        value: f64,
    ) -> Self {
        Self {
            name: name.into(),
            coefficients: coefficients.into(),
            relation,
            value,
        }
    }
}

/// A x ≤ b and C x = d, a row for each constraint: few, on up to 500 unknowns.
///
/// ```
/// use retrodict::compose::{LinearConstraint, LinearConstraints, Relation};
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::updates::LevenbergMarquardt;
/// // y = x is to be (3, 2), but x₀ + x₁ may be 4 at most.
/// let same = ScalingOptions::default().with_alpha(1.0).build()?;
/// let problem = Problem::new(same, SquaredError::half(), [3.0, 2.0])?;
/// let sum = LinearConstraint::new("x0 + x1 <= 4", [1.0, 1.0], Relation::AtMost, 4.0);
/// let constrained = problem.constrained_by(&LinearConstraints::new([sum]))?;
/// let solver = Solver::new(LevenbergMarquardt::default(), StopWhen::after(20));
/// let x = solver.solve(&constrained, &[0.0, 0.0])?.x;
/// assert!((x[0] - 2.5).abs() < 1e-9 && (x[1] - 1.5).abs() < 1e-9);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// Each constraint has a coefficient for each unknown.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct LinearConstraints {
    /// The constraints.
    pub rows: Vec<LinearConstraint>,
}

impl LinearConstraints {
    /// These constraints.
    pub fn new(rows: impl Into<Vec<LinearConstraint>>) -> Self {
        Self { rows: rows.into() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Checks the constraints of n unknowns, one by one.
    ///
    /// # Errors
    /// If one has another length, a value that is not finite, or no unknown; if there are more than 500 unknowns.
    pub fn validate(&self, n: usize) -> Result<()> {
        let allowed =
            format!("linear constraints are kept for up to {MOST} unknowns; use bounds or a prior");
        require(n <= MOST, "the number of constrained unknowns", n, &allowed)?;
        for row in &self.rows {
            let what = format!("constraint '{}'", row.name);
            expect_length(&what, row.coefficients.len(), n)?;
            expect_finite(&what, &row.coefficients)?;
            expect_finite(&format!("the value of {what}"), &[row.value])?;
            let some = row.coefficients.iter().any(|a| *a != 0.0);
            require(
                some,
                &what,
                "no unknown",
                "give it a coefficient that is not 0",
            )?;
        }
        Ok(())
    }

    /// The coefficients of the equalities, of n unknowns.
    pub(crate) fn equalities(&self, n: usize) -> Matrix {
        let rows = self
            .rows
            .iter()
            .filter(|row| row.relation == Relation::Equal);
        let values: Vec<f64> = rows.flat_map(|row| row.coefficients.clone()).collect();
        Matrix::from_vec(values.len() / n.max(1), n, values)
    }

    /// The names of the inequalities that hold as equations at x.
    pub(crate) fn touched(&self, x: &[f64]) -> Vec<String> {
        let holds = |row: &&LinearConstraint| {
            let terms = row.coefficients.iter().zip(x).map(|(a, x)| (a * x).abs());
            let size = row.value.abs() + terms.sum::<f64>();
            let off = dot(&row.coefficients, x) - row.value;
            row.relation != Relation::Equal && off.abs() <= TOUCHED * size
        };
        let rows = self.rows.iter().filter(holds);
        rows.map(|row| row.name.clone()).collect()
    }

    /// How far x is from meeting each constraint, in the unit of its sum: 0 where it does.
    pub fn violations(&self, x: &[f64]) -> Vec<f64> {
        let of = |row: &LinearConstraint| {
            let excess = dot(&row.coefficients, x) - row.value;
            match row.relation {
                Relation::AtMost => excess.max(0.0),
                Relation::Equal => excess.abs(),
                Relation::AtLeast => (-excess).max(0.0),
            }
        };
        self.rows.iter().map(of).collect()
    }
}
