//! Maps with known derivatives and inverses, to be put one behind the other.

use std::sync::{Arc, LazyLock};

use crate::core::description::Description;
use crate::core::simulator::{LocalInverse, SecondOrder, Simulator};
use crate::core::space::Space;
use crate::error::{Error, Result};

pub(super) type Map = Arc<dyn Simulator>;

/// The plane, where all of them live.
static PLANE: LazyLock<Space> = LazyLock::new(|| Space::new("plane", &[2], "1"));

/// y = A x for a regular 2 × 2 matrix A, row by row.
pub(super) struct Linear(pub(super) [f64; 4]);

impl Simulator for Linear {
    fn input(&self) -> &Space {
        &PLANE
    }
    fn output(&self) -> &Space {
        &PLANE
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        let [a, b, c, d] = self.0;
        y[0] = a * x[0] + b * x[1];
        y[1] = c * x[0] + d * x[1];
        Ok(())
    }
    fn jvp(&self, _x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.forward(dx, dy)
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let [a, b, c, d] = self.0;
        Self([a, c, b, d]).jvp(x, dy, dx)
    }
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        Some(self)
    }
    fn describe(&self) -> Description {
        Description::default().with_linear(true)
    }
}

impl LocalInverse for Linear {
    fn invert_near(&self, y: &[f64], _x0: &[f64], x: &mut [f64]) -> Result<()> {
        let [a, b, c, d] = self.0;
        let determinant = a * d - b * c;
        x[0] = (d * y[0] - b * y[1]) / determinant;
        x[1] = (a * y[1] - c * y[0]) / determinant;
        Ok(())
    }
}

/// A function of each value, with its derivatives and its inverse.
pub(super) struct Each {
    pub(super) f: fn(f64) -> f64,
    pub(super) slope: fn(f64) -> f64,
    pub(super) curvature: fn(f64) -> f64,
    pub(super) inverse: fn(f64) -> f64,
}

/// y = sinh x: nonlinear everywhere but at 0, and invertible everywhere.
pub(super) const SINH: Each = Each {
    f: f64::sinh,
    slope: f64::cosh,
    curvature: f64::sinh,
    inverse: f64::asinh,
};

/// y = √x: half its square is a straight line.
pub(super) const ROOT: Each = Each {
    f: f64::sqrt,
    slope: |x| 0.5 / x.sqrt(),
    curvature: |x| -0.25 * x.powf(-1.5),
    inverse: |y| y * y,
};

impl Simulator for Each {
    fn input(&self) -> &Space {
        &PLANE
    }
    fn output(&self) -> &Space {
        &PLANE
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        for (y, x) in y.iter_mut().zip(x) {
            *y = (self.f)(*x);
        }
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        for ((dy, x), dx) in dy.iter_mut().zip(x).zip(dx) {
            *dy = (self.slope)(*x) * dx;
        }
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.jvp(x, dy, dx)
    }
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        Some(self)
    }
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        Some(self)
    }
}

impl LocalInverse for Each {
    fn invert_near(&self, y: &[f64], _x0: &[f64], x: &mut [f64]) -> Result<()> {
        for (x, y) in x.iter_mut().zip(y) {
            *x = (self.inverse)(*y);
        }
        Ok(())
    }
}

impl SecondOrder for Each {
    fn vjp_derivative(&self, x: &[f64], dy: &[f64], dx: &[f64], out: &mut [f64]) -> Result<()> {
        for (i, out) in out.iter_mut().enumerate() {
            *out = (self.curvature)(x[i]) * dx[i] * dy[i];
        }
        Ok(())
    }
}

/// y = P₂(P₁(x)).
pub(super) struct ComposedMap(pub(super) Map, pub(super) Map);

impl ComposedMap {
    fn between(&self, x: &[f64]) -> Result<[f64; 2]> {
        let mut z = [0.0; 2];
        self.0.forward(x, &mut z)?;
        Ok(z)
    }
}

impl Simulator for ComposedMap {
    fn input(&self) -> &Space {
        self.0.input()
    }
    fn output(&self) -> &Space {
        self.1.output()
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.1.forward(&self.between(x)?, y)
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        let mut dz = [0.0; 2];
        self.0.jvp(x, dx, &mut dz)?;
        self.1.jvp(&self.between(x)?, &dz, dy)
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let mut dz = [0.0; 2];
        self.1.vjp(&self.between(x)?, dy, &mut dz)?;
        self.0.vjp(x, &dz, dx)
    }
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        Some(self)
    }
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        Some(self)
    }
}

impl LocalInverse for ComposedMap {
    fn invert_near(&self, y: &[f64], x0: &[f64], x: &mut [f64]) -> Result<()> {
        let (z0, mut z) = (self.between(x0)?, [0.0; 2]);
        invert(&*self.1, y, &z0, &mut z)?;
        invert(&*self.0, &z, x0, x)
    }
}

impl SecondOrder for ComposedMap {
    fn vjp_derivative(&self, x: &[f64], dy: &[f64], dx: &[f64], out: &mut [f64]) -> Result<()> {
        let z = self.between(x)?;
        let (mut dz, mut pulled, mut bent) = ([0.0; 2], [0.0; 2], [0.0; 2]);
        out.fill(0.0);
        if let Some(second) = self.1.second_order() {
            self.0.jvp(x, dx, &mut dz)?;
            second.vjp_derivative(&z, dy, &dz, &mut pulled)?;
            self.0.vjp(x, &pulled, out)?;
        }
        if let Some(second) = self.0.second_order() {
            self.1.vjp(&z, dy, &mut pulled)?;
            second.vjp_derivative(x, &pulled, dx, &mut bent)?;
            out.iter_mut()
                .zip(bent)
                .for_each(|(out, bent)| *out += bent);
        }
        Ok(())
    }
}

/// x = P⁻¹(y; x₀) of a map that has a local inverse.
pub(super) fn invert(map: &dyn Simulator, y: &[f64], x0: &[f64], x: &mut [f64]) -> Result<()> {
    let inverse = map.local_inverse().ok_or_else(|| Error::Unsupported {
        rule: "the audit",
        needs: "a local inverse",
        simulator: map.output().name.clone(),
        instead: vec!["a map that has one".into()],
    })?;
    inverse.invert_near(y, x0, x)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_maps_of_the_audit_pass_the_checks_themselves() {
        let chain = |a: Map, b: Map| -> Map { Arc::new(ComposedMap(a, b)) };
        let linear = || -> Map { Arc::new(Linear([1.0, 0.4, -0.3, 0.8])) };
        let sinh = || -> Map { Arc::new(SINH) };
        let maps = [
            (linear(), [0.3, -0.4]),
            (sinh(), [0.3, -0.4]),
            (Arc::new(ROOT), [2.3, 3.1]),
            (chain(linear(), sinh()), [0.3, -0.4]),
            (
                chain(chain(linear(), sinh()), chain(linear(), sinh())),
                [0.3, -0.4],
            ),
        ];
        for (map, x) in maps {
            let failed: Vec<_> = crate::check::simulator(&map, &x, 1)
                .into_iter()
                .filter(|check| !check.passed)
                .collect();
            assert!(failed.is_empty(), "{failed:#?}");
        }
    }
}
