//! Quantities that follow from parameters, and how sure they are.

use serde::{Deserialize, Serialize};

use super::statistics::{Interval, Noise, Statistics, reach};
use crate::compose::parameters::Parameters;
use crate::error::{Result, expect_length};
use crate::linalg::norm;
use crate::models::expression::Expression;

/// A quantity that follows from named parameters, such as `contact / recovery`.
///
/// ```
/// use retrodict::compose::parameters::{Parameter, Parameters};
/// use retrodict::models::expression::Expression;
/// use retrodict::uncertainty::derived::Quantity;
/// let table = Parameters::new(vec![Parameter::new("contact"), Parameter::new("recovery")])?;
/// let ratio = Quantity::new("R0", Expression::parse("contact / recovery")?, &table)?;
/// assert_eq!(ratio.value(&table, &[0.75, 0.25])?, 3.0);
/// assert_eq!(ratio.gradient(&table, &[0.5, 0.25])?, [4.0, -8.0]);
/// # Ok::<(), retrodict::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Quantity {
    /// What it is called.
    pub name: String,
    /// Its unit; `1` where none is said.
    pub unit: String,
    formula: Expression,
}

impl Quantity {
    /// A quantity by its formula in the parameters of a table.
    ///
    /// # Errors
    /// [`Error::UnknownName`](crate::Error::UnknownName) with the nearest name where the formula names another one.
    pub fn new(
        name: impl Into<String>,
        formula: Expression,
        parameters: &Parameters,
    ) -> Result<Self> {
        Ok(Self {
            name: name.into(),
            unit: "1".to_owned(),
            formula: formula.among("parameter", &parameters.names())?,
        })
    }

    /// The same with a unit.
    #[must_use]
    pub fn with_unit(self, unit: impl Into<String>) -> Self {
        Self {
            unit: unit.into(),
            ..self
        }
    }

    /// Its formula.
    pub fn formula(&self) -> &Expression {
        &self.formula
    }

    /// Its value at p, the free parameters.
    ///
    /// # Errors
    /// If p has another length.
    pub fn value(&self, parameters: &Parameters, p: &[f64]) -> Result<f64> {
        expect_length("p", p.len(), parameters.unknowns())?;
        Ok(self.formula.evaluate(&parameters.values(p)))
    }

    /// Its derivative by each free parameter.
    ///
    /// # Errors
    /// If p has another length.
    pub fn gradient(&self, parameters: &Parameters, p: &[f64]) -> Result<Vec<f64>> {
        let slopes = parameters.jacobian(p)?;
        let by_all = self.formula.gradient(&parameters.values(p));
        let mut gradient = vec![0.0; p.len()];
        slopes.apply_transpose(&by_all, &mut gradient);
        Ok(gradient)
    }
}

/// A quantity with its standard deviation and its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DerivedValue {
    /// What it is called.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Its value.
    pub value: f64,
    /// Its standard deviation; infinite where it is not identifiable.
    #[serde(with = "super::or_infinite")]
    pub deviation: f64,
    /// Its interval, symmetric.
    pub interval: Interval,
}

impl Statistics {
    /// A quantity that follows from the parameters, with its standard deviation by linear propagation: √(gᵀ C g), with g
    /// its gradient. Where it changes along what is not identifiable, the deviation is infinite.
    ///
    /// # Errors
    /// If these are not the statistics of the table's free parameters, or the level does not lie in (0, 1).
    ///
    /// # Source
    /// Seber & Wild, *Nonlinear Regression*, 5.1 (the delta method).
    pub fn derived(
        &self,
        quantity: &Quantity,
        parameters: &Parameters,
        level: f64,
    ) -> Result<DerivedValue> {
        let value = quantity.value(parameters, &self.parameters)?;
        let gradient = quantity.gradient(parameters, &self.parameters)?;
        let deviation = self.deviation_along(&gradient);
        let degrees = (self.noise == Noise::Estimated).then_some(self.degrees_of_freedom);
        let reach = reach(level, degrees)?;
        let transform = crate::Transform::None;
        Ok(DerivedValue {
            name: quantity.name.clone(),
            unit: quantity.unit.clone(),
            value,
            deviation,
            interval: Interval::around(value, deviation, reach, &transform),
        })
    }

    /// √(gᵀ C g); infinite where g has a part that is not identifiable.
    pub(super) fn deviation_along(&self, gradient: &[f64]) -> f64 {
        let mut spread = vec![0.0; gradient.len()];
        self.covariance.apply(gradient, &mut spread);
        let variance: f64 = spread.iter().zip(gradient).map(|(s, g)| s * g).sum();
        match self.sees(gradient) {
            true => variance.max(0.0).sqrt(),
            false => f64::INFINITY,
        }
    }

    /// Whether a direction lies in what is identifiable, to within round-off and the error of J.
    fn sees(&self, gradient: &[f64]) -> bool {
        // In D x, where every parameter has the same effect.
        let scaled: Vec<f64> = gradient
            .iter()
            .zip(&self.effects)
            .map(|(g, e)| g / e)
            .collect();
        let length = norm(&scaled);
        (0..self.unseen.rows()).all(|k| {
            let along: f64 = self
                .unseen
                .row(k)
                .iter()
                .zip(gradient)
                .map(|(u, g)| u * g)
                .sum();
            along.abs() <= super::statistics::share(self.uncertainty) * length
        })
    }
}
