//! What single unknowns stand for: values that are positive, bounded, or in other units.

use std::f64::consts::LN_10;

use num_dual::Dual64;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::number::Number;
use crate::error::{Result, expect_length};
use crate::options::require;

/// What an unknown x stands for: itself, a value in other units, or one that must be positive or
/// lie within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transform {
    /// x itself.
    None,
    /// e^x: positive, and steps in x are relative.
    Log,
    /// 10^x: positive, and x counts decades.
    Log10,
    /// This value times e^x: positive, and x is 0 there.
    Relative(f64),
    /// Between a low and a high bound, by the logistic function.
    Bounds(f64, f64),
    /// A multiple of x: the unit in which the value is about 1, greater than 0.
    Scale(f64),
}

impl Transform {
    /// Checks the bounds.
    ///
    /// # Errors
    /// If they are not finite and ascending.
    pub fn validate(&self) -> Result<()> {
        match *self {
            Self::Bounds(low, high) => require(
                low < high && (high - low).is_finite(),
                "transform",
                format!("bounds = [{low}, {high}]"),
                "the low bound must be less than the high one, and both finite",
            ),
            Self::Scale(unit) => require(
                unit > 0.0 && unit.is_finite(),
                "transform",
                format!("scale = {unit}"),
                "the unit must be greater than 0",
            ),
            Self::Relative(unit) => require(
                unit > 0.0 && unit.is_finite(),
                "transform",
                format!("relative = {unit}"),
                "the value to which others are relative must be greater than 0",
            ),
            Self::None | Self::Log | Self::Log10 => Ok(()),
        }
    }

    /// Whether it maps x to a multiple of itself.
    pub fn is_linear(&self) -> bool {
        matches!(self, Self::None | Self::Scale(_))
    }

    /// The value that x stands for.
    pub fn apply<D: Number>(&self, x: D) -> D {
        match *self {
            Self::None => x,
            Self::Log => x.exp(),
            Self::Relative(unit) => x.exp() * unit,
            Self::Log10 => (x * LN_10).exp(),
            Self::Bounds(low, high) => ((-x).exp() + 1.0).recip() * (high - low) + low,
            Self::Scale(unit) => x * unit,
        }
    }

    /// The x that stands for a value.
    ///
    /// # Errors
    /// If no x does.
    pub fn undo(&self, value: f64) -> Result<f64> {
        self.undo_named("value", value)
    }

    pub(crate) fn undo_named(&self, name: &str, value: f64) -> Result<f64> {
        match *self {
            Self::None => Ok(value),
            Self::Log => {
                let allowed = "a logarithm needs it greater than 0";
                require(value > 0.0, name, value, allowed)?;
                Ok(value.ln())
            }
            Self::Relative(unit) => Self::Log.undo_named(name, value / unit),
            Self::Log10 => Self::Log.undo_named(name, value).map(|_| value.log10()),
            Self::Bounds(low, high) => {
                let share = (value - low) / (high - low);
                let allowed = format!("it must lie between {low} and {high}");
                require(share > 0.0 && share < 1.0, name, value, &allowed)?;
                Ok((share / (1.0 - share)).ln())
            }
            Self::Scale(unit) => Ok(value / unit),
        }
    }

    /// The x that stands for a value, with its derivatives; NaN or infinite where none does.
    pub(crate) fn undo_number<D: Number>(&self, value: D) -> D {
        match *self {
            Self::None => value,
            Self::Log => value.ln(),
            Self::Relative(unit) => (value / unit).ln(),
            Self::Log10 => value.log10(),
            Self::Bounds(low, high) => ((value - low) / (-value + high)).ln(),
            Self::Scale(unit) => value / unit,
        }
    }

    /// T′(x).
    pub(crate) fn slope(&self, x: f64) -> f64 {
        self.apply(Dual64::new(x, 1.0)).eps
    }

    /// Name and unit of an x that stands for a value with this name and unit.
    pub fn label(&self, name: &str, unit: &str) -> (String, String) {
        let plain = || name.to_owned();
        match *self {
            Self::None => (plain(), unit.to_owned()),
            Self::Scale(scale) if unit == "1" => (plain(), scale.to_string()),
            Self::Scale(scale) => (plain(), format!("{scale} {unit}")),
            Self::Log => (format!("ln {name}"), "1".to_owned()),
            Self::Relative(value) => (format!("ln ({name}/{value})"), "1".to_owned()),
            Self::Log10 => (format!("log10 {name}"), "1".to_owned()),
            Self::Bounds(..) => (format!("logit {name}"), "1".to_owned()),
        }
    }

    /// Where an x lies that stands for values around a centre, with a standard deviation.
    ///
    /// Logarithms spread as those of the log-normal distribution with that mean and deviation. Where no x stands for the
    /// centre, it lies where most do.
    pub(crate) fn typical(&self, (centre, spread): (f64, f64)) -> (f64, f64) {
        match *self {
            Self::None => (centre, spread),
            Self::Scale(unit) => (centre / unit, spread / unit),
            Self::Log if centre > 0.0 => {
                let variance = (spread / centre).powi(2).ln_1p();
                (centre.ln() - 0.5 * variance, variance.sqrt())
            }
            Self::Log if spread > 0.0 => (spread.ln(), 1.0),
            Self::Relative(unit) => Self::Log.typical((centre / unit, spread / unit)),
            Self::Log10 => {
                let (centre, spread) = Self::Log.typical((centre, spread));
                (centre / LN_10, spread / LN_10)
            }
            Self::Bounds(low, high) if low < centre && centre < high => {
                let slope = (centre - low) * (high - centre) / (high - low);
                (
                    ((centre - low) / (high - centre)).ln(),
                    (spread / slope).min(2.0),
                )
            }
            Self::Log | Self::Bounds(..) => (0.0, 1.0),
        }
    }

    /// The x at a bound of the value: infinite where no x reaches it.
    pub(crate) fn bound(&self, value: f64) -> f64 {
        match *self {
            Self::Log | Self::Log10 | Self::Relative(_) if value <= 0.0 => f64::NEG_INFINITY,
            Self::Bounds(low, _) if value <= low => f64::NEG_INFINITY,
            Self::Bounds(_, high) if value >= high => f64::INFINITY,
            _ if value.is_infinite() => value,
            // What is left out above has an x.
            _ => self.undo(value).unwrap_or(f64::NAN),
        }
    }
}

/// One transform for each unknown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Transforms(Vec<Transform>);

impl Transforms {
    /// One for all, or one for each of n unknowns.
    ///
    /// # Errors
    /// If there is another number of them, or one of them is not allowed.
    pub(crate) fn new(transforms: &[Transform], n: usize) -> Result<Self> {
        transforms.iter().try_for_each(Transform::validate)?;
        match transforms {
            [one] => Ok(Self(vec![*one; n])),
            _ => {
                expect_length("the list of transforms", transforms.len(), n)?;
                Ok(Self(transforms.to_vec()))
            }
        }
    }

    pub(crate) fn each(&self) -> &[Transform] {
        &self.0
    }

    pub(crate) fn values(&self, z: &[f64]) -> Vec<f64> {
        self.0.iter().zip(z).map(|(t, z)| t.apply(*z)).collect()
    }

    /// The z that stand for values; the error names the first value that none stands for.
    pub(crate) fn unknowns(&self, values: &[f64]) -> Result<Vec<f64>> {
        let pairs = self.0.iter().zip(values).enumerate();
        pairs
            .map(|(i, (t, x))| t.undo_named(&format!("x[{i}]"), *x))
            .collect()
    }
}
