//! Ten problems of Hock & Schittkowski with linear constraints that are sums of squares, with their published solutions.
//!
//! Hock & Schittkowski, *Test Examples for Nonlinear Programming Codes* (Lecture Notes in Economics and Mathematical Systems
//! 187, Springer 1981).

use retrodict::Bounds;
use retrodict::compose::{LinearConstraint, LinearConstraints, Relation};
use retrodict::core::number::Number;
use retrodict::models::curve::Model;

/// The residuals of a problem: t is the number of the residual.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Residuals {
    pub problem: usize,
}

impl Model for Residuals {
    fn name(&self) -> &'static str {
        "Hock & Schittkowski"
    }
    fn parameters(&self) -> usize {
        published(self.problem).start.len()
    }
    fn value<D: Number>(&self, t: &[f64], x: &[D]) -> D {
        let i = t[0] as usize;
        let all: Vec<D> = match self.problem {
            21 => vec![x[0] * 0.1, x[1]],
            28 => vec![x[0] + x[1], x[1] + x[2]],
            // 9 − 8x₁ − 6x₂ − 4x₃ + 2x₁² + 2x₂² + x₃² + 2x₁x₂ + 2x₁x₃ is a sum of three squares.
            35 => vec![
                (x[0] * 2.0 + x[1] + x[2] - 4.0) * 0.5_f64.sqrt(),
                (x[1] * 3.0 - x[2] - 2.0) * (1.0 / 6.0_f64).sqrt(),
                (x[2] - 1.0) * (1.0 / 3.0_f64).sqrt(),
            ],
            48 => vec![x[0] - 1.0, x[1] - x[2], x[3] - x[4]],
            49 => vec![
                x[0] - x[1],
                x[2] - 1.0,
                (x[3] - 1.0) * (x[3] - 1.0),
                (x[4] - 1.0) * (x[4] - 1.0) * (x[4] - 1.0),
            ],
            50 => vec![
                x[0] - x[1],
                x[1] - x[2],
                (x[2] - x[3]) * (x[2] - x[3]),
                x[3] - x[4],
            ],
            51 => vec![x[0] - x[1], x[1] + x[2] - 2.0, x[3] - 1.0, x[4] - 1.0],
            52 => vec![x[0] * 4.0 - x[1], x[1] + x[2] - 2.0, x[3] - 1.0, x[4] - 1.0],
            53 => vec![x[0] - x[1], x[1] + x[2] - 2.0, x[3] - 1.0, x[4] - 1.0],
            // x₁² + x₂²/2 + x₃² + x₄²/2 − x₁x₃ + x₃x₄ − x₁ − 3x₂ + x₃ − x₄, and a constant.
            76 => vec![
                x[0] - x[2] * 0.5 - 0.5,
                (x[1] - 3.0) * 0.5_f64.sqrt(),
                (x[2] * 3.0 + x[3] * 2.0 + 1.0) * (1.0 / 12.0_f64).sqrt(),
                (x[3] - 4.0) * (1.0 / 6.0_f64).sqrt(),
            ],
            other => panic!("there is no problem {other} here"),
        };
        all[i]
    }
}

/// A problem: what is published of it.
pub struct Published {
    pub start: Vec<f64>,
    pub solution: Vec<f64>,
    /// The least value, and what is added to the sum of squares to give it.
    pub value: f64,
    pub constant: f64,
    pub residuals: usize,
    pub constraints: LinearConstraints,
    pub bounds: Option<Bounds>,
}

pub const PROBLEMS: [usize; 10] = [21, 28, 35, 48, 49, 50, 51, 52, 53, 76];

fn row(coefficients: &[f64], relation: Relation, value: f64) -> LinearConstraint {
    let name = format!("row {coefficients:?} of {value}");
    LinearConstraint::new(name, coefficients, relation, value)
}

pub fn published(problem: usize) -> Published {
    use Relation::{AtLeast, AtMost, Equal};
    let fifths = |list: [f64; 5], by: f64| list.map(|v| v / by).to_vec();
    let of_51 = |value: f64| {
        vec![
            row(&[1.0, 3.0, 0.0, 0.0, 0.0], Equal, value),
            row(&[0.0, 0.0, 1.0, 1.0, -2.0], Equal, 0.0),
            row(&[0.0, 1.0, 0.0, 0.0, -1.0], Equal, 0.0),
        ]
    };
    let (start, solution, value, constant, residuals, constraints, bounds) = match problem {
        21 => (
            vec![-1.0, -1.0],
            vec![2.0, 0.0],
            -99.96,
            -100.0,
            2,
            vec![row(&[10.0, -1.0], AtLeast, 10.0)],
            Some(Bounds::new(vec![2.0, -50.0], vec![50.0, 50.0])),
        ),
        28 => (
            vec![-4.0, 1.0, 1.0],
            vec![0.5, -0.5, 0.5],
            0.0,
            0.0,
            2,
            vec![row(&[1.0, 2.0, 3.0], Equal, 1.0)],
            None,
        ),
        35 => (
            vec![0.5; 3],
            vec![4.0 / 3.0, 7.0 / 9.0, 4.0 / 9.0],
            1.0 / 9.0,
            0.0,
            3,
            vec![row(&[1.0, 1.0, 2.0], AtMost, 3.0)],
            Some(Bounds::new(vec![0.0], vec![])),
        ),
        48 => (
            vec![3.0, 5.0, -3.0, 2.0, -2.0],
            vec![1.0; 5],
            0.0,
            0.0,
            3,
            vec![
                row(&[1.0; 5], Equal, 5.0),
                row(&[0.0, 0.0, 1.0, -2.0, -2.0], Equal, -3.0),
            ],
            None,
        ),
        49 => (
            vec![10.0, 7.0, 2.0, -3.0, 0.8],
            vec![1.0; 5],
            0.0,
            0.0,
            4,
            vec![
                row(&[1.0, 1.0, 1.0, 4.0, 0.0], Equal, 7.0),
                row(&[0.0, 0.0, 1.0, 0.0, 5.0], Equal, 6.0),
            ],
            None,
        ),
        50 => (
            vec![35.0, -31.0, 11.0, 5.0, -5.0],
            vec![1.0; 5],
            0.0,
            0.0,
            4,
            vec![
                row(&[1.0, 2.0, 3.0, 0.0, 0.0], Equal, 6.0),
                row(&[0.0, 1.0, 2.0, 3.0, 0.0], Equal, 6.0),
                row(&[0.0, 0.0, 1.0, 2.0, 3.0], Equal, 6.0),
            ],
            None,
        ),
        51 => (
            vec![2.5, 0.5, 2.0, -1.0, 0.5],
            vec![1.0; 5],
            0.0,
            0.0,
            4,
            of_51(4.0),
            None,
        ),
        52 => (
            vec![2.0; 5],
            fifths([-33.0, 11.0, 180.0, -158.0, 11.0], 349.0),
            1859.0 / 349.0,
            0.0,
            4,
            of_51(0.0),
            None,
        ),
        53 => (
            vec![2.0; 5],
            fifths([-33.0, 11.0, 27.0, -5.0, 11.0], 43.0),
            176.0 / 43.0,
            0.0,
            4,
            of_51(0.0),
            Some(Bounds::new(vec![-10.0], vec![10.0])),
        ),
        76 => (
            vec![0.5; 4],
            vec![0.272_727_3, 2.090_909, 0.0, 0.545_454_5],
            -4.681_818_181,
            // The squares at x = 0.
            -(0.25 + 4.5 + 1.0 / 12.0 + 16.0 / 6.0),
            4,
            vec![
                row(&[1.0, 2.0, 1.0, 1.0], AtMost, 5.0),
                row(&[3.0, 1.0, 2.0, -1.0], AtMost, 4.0),
                row(&[0.0, 1.0, 4.0, 0.0], AtLeast, 1.5),
            ],
            Some(Bounds::new(vec![0.0], vec![])),
        ),
        other => panic!("there is no problem {other} here"),
    };
    Published {
        start,
        solution,
        value,
        constant,
        residuals,
        constraints: LinearConstraints::new(constraints),
        bounds,
    }
}
