//! The distance of quantum states, whatever their phase.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::loss::Loss;
use crate::error::{Result, expect_length};
use crate::linalg::dot;
use crate::options::{Validate, plain};

/// Infidelity of quantum states: 1 − |⟨ψ*|ψ⟩|²/(⟨ψ|ψ⟩⟨ψ*|ψ*⟩), no ½.
///
/// It sees neither the phase nor the norm of ψ; for states with Σ|ψ|² = 1 it is the published
/// 1 − |⟨ψ*|ψ⟩|², and its gradient differs from that one's only along ψ, where physics that
/// conserves the norm cannot go. The Hessian is indefinite; its largest eigenvalue is 2/⟨ψ|ψ⟩,
/// reached at the optimum, and that is the curvature that Gauss–Newton uses. The Newton step is
/// then the part of ψ* that ψ holds already, without what lies along ψ.
///
/// ```
/// use retrodict::losses::Infidelity;
/// use retrodict::prelude::*;
/// let loss = Infidelity::default();
/// // ψ* = 1 and ψ = i: the same state.
/// assert!(loss.value(&[0.0, 1.0], &[1.0, 0.0]).abs() < 1e-15);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// y: real parts, then as many imaginary parts.
///
/// # Source
/// Schnell, Holl & Thuerey, *Half-Inverse Gradients* (ICLR 2022), section 4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Infidelity {}

plain!(Infidelity);

impl Validate for Infidelity {
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

/// ⟨ψ*|ψ⟩/⟨ψ*|ψ*⟩ as (Re, Im), ⟨ψ|ψ⟩, and the fidelity.
struct Overlap {
    part: (f64, f64),
    norm: f64,
    fidelity: f64,
}

/// Re and Im of ⟨ψ*|ψ⟩.
fn product(y: &[f64], target: &[f64]) -> (f64, f64) {
    let (re, im) = y.split_at(y.len() / 2);
    let (target_re, target_im) = target.split_at(y.len() / 2);
    (
        dot(target_re, re) + dot(target_im, im),
        dot(target_re, im) - dot(target_im, re),
    )
}

impl Overlap {
    fn new(y: &[f64], target: &[f64]) -> Self {
        let ((a, b), norm) = (product(y, target), dot(y, y));
        let whole = dot(target, target);
        let part = (a / whole, b / whole);
        Self {
            part,
            norm,
            fidelity: part.0 * (a / norm) + part.1 * (b / norm),
        }
    }
}

/// out += c (a + ib) ψ*.
fn add_target(c: f64, (a, b): (f64, f64), target: &[f64], out: &mut [f64]) {
    let (re, im) = target.split_at(target.len() / 2);
    let (out_re, out_im) = out.split_at_mut(target.len() / 2);
    for j in 0..re.len() {
        out_re[j] += c * (a * re[j] - b * im[j]);
        out_im[j] += c * (a * im[j] + b * re[j]);
    }
}

impl Loss for Infidelity {
    fn formula(&self) -> String {
        "1 − |⟨ψ*|ψ⟩|²".to_owned()
    }
    fn check(&self, outputs: usize) -> Result<()> {
        let even = 2 * outputs.div_ceil(2);
        expect_length("a wave function (Re, then Im)", outputs, even)
    }
    fn value(&self, y: &[f64], target: &[f64]) -> f64 {
        1.0 - Overlap::new(y, target).fidelity
    }
    fn gradient(&self, y: &[f64], target: &[f64], out: &mut [f64]) {
        let at = Overlap::new(y, target);
        let c = 2.0 / at.norm;
        for (out, y) in out.iter_mut().zip(y) {
            *out = c * at.fidelity * y;
        }
        add_target(-c, at.part, target, out);
    }
    fn hessian_product(&self, y: &[f64], target: &[f64], dy: &[f64], out: &mut [f64]) {
        let at = Overlap::new(y, target);
        let c = 2.0 / at.norm;
        let (a, b) = product(dy, target);
        let whole = dot(target, target);
        // Changes of ⟨ψ|ψ⟩ and of |⟨ψ*|ψ⟩|²/⟨ψ*|ψ*⟩, both halved.
        let (along, gain) = (dot(y, dy), at.part.0 * a + at.part.1 * b);
        let back = c * (gain - 2.0 * at.fidelity * along) * 2.0 / at.norm;
        for ((out, y), dy) in out.iter_mut().zip(y).zip(dy) {
            *out = c * at.fidelity * dy + back * y;
        }
        add_target(-c, (a / whole, b / whole), target, out);
        add_target(c * 2.0 * along / at.norm, at.part, target, out);
    }
    fn whiten(&self, y: &[f64], _target: &[f64], v: &[f64], out: &mut [f64]) {
        let c = (2.0 / dot(y, y)).sqrt();
        for (out, v) in out.iter_mut().zip(v) {
            *out = c * v;
        }
    }
    fn whiten_transpose(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        self.whiten(y, target, v, out);
    }
    fn newton_step(&self, y: &[f64], target: &[f64], dy: &mut [f64]) -> Result<()> {
        let at = Overlap::new(y, target);
        for (dy, y) in dy.iter_mut().zip(y) {
            *dy = -at.fidelity * y;
        }
        add_target(1.0, at.part, target, dy);
        Ok(())
    }
}
