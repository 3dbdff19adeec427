//! Curves: a model f(t; p), written once, becomes a simulator from parameters to the values
//! at given places, with exact first and second derivatives.

use derive_setters::Setters;
use num_dual::{Dual, Dual64, DualSVec64};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::description::Description;
use crate::core::number::{Number, Tangents};
use crate::core::simulator::{SecondOrder, Simulator};
use crate::core::space::Space;
use crate::error::{Error, Result, expect_length};
use crate::linalg::LinearMap;
use crate::linalg::Matrix;
use crate::options::{Build, Checked, Validate, require};

/// A function f(t; p), written once for every kind of [`Number`], and so differentiated exactly.
///
/// # Shapes
/// t has as many values as `variables()`, p as many as `parameters()`.
pub trait Model: Clone + Default + PartialEq + Send + Sync {
    /// What is fitted, for messages.
    fn name(&self) -> &'static str;
    /// The number of parameters.
    fn parameters(&self) -> usize;
    /// The number of independent variables.
    fn variables(&self) -> usize {
        1
    }
    /// f(t; p).
    fn value<D: Number>(&self, t: &[f64], p: &[D]) -> D;
}

/// A model as a simulator, for nonlinear regression: x are the parameters p, y the values f(t; p).
///
/// ```
/// use retrodict::models::curve::{CurveOptions, Model};
/// use retrodict::models::ode::Number;
/// use retrodict::prelude::*;
///
/// /// y = p₁ (1 − exp(−p₂ t)).
/// #[derive(Debug, Clone, Default, PartialEq)]
/// struct Saturation;
///
/// impl Model for Saturation {
///     fn name(&self) -> &'static str {
///         "saturation"
///     }
///     fn parameters(&self) -> usize {
///         2
///     }
///     fn value<D: Number>(&self, t: &[f64], p: &[D]) -> D {
///         p[0] * (-(-p[1] * t[0]).exp() + 1.0)
///     }
/// }
///
/// let curve = CurveOptions::<Saturation>::default().with_at([1.0, 2.0, 5.0]).build()?;
/// let mut y = [0.0; 3];
/// curve.forward(&[2.0, 0.5], &mut y)?;
/// assert_eq!(y[1], 2.0 * (1.0 - f64::exp(-1.0)));
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x: the parameters. y: one value for each place. `at`: the places one after the other, each
/// with the values of its independent variables.
///
/// # Units
/// Those of the model.
///
/// # Errors
/// If a value is not finite, with its place.
///
/// # Cost
/// A product with J one evaluation with numbers that carry a derivative. y and the whole J, and so a
/// product with Jᵀ, one evaluation with numbers that carry four, eight or twelve derivatives; with more
/// parameters, one for every twelve of them.
#[derive(Debug, Clone)]
pub struct Curve<M: Model> {
    options: Checked<CurveOptions<M>>,
    input: Space,
    output: Space,
}

/// The options of a [`Curve`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields, bound = "")]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct CurveOptions<M: Model> {
    /// Where the model is evaluated.
    #[setters(into)]
    pub at: Vec<f64>,
    /// The model.
    #[serde(skip)]
    pub model: M,
}

impl<M: Model> Validate for CurveOptions<M> {
    fn validate(&self) -> Result<()> {
        let variables = self.model.variables().max(1);
        require(
            !self.at.is_empty() && self.at.len().is_multiple_of(variables),
            "at",
            format!("{} values", self.at.len()),
            &format!(
                "{} needs {variables} finite values for each place, and at least one place",
                self.model.name()
            ),
        )?;
        crate::error::expect_finite("at", &self.at)
    }
}

impl<M: Model> Build for CurveOptions<M> {
    type Built = Curve<M>;

    fn make(options: Checked<Self>) -> Result<Curve<M>> {
        let model = &options.model;
        let places = options.at.len() / model.variables().max(1);
        Ok(Curve {
            input: Space::new("parameters", &[model.parameters()], "1"),
            output: Space::new(model.name(), &[places], "1"),
            options,
        })
    }
}

impl<M: Model> Curve<M> {
    /// What it was made of.
    pub fn options(&self) -> &CurveOptions<M> {
        &self.options
    }

    fn places(&self) -> impl Iterator<Item = &[f64]> {
        self.options
            .at
            .chunks_exact(self.options.model.variables().max(1))
    }

    /// What is said of a place where f(t; p) has no value.
    pub(crate) fn failed(&self, place: usize) -> Error {
        let variables = self.options.model.variables().max(1);
        let t = &self.options.at[place * variables..][..variables];
        Error::simulation(
            self.options.model.name().to_owned(),
            format!(
                "f(t; p) is not finite at t = {t:?}; \
                 try a start nearer to the expected parameters"
            ),
        )
    }

    /// y and J, with as many derivatives carried along as there are parameters, or twelve of them.
    fn values_and_jacobian(&self, x: &[f64], y: &mut [f64]) -> Result<Matrix> {
        expect_length("x", x.len(), self.options.model.parameters())?;
        match x.len() {
            0..=4 => self.first_order::<2>(x, y),
            5..=8 => self.first_order::<4>(x, y),
            _ => self.first_order::<6>(x, y),
        }
    }

    /// y and J, with 2·N derivatives at a time.
    fn first_order<const N: usize>(&self, x: &[f64], y: &mut [f64]) -> Result<Matrix> {
        let mut jacobian = Matrix::zeros(y.len(), x.len());
        for first in (0..x.len().max(1)).step_by(2 * N) {
            let columns = first..(first + 2 * N).min(x.len());
            let p = Tangents::<N>::of(x, &columns);
            for (i, t) in self.places().enumerate() {
                let f = self.options.model.value(t, &p);
                if !f.re.is_finite() {
                    return Err(self.failed(i));
                }
                y[i] = f.re;
                let row = jacobian.row_mut(i)[columns.clone()].iter_mut();
                row.zip(f.derivatives()).for_each(|(j, d)| *j = d);
            }
        }
        Ok(jacobian)
    }

    /// Σ dyᵢ ∂/∂x (∂yᵢ/∂x · dx), with N derivatives at a time.
    fn second_order<const N: usize>(
        &self,
        x: &[f64],
        dy: &[f64],
        dx: &[f64],
        out: &mut [f64],
    ) -> Result<()> {
        out.fill(0.0);
        for first in (0..x.len().max(1)).step_by(N) {
            let columns = first..(first + N).min(x.len());
            let moving = x.iter().zip(dx).enumerate().map(|(i, (x, dx))| {
                let p = DualSVec64::<N>::from_re(*x);
                let p = match columns.contains(&i) {
                    true => p.derivative(i - first),
                    false => p,
                };
                Dual::new(p, DualSVec64::from_re(*dx))
            });
            let p: Vec<_> = moving.collect();
            for (dy, t) in dy.iter().zip(self.places()) {
                if let Some(derivatives) = self.options.model.value(t, &p).eps.eps.0 {
                    let out = out[columns.clone()].iter_mut();
                    out.zip(&derivatives).for_each(|(o, d)| *o += dy * *d);
                }
            }
        }
        Ok(())
    }
}

impl<M: Model> Simulator for Curve<M> {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        expect_length("x", x.len(), self.options.model.parameters())?;
        for (i, (y, t)) in y.iter_mut().zip(self.places()).enumerate() {
            *y = self.options.model.value(t, x);
            if !y.is_finite() {
                return Err(self.failed(i));
            }
        }
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        expect_length("x", x.len(), self.options.model.parameters())?;
        let p: Vec<Dual64> = x.iter().zip(dx).map(|(x, d)| Dual64::new(*x, *d)).collect();
        for (dy, t) in dy.iter_mut().zip(self.places()) {
            *dy = self.options.model.value(t, &p).eps;
        }
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let mut y = vec![0.0; dy.len()];
        self.values_and_jacobian(x, &mut y)?.apply_transpose(dy, dx);
        Ok(())
    }
    /// J is formed at once: y comes with it, and nearly every x that is looked at is moved on from.
    fn linearize<'a>(&'a self, x: &[f64], y: &mut [f64]) -> Result<Box<dyn LinearMap + Send + 'a>> {
        Ok(Box::new(self.values_and_jacobian(x, y)?))
    }
    fn describe(&self) -> Description {
        Description::default().with_keeps_trajectory(true)
    }
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        Some(self)
    }
}

impl<M: Model> SecondOrder for Curve<M> {
    fn vjp_derivative(&self, x: &[f64], dy: &[f64], dx: &[f64], out: &mut [f64]) -> Result<()> {
        expect_length("x", x.len(), self.options.model.parameters())?;
        match x.len() {
            0..=4 => self.second_order::<4>(x, dy, dx, out),
            5..=8 => self.second_order::<8>(x, dy, dx, out),
            _ => self.second_order::<12>(x, dy, dx, out),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::check;

    /// y = p₁ exp(−p₂ t₁) + t₂ / (1 + p₃²).
    #[derive(Debug, Clone, Default, PartialEq)]
    struct Surface;

    impl Model for Surface {
        fn name(&self) -> &'static str {
            "surface"
        }
        fn parameters(&self) -> usize {
            3
        }
        fn variables(&self) -> usize {
            2
        }
        fn value<D: Number>(&self, t: &[f64], p: &[D]) -> D {
            p[0] * (-p[1] * t[0]).exp() + (p[2] * p[2] + 1.0).recip() * t[1]
        }
    }

    fn surface() -> Curve<Surface> {
        let options = CurveOptions::default();
        let places = options.with_at([0.0, 1.0, 0.5, -1.0, 1.0, 2.0, 2.0, 0.5]);
        places.build().unwrap()
    }

    #[test]
    fn a_curve_passes_every_check_of_a_simulator() {
        let curve: Arc<dyn Simulator> = Arc::new(surface());
        for check in check::simulator(&curve, &[1.5, 0.7, -0.4], 1) {
            assert!(check.passed, "{}: {}", check.name, check.detail);
        }
    }

    #[test]
    fn a_value_that_is_not_finite_names_its_place() {
        let mut y = [0.0; 4];
        let error = surface().forward(&[1.0, -1e6, 0.0], &mut y).unwrap_err();
        assert!(error.to_string().contains("t = [0.5, -1.0]"), "{error}");
    }

    #[test]
    fn places_that_do_not_fill_the_variables_are_refused() {
        let curve = CurveOptions::<Surface>::default().with_at([1.0, 2.0, 3.0]);
        let error = curve.build().unwrap_err();
        assert!(error.to_string().contains("at = 3 values"), "{error}");
    }
}
