//! A quantity in the unknowns that rules see.

use super::Along;
use crate::compose::parameters::Parameters;
use crate::core::transform::Transform;
use crate::error::{Result, expect_length};
use crate::linalg::Matrix;
use crate::options::require;
use crate::problem::Problem;
use crate::uncertainty::derived::Quantity;
use crate::uncertainty::statistics::Statistics;

/// What a profile runs along, in z with x = T(z): the coordinate u is z itself for an unknown, and the value of a quantity.
pub(super) struct Coordinate {
    kind: Kind,
    transforms: Vec<Transform>,
    /// The standard deviation of u in the linearised model.
    pub(super) deviation: f64,
    /// The same of the value itself.
    pub(super) value_deviation: f64,
    /// How z follows u in the linearised model.
    pub(super) direction: Vec<f64>,
    /// How far each z reaches: what makes one fit to be eliminated.
    pub(super) scales: Vec<f64>,
    /// The unknowns that bounds fix.
    pub(super) fixed: Vec<usize>,
}

enum Kind {
    Unknown(usize),
    Quantity(Quantity, Parameters),
}

impl Coordinate {
    pub(super) fn new(
        problem: &Problem,
        statistics: &Statistics,
        along: Along<'_>,
    ) -> Result<Self> {
        let x = &statistics.parameters;
        let n = x.len();
        let z = problem.unknowns(x)?;
        let transforms = match problem.transforms() {
            [] => vec![Transform::None; n],
            transforms => transforms.to_vec(),
        };
        let slopes: Vec<f64> = transforms
            .iter()
            .zip(&z)
            .map(|(t, z)| t.slope(*z))
            .collect();
        let mut covariance = Matrix::zeros(n, n);
        for i in 0..n {
            for j in 0..n {
                covariance[(i, j)] = statistics.covariance[(i, j)] / (slopes[i] * slopes[j]);
            }
        }
        let kind = match along {
            Along::Unknown(i) => {
                let allowed = format!("there are {n} unknowns, counted from 0");
                require(i < n, "profile", i, &allowed)?;
                require(
                    !statistics.fixed.contains(&i),
                    "profile",
                    format!("x[{i}]"),
                    "it is fixed by equal bounds, and has no profile",
                )?;
                Kind::Unknown(i)
            }
            Along::Quantity(quantity, parameters) => {
                expect_length("the free parameters", n, parameters.unknowns())?;
                Kind::Quantity(quantity.clone(), parameters.clone())
            }
        };
        let mut seen = Self {
            kind,
            transforms,
            deviation: f64::INFINITY,
            value_deviation: f64::INFINITY,
            direction: vec![0.0; n],
            scales: z.iter().map(|z| z.abs().max(1e-3)).collect(),
            fixed: statistics.fixed.clone(),
        };
        for (i, deviation) in statistics.deviations.iter().enumerate() {
            if deviation.is_finite() {
                seen.scales[i] = deviation / slopes[i].abs();
            }
        }
        let gradient = seen.gradient(&z)?;
        let (whole, deviation) = seen.spread(statistics, &gradient, &slopes)?;
        seen.value_deviation = deviation;
        if whole.is_finite() && whole > 0.0 {
            seen.deviation = whole;
            covariance.apply(&gradient, &mut seen.direction);
            let square = whole * whole;
            seen.direction.iter_mut().for_each(|d| *d /= square);
        }
        Ok(seen)
    }

    /// The standard deviations of u and of the value.
    fn spread(
        &self,
        statistics: &Statistics,
        gradient: &[f64],
        slopes: &[f64],
    ) -> Result<(f64, f64)> {
        match &self.kind {
            Kind::Unknown(i) => {
                let deviation = statistics.deviations[*i];
                Ok((deviation / slopes[*i].abs(), deviation))
            }
            Kind::Quantity(..) => {
                let of_x: Vec<f64> = gradient.iter().zip(slopes).map(|(g, s)| g / s).collect();
                let deviation = statistics.deviation_along(&of_x);
                Ok((deviation, deviation))
            }
        }
    }

    /// u at z.
    pub(super) fn coordinate(&self, z: &[f64]) -> Result<f64> {
        match &self.kind {
            Kind::Unknown(i) => Ok(z[*i]),
            Kind::Quantity(quantity, parameters) => quantity.value(parameters, &self.x(z)),
        }
    }

    /// ∂u/∂z.
    pub(super) fn gradient(&self, z: &[f64]) -> Result<Vec<f64>> {
        match &self.kind {
            Kind::Unknown(i) => Ok((0..z.len()).map(|j| f64::from(*i == j)).collect()),
            Kind::Quantity(quantity, parameters) => {
                let mut gradient = quantity.gradient(parameters, &self.x(z))?;
                let pairs = gradient.iter_mut().zip(&self.transforms).zip(z);
                pairs.for_each(|((g, t), z)| *g *= t.slope(*z));
                Ok(gradient)
            }
        }
    }

    /// The value that u stands for.
    pub(super) fn value(&self, u: f64) -> f64 {
        match &self.kind {
            Kind::Unknown(i) => self.transforms[*i].apply(u),
            Kind::Quantity(..) => u,
        }
    }

    /// The unknown itself, if it is one.
    pub(super) fn unknown(&self) -> Option<usize> {
        match &self.kind {
            Kind::Unknown(i) => Some(*i),
            Kind::Quantity(..) => None,
        }
    }

    /// Whether u counts factors.
    pub(super) fn is_relative(&self) -> bool {
        let transform = self.unknown().map(|i| self.transforms[i]);
        transform.is_some_and(|transform| !transform.is_linear())
    }

    pub(super) fn x(&self, z: &[f64]) -> Vec<f64> {
        let pairs = self.transforms.iter().zip(z);
        pairs.map(|(t, z)| t.apply(*z)).collect()
    }
}
