//! What a model outside must be able to do, and what is said where it fails.

use super::plain::plain;
use crate::core::space::Space;
use crate::error::{Error, Result};

/// What a model outside can do by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, derive_setters::Setters)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct Offers {
    /// Products with J.
    pub jvp: bool,
    /// Products with Jᵀ.
    pub vjp: bool,
    /// J as a whole.
    pub jacobian: bool,
    /// Products with second derivatives.
    pub second_order: bool,
}

/// A model outside: it evaluates, and may offer derivatives.
///
/// Methods that [`offers`](Model::offers) does not name are never called.
pub trait Model: Send + Sync {
    /// What it is called in messages, such as `model 'forward' at http://localhost:4242`.
    fn label(&self) -> String;
    /// What [`jacobian`](Model::jacobian) comes from, where that is called otherwise.
    fn jacobian_label(&self) -> String {
        self.label()
    }
    /// The space of x.
    fn input(&self) -> &Space;
    /// The space of y.
    fn output(&self) -> &Space;
    /// Name and unit of each value of x, if the model tells them.
    fn labels(&self) -> Option<Vec<(String, String)>> {
        None
    }
    /// What it can do beside evaluating.
    fn offers(&self) -> Offers {
        Offers::default()
    }
    /// y = P(x), with whatever length and values the model returns.
    ///
    /// # Errors
    /// If the model fails at this x.
    fn evaluate(&self, x: &[f64]) -> Result<Vec<f64>>;
    /// J dx.
    ///
    /// # Errors
    /// If the model fails at this x.
    fn jvp(&self, _x: &[f64], _dx: &[f64]) -> Result<Vec<f64>> {
        Err(failed(self, "it offers no products with J"))
    }
    /// Jᵀ dy.
    ///
    /// # Errors
    /// If the model fails at this x.
    fn vjp(&self, _x: &[f64], _dy: &[f64]) -> Result<Vec<f64>> {
        Err(failed(self, "it offers no products with Jᵀ"))
    }
    /// J, in row order.
    ///
    /// # Errors
    /// If the model fails at this x.
    fn jacobian(&self, _x: &[f64]) -> Result<Vec<f64>> {
        Err(failed(self, "it offers no J"))
    }
    /// (Σᵢ dyᵢ ∇²Pᵢ) dx.
    ///
    /// # Errors
    /// If the model fails at this x.
    fn vjp_derivative(&self, _x: &[f64], _dy: &[f64], _dx: &[f64]) -> Result<Vec<f64>> {
        Err(failed(self, "it offers no second derivatives"))
    }
}

/// A failure of a model, with its label in front.
pub(super) fn failed<M: Model + ?Sized>(model: &M, message: impl Into<String>) -> Error {
    failed_as(model.label(), message)
}

/// A failure of what goes by that label; neither may steer a terminal.
pub(super) fn failed_as(label: String, message: impl Into<String>) -> Error {
    Error::simulation(plain(&label), plain(&message.into()))
}
