//! What a neuron makes of its sum, and the slope of it.

use pulp::{Arch, Simd, WithSimd};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::linalg::Real;

/// A function that a layer applies to each of its values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Activation {
    /// (eᶻ − e⁻ᶻ)/(eᶻ + e⁻ᶻ).
    #[default]
    Tanh,
    /// max(0, z); the slope at 0 is 0.
    Relu,
    /// 1/(1 + e⁻ᶻ).
    Sigmoid,
    /// z/(1 + e⁻ᶻ).
    Silu,
    /// z.
    Linear,
}

impl Activation {
    /// The name, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::Sigmoid => "sigmoid",
            Self::Silu => "silu",
            Self::Linear => "linear",
        }
    }

    /// The largest slope there is, to which a saturated one is compared.
    pub fn largest_slope(self) -> f64 {
        match self {
            Self::Tanh | Self::Relu | Self::Linear => 1.0,
            Self::Sigmoid => 0.25,
            // At z ≈ 2.4.
            Self::Silu => 1.0998,
        }
    }

    /// Replaces each z by its value.
    pub fn apply<T: Real>(self, z: &mut [T]) {
        Arch::new().dispatch(OnValues {
            activation: self,
            z,
        });
    }

    /// Replaces each z by its value, and writes the slope there.
    pub fn apply_with_slopes<T: Real>(self, z: &mut [T], slopes: &mut [T]) {
        Arch::new().dispatch(ValuesAndSlopes {
            activation: self,
            z,
            slopes,
        });
    }
}

struct OnValues<'a, T> {
    activation: Activation,
    z: &'a mut [T],
}

impl<T: Real> WithSimd for OnValues<'_, T> {
    type Output = ();

    // Plain loops: inlined here, they are compiled for the registers of this processor.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let z = self.z.iter_mut();
        match self.activation {
            Activation::Tanh => z.for_each(|z| *z = T::from_f64(tanh(z.to_f64()))),
            Activation::Relu => z.for_each(|z| *z = T::from_f64(z.to_f64().max(0.0))),
            Activation::Sigmoid => z.for_each(|z| *z = T::from_f64(sigmoid(z.to_f64()))),
            Activation::Silu => z.for_each(|z| {
                let at = z.to_f64();
                *z = T::from_f64(at * sigmoid(at));
            }),
            Activation::Linear => {}
        }
    }
}

struct ValuesAndSlopes<'a, T> {
    activation: Activation,
    z: &'a mut [T],
    slopes: &'a mut [T],
}

impl<T: Real> WithSimd for ValuesAndSlopes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let pairs = self.z.iter_mut().zip(self.slopes.iter_mut());
        let set = |z: &mut T, slope: &mut T, pair: (f64, f64)| {
            (*z, *slope) = (T::from_f64(pair.0), T::from_f64(pair.1));
        };
        match self.activation {
            Activation::Tanh => pairs.for_each(|(z, slope)| {
                let a = tanh(z.to_f64());
                set(z, slope, (a, 1.0 - a * a));
            }),
            Activation::Relu => pairs.for_each(|(z, slope)| {
                let at = z.to_f64();
                let on = if at > 0.0 { 1.0 } else { 0.0 };
                set(z, slope, (at.max(0.0), on));
            }),
            Activation::Sigmoid => pairs.for_each(|(z, slope)| {
                let a = sigmoid(z.to_f64());
                set(z, slope, (a, a * (1.0 - a)));
            }),
            Activation::Silu => pairs.for_each(|(z, slope)| {
                let at = z.to_f64();
                let s = sigmoid(at);
                set(z, slope, (at * s, s + at * s * (1.0 - s)));
            }),
            Activation::Linear => pairs.for_each(|(_, slope)| *slope = T::ONE),
        }
    }
}

/// 1.5 · 2⁵²: adding it rounds to a whole number, which then stands in the lowest bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts, the first with trailing zeros, so that k · LN2_HIGH is exact.
const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
/// 1/n! for n = 13 … 2.
const INVERSE_FACTORIALS: [f64; 12] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
];

/// 2ᵏ and eʳ − 1, where x = k ln 2 + r and |r| ≤ ½ ln 2, for x in [−700, 700], without a branch.
///
/// eʳ − 1 is its Taylor polynomial, whose next term is below 1e-17.
#[inline(always)]
fn power_and_rest(x: f64) -> (f64, f64) {
    let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUND);
    let k = shifted - ROUND;
    let r = k.mul_add(-LN2_LOW, k.mul_add(-LN2_HIGH, x));
    let mut p = INVERSE_FACTORIALS[0];
    for c in &INVERSE_FACTORIALS[1..] {
        p = p.mul_add(r, *c);
    }
    let p = (p * r).mul_add(r, r);
    // The exponent of 2ᵏ, from the lowest bits of the rounded number.
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    (power, p)
}

/// tanh x. A NaN stays one.
#[inline(always)]
fn tanh(x: f64) -> f64 {
    // Beyond 20, tanh is 1 to the last bit.
    let size = if x.abs() > 20.0 { 20.0 } else { x.abs() };
    let (power, p) = power_and_rest(-2.0 * size);
    // e⁻²ˣ − 1, without the cancellation near 0.
    let e = power.mul_add(p, power - 1.0);
    (-e / (2.0 + e)).copysign(x)
}

/// 1/(1 + e⁻ˣ). A NaN stays one.
#[inline(always)]
fn sigmoid(x: f64) -> f64 {
    let size = if x.abs() > 700.0 { 700.0 } else { x.abs() };
    let (power, p) = power_and_rest(-size);
    let e = power.mul_add(p, power);
    let above = 1.0 / (1.0 + e);
    if x < 0.0 { e * above } else { above }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_standard_library() {
        let mut worst = [0.0_f64; 2];
        for i in -40_000..=40_000 {
            let x = f64::from(i) * 1e-3 * (1.0 + 1e-4 * f64::from(i % 7));
            worst[0] = worst[0].max((tanh(x) - x.tanh()).abs() / x.tanh().abs().max(1e-300));
            let exact = 1.0 / (1.0 + (-x).exp());
            worst[1] = worst[1].max((sigmoid(x) - exact).abs() / exact);
        }
        assert!(worst[0] < 1e-15 && worst[1] < 1e-15, "{worst:?}");
        assert!(tanh(f64::NAN).is_nan() && sigmoid(f64::NAN).is_nan());
        assert_eq!([tanh(1e9), tanh(-1e9), tanh(0.0)], [1.0, -1.0, 0.0]);
        assert_eq!([sigmoid(1e9), sigmoid(0.0)], [1.0, 0.5]);
    }

    #[test]
    fn slopes_are_those_of_differences() {
        for activation in [
            Activation::Tanh,
            Activation::Relu,
            Activation::Sigmoid,
            Activation::Silu,
            Activation::Linear,
        ] {
            let points: Vec<f64> = (0..41).map(|i| -4.03 + 0.2 * f64::from(i)).collect();
            let (mut values, mut slopes) = (points.clone(), vec![0.0; points.len()]);
            activation.apply_with_slopes(&mut values, &mut slopes);
            let at = |shift: f64| {
                let mut z: Vec<f64> = points.iter().map(|p| p + shift).collect();
                activation.apply(&mut z);
                z
            };
            let (above, below) = (at(1e-5), at(-1e-5));
            for i in 0..points.len() {
                assert!((values[i] - at(0.0)[i]).abs() < 1e-15);
                let difference = (above[i] - below[i]) / 2e-5;
                assert!((slopes[i] - difference).abs() < 1e-9, "{activation:?} {i}");
                assert!(slopes[i] <= activation.largest_slope() + 1e-4);
            }
        }
    }
}
