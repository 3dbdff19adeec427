//! A simulator in other unknowns: logarithms, units, or values that stay between bounds.

use std::sync::Arc;

use num_dual::Dual2_64;

use crate::core::counts::Counts;
use crate::core::description::{Description, StandsFor, Typical};
use crate::core::simulator::{LocalInverse, Recovery, SecondOrder, Simulator};
use crate::core::space::Space;
use crate::core::transform::{Transform, Transforms};
use crate::error::{Error, Result};
use crate::linalg::LinearMap;
use crate::linalg::Matrix;

/// z ↦ P(T(z)), with a transform for each unknown.
///
/// In z, badly scaled unknowns are of one size, and positive or bounded ones are free.
/// [`Problem::transformed`](crate::Problem::transformed) does the same and keeps start and
/// solution in x.
///
/// # Shapes
/// Those of the simulator.
///
/// # Cost
/// That of the simulator.
#[derive(Clone)]
pub struct Transformed {
    simulator: Arc<dyn Simulator>,
    transforms: Transforms,
    input: Space,
    description: Description,
    /// Whether P brings all second derivatives that there are.
    curvature_known: bool,
}

impl Transformed {
    /// The simulator in z, with one transform for all unknowns or one for each.
    ///
    /// # Errors
    /// If there is another number of transforms, or one of them is not allowed.
    pub fn new(simulator: Arc<dyn Simulator>, transforms: &[Transform]) -> Result<Self> {
        let x = simulator.input();
        let transforms = Transforms::new(transforms, x.len())?;
        let plain = transforms.each().iter().all(|t| *t == Transform::None);
        let unit = if plain { &x.unit } else { "1" };
        let description = simulator.describe();
        let curvature_known = description.linear || simulator.second_order().is_some();
        Ok(Self {
            input: Space::new(&x.name, &x.shape, unit),
            description: in_unknowns(description, transforms.each()),
            curvature_known,
            simulator,
            transforms,
        })
    }

    /// T, for each unknown.
    pub fn transforms(&self) -> &[Transform] {
        self.transforms.each()
    }

    /// x = T(z).
    pub fn values(&self, z: &[f64]) -> Vec<f64> {
        self.transforms.values(z)
    }

    /// The z with T(z) = x.
    ///
    /// # Errors
    /// If a value is not one that its transform reaches; the error names it.
    pub fn unknowns(&self, x: &[f64]) -> Result<Vec<f64>> {
        self.transforms.unknowns(x)
    }

    /// An error that keeps an x, with its z if there is one.
    fn in_z(&self, mut error: Error) -> Error {
        if let Error::InverseStopped { x, .. } = &mut error
            && let Ok(z) = self.unknowns(x)
        {
            *x = z;
        }
        error
    }

    /// T′(z) and T″(z), for each unknown.
    fn derivatives(&self, z: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let derivatives = |(t, z): (&Transform, &f64)| {
            let x = t.apply(Dual2_64::new(*z, 1.0, 0.0));
            (x.v1, x.v2)
        };
        self.transforms
            .each()
            .iter()
            .zip(z)
            .map(derivatives)
            .unzip()
    }
}

/// What is told of P, of P ∘ T.
fn in_unknowns(description: Description, transforms: &[Transform]) -> Description {
    let Description {
        typical,
        series,
        labels,
        stands_for,
        linear,
        approximation,
        keeps_trajectory,
    } = description;
    let each = || transforms.iter().enumerate();
    let in_z = |labels: Vec<(String, String)>| {
        let pairs = labels.iter().zip(transforms);
        pairs.map(|((name, unit), t)| t.label(name, unit)).collect()
    };
    Description {
        typical: Typical::for_each(each().map(|(i, t)| t.typical(typical.at(i))).collect()),
        // y is what it was.
        series,
        labels: labels.map(in_z),
        stands_for: stands_for.and_then(|own| behind(own, transforms)),
        linear: linear && transforms.iter().all(Transform::is_linear),
        approximation,
        keeps_trajectory,
    }
}

/// What z stands for; nothing where that is behind two transforms.
fn behind(own: Vec<StandsFor>, transforms: &[Transform]) -> Option<Vec<StandsFor>> {
    let through = |(own, t): (StandsFor, &Transform)| {
        let transform = match (own.transform, *t) {
            (transform, Transform::None) | (Transform::None, transform) => transform,
            _ => return None,
        };
        Some(StandsFor { transform, ..own })
    };
    own.into_iter().zip(transforms).map(through).collect()
}

fn times(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

fn scale(v: &mut [f64], by: &[f64]) {
    v.iter_mut().zip(by).for_each(|(v, by)| *v *= by);
}

impl Simulator for Transformed {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        self.simulator.output()
    }
    fn forward(&self, z: &[f64], y: &mut [f64]) -> Result<()> {
        self.simulator.forward(&self.values(z), y)
    }
    fn jvp(&self, z: &[f64], dz: &[f64], dy: &mut [f64]) -> Result<()> {
        let (slopes, _) = self.derivatives(z);
        self.simulator.jvp(&self.values(z), &times(&slopes, dz), dy)
    }
    fn vjp(&self, z: &[f64], dy: &[f64], dz: &mut [f64]) -> Result<()> {
        self.simulator.vjp(&self.values(z), dy, dz)?;
        scale(dz, &self.derivatives(z).0);
        Ok(())
    }
    fn linearize<'a>(&'a self, z: &[f64], y: &mut [f64]) -> Result<Box<dyn LinearMap + Send + 'a>> {
        Ok(Box::new(TransformedMap {
            map: self.simulator.linearize(&self.values(z), y)?,
            slopes: self.derivatives(z).0,
        }))
    }
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        self.simulator.local_inverse().is_some().then_some(self)
    }
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        (!self.description.linear && self.curvature_known).then_some(self)
    }
    fn describe(&self) -> Description {
        self.description.clone()
    }
    fn seen_at(&self, places: &[usize]) -> Option<Arc<dyn Simulator>> {
        Some(Arc::new(Self {
            simulator: self.simulator.seen_at(places)?,
            ..self.clone()
        }))
    }
}

impl SecondOrder for Transformed {
    /// T′ ∘ (Σ dyᵢ ∇²Pᵢ) T′ dz + T″ dz ∘ Jᵀ dy.
    fn vjp_derivative(&self, z: &[f64], dy: &[f64], dz: &[f64], out: &mut [f64]) -> Result<()> {
        let x = self.values(z);
        let (slopes, curvatures) = self.derivatives(z);
        match self.simulator.second_order() {
            Some(second) => second.vjp_derivative(&x, dy, &times(&slopes, dz), out)?,
            None => out.fill(0.0),
        }
        let mut pulled = vec![0.0; z.len()];
        self.simulator.vjp(&x, dy, &mut pulled)?;
        for (i, out) in out.iter_mut().enumerate() {
            *out = slopes[i] * *out + curvatures[i] * dz[i] * pulled[i];
        }
        Ok(())
    }
}

impl LocalInverse for Transformed {
    fn invert_near(&self, y: &[f64], z0: &[f64], z: &mut [f64]) -> Result<()> {
        let mut y0 = vec![0.0; y.len()];
        self.simulator.forward(&self.values(z0), &mut y0)?;
        let dy: Vec<f64> = y.iter().zip(&y0).map(|(y, y0)| y - y0).collect();
        self.step(z0, &y0, &dy, z)?;
        z.iter_mut().zip(z0).for_each(|(z, z0)| *z += z0);
        Ok(())
    }
    fn step(&self, z0: &[f64], y0: &[f64], dy: &[f64], dz: &mut [f64]) -> Result<()> {
        self.step_counted(z0, y0, dy, dz, &mut Counts::default())
    }
    fn step_counted(
        &self,
        z0: &[f64],
        y0: &[f64],
        dy: &[f64],
        dz: &mut [f64],
        counts: &mut Counts,
    ) -> Result<()> {
        let mut x = self.values(z0);
        if let Some(inverse) = self.simulator.local_inverse() {
            let mut dx = vec![0.0; x.len()];
            let done = inverse.step_counted(&x, y0, dy, &mut dx, counts);
            done.map_err(|error| self.in_z(error))?;
            x.iter_mut().zip(&dx).for_each(|(x, dx)| *x += dx);
        }
        let z = self.unknowns(&x).map_err(|error| Error::OutsideRange {
            simulator: self.simulator.output().name.clone(),
            found: "that y with its transformed x".to_owned(),
            allowed: error.to_string(),
        })?;
        for (dz, (z, z0)) in dz.iter_mut().zip(z.iter().zip(z0)) {
            *dz = z - z0;
        }
        Ok(())
    }
    fn recovery(&self) -> Recovery {
        match self.simulator.local_inverse() {
            Some(inverse) => inverse.recovery(),
            None => Recovery {
                remaining: 1.0,
                subspace: None,
            },
        }
    }
}

struct TransformedMap<'a> {
    map: Box<dyn LinearMap + Send + 'a>,
    slopes: Vec<f64>,
}

impl LinearMap for TransformedMap<'_> {
    fn inputs(&self) -> usize {
        self.map.inputs()
    }
    fn outputs(&self) -> usize {
        self.map.outputs()
    }
    fn apply(&self, dz: &[f64], dy: &mut [f64]) -> Result<()> {
        self.map.apply(&times(&self.slopes, dz), dy)
    }
    fn apply_transpose(&self, dy: &[f64], dz: &mut [f64]) -> Result<()> {
        self.map.apply_transpose(dy, dz)?;
        scale(dz, &self.slopes);
        Ok(())
    }
    fn dense(&self) -> Result<Matrix> {
        let mut j = self.map.dense()?;
        (0..j.rows()).for_each(|i| scale(j.row_mut(i), &self.slopes));
        Ok(j)
    }
    fn noise(&self) -> Option<Vec<f64>> {
        self.map.noise()
    }
    fn look_for_noise(&self) -> Result<u64> {
        self.map.look_for_noise()
    }
    fn errors(&self, measure: bool) -> Result<Option<Matrix>> {
        let mut errors = self.map.errors(measure)?;
        if let Some(errors) = &mut errors {
            let slopes: Vec<f64> = self.slopes.iter().map(|s| s.abs()).collect();
            (0..errors.rows()).for_each(|i| scale(errors.row_mut(i), &slopes));
        }
        Ok(errors)
    }
    fn expect_products(&self, count: usize) -> Result<()> {
        self.map.expect_products(count)
    }
}
