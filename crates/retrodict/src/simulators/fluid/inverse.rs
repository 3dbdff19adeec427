//! How a flow is inverted: least squares through a blur, or centres of mass.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fluid, FluidInput, mass_centres};
use crate::core::counts::Counts;
use crate::core::simulator::{LocalInverse, Recovery, Simulator};
use crate::error::Result;
use crate::linalg::LinearMap;
use crate::linalg::{LsmrOptions, axpy, distance_squared, lsmr, norm};
use crate::options::{not_negative, positive, require};
use crate::spectral::fourier::RealFourier;

/// How a run of the flow is inverted near x₀.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "method", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum FluidInverse {
    /// Damped Gauss–Newton steps from x₀, each solved by LSMR, with all differences seen through
    /// a blur and all changes of x smoothed.
    LeastSquares {
        /// Gauss–Newton steps; the blur is halved from one to the next.
        #[serde(default = "six")]
        steps: usize,
        /// LSMR iterations in each, a jvp and a vjp apiece.
        #[serde(default = "twenty")]
        iterations: usize,
        /// The damping, relative to how strongly y depends on x.
        #[serde(default = "tenth")]
        damping: f64,
        /// The length over which changes of x are smooth, in cells.
        #[serde(default = "four")]
        smoothness: f64,
        /// The first blur, in cells; it lets markers find each other that do not overlap. None
        /// is left in the last step.
        #[serde(default)]
        blur: f64,
    },
    /// A uniform velocity and a swirl, estimated from the markers' centres and orientations of
    /// mass, are added to the velocity that was reached, and the flow is run backwards.
    MassCentres {
        /// Whether what is neither uniform nor a swirl in x₀ stays. Without it, x is of that kind alone.
        #[serde(default = "yes")]
        keep_rest: bool,
    },
}

fn yes() -> bool {
    true
}

fn six() -> usize {
    6
}

fn twenty() -> usize {
    20
}

fn tenth() -> f64 {
    0.1
}

fn four() -> f64 {
    4.0
}

impl Default for FluidInverse {
    fn default() -> Self {
        Self::LeastSquares {
            steps: six(),
            iterations: twenty(),
            damping: tenth(),
            smoothness: four(),
            blur: 0.0,
        }
    }
}

impl FluidInverse {
    /// Checks every option.
    ///
    /// # Errors
    /// [`Error::Option`](crate::Error::Option) with the key and what is allowed.
    pub(super) fn validate(&self, input: FluidInput) -> Result<()> {
        let Self::LeastSquares {
            steps,
            iterations,
            damping,
            smoothness,
            blur,
        } = self
        else {
            return require(
                input == FluidInput::Velocity,
                "inverse.method",
                "mass-centres",
                "a stream function has no mean velocity to move the centre of mass; take \
                 input = 'velocity' or the method 'least-squares'",
            );
        };
        for (key, count) in [("inverse.steps", steps), ("inverse.iterations", iterations)] {
            require(*count > 0, key, count, "it must be at least 1")?;
        }
        positive("inverse.damping", *damping)?;
        not_negative("inverse.smoothness", *smoothness)?;
        not_negative("inverse.blur", *blur)
    }
}

impl LocalInverse for Fluid {
    fn invert_near(&self, y: &[f64], x0: &[f64], x: &mut [f64]) -> Result<()> {
        match self.options.inverse {
            FluidInverse::LeastSquares { .. } => {
                BlurredLeastSquares::new(self).solve(y, x0, x, &mut Counts::default())
            }
            FluidInverse::MassCentres { keep_rest } => {
                mass_centres::invert(self, keep_rest, y, x0, x)
            }
        }
    }
    fn step_counted(
        &self,
        x0: &[f64],
        y0: &[f64],
        dy: &[f64],
        dx: &mut [f64],
        counts: &mut Counts,
    ) -> Result<()> {
        let aim: Vec<f64> = y0.iter().zip(dy).map(|(y, dy)| y + dy).collect();
        match self.options.inverse {
            FluidInverse::LeastSquares { .. } => {
                BlurredLeastSquares::new(self).solve(&aim, x0, dx, counts)?;
            }
            FluidInverse::MassCentres { keep_rest } => {
                mass_centres::invert(self, keep_rest, &aim, x0, dx)?;
                counts.forward += 1;
            }
        }
        axpy(-1.0, x0, dx);
        Ok(())
    }
    fn recovery(&self) -> Recovery {
        match self.options.inverse {
            FluidInverse::LeastSquares { .. } => Recovery {
                remaining: 0.25,
                subspace: Some("the part of the velocity across the marker's contours"),
            },
            FluidInverse::MassCentres { .. } => Recovery {
                remaining: 1.0,
                subspace: Some("a uniform velocity and a swirl around the marker"),
            },
        }
    }
}

/// The least change of x, measured after sharpening, that explains y through a blur.
struct BlurredLeastSquares<'a> {
    fluid: &'a Fluid,
    fourier: RealFourier,
    /// 1/(1 + ℓ²λ) at each mode: what makes changes of x smooth.
    smooth: Vec<f64>,
    steps: usize,
    iterations: usize,
    damping: f64,
    blur: f64,
}

impl<'a> BlurredLeastSquares<'a> {
    fn new(fluid: &'a Fluid) -> Self {
        let fourier = RealFourier::new(&fluid.options.extents());
        let (steps, iterations, damping, length, blur) = match fluid.options.inverse {
            FluidInverse::LeastSquares {
                steps,
                iterations,
                damping,
                smoothness,
                blur,
            } => (steps, iterations, damping, smoothness, blur),
            FluidInverse::MassCentres { .. } => (0, 0, 0.0, 0.0, 0.0),
        };
        let squares = fourier.k_squared(1.0);
        let smooth = squares.iter().map(|k2| 1.0 / (1.0 + length * length * k2));
        Self {
            fluid,
            smooth: smooth.collect(),
            fourier,
            steps,
            iterations,
            damping,
            blur,
        }
    }

    /// e^(−½ b² k²) at each mode.
    fn blur(&self, width: f64) -> Vec<f64> {
        let squares = self.fourier.k_squared(1.0);
        squares
            .iter()
            .map(|k2| (-0.5 * width * width * k2).exp())
            .collect()
    }

    fn solve(&self, y: &[f64], x0: &[f64], x: &mut [f64], counts: &mut Counts) -> Result<()> {
        x.copy_from_slice(x0);
        let mut here = x0.to_vec();
        let (mut reached, mut trial) = (vec![0.0; y.len()], vec![0.0; y.len()]);
        let mut best = f64::INFINITY;
        for step in 0..self.steps {
            let map = self.fluid.linearize(&here, &mut reached)?;
            counts.forward += 1;
            let misfit = distance_squared(y, &reached);
            if misfit < best {
                best = misfit;
                x.copy_from_slice(&here);
            }
            let last = step + 1 == self.steps;
            let width = if last {
                0.0
            } else {
                self.blur / (1 << step) as f64
            };
            let seen = BlurredJacobian {
                map: &*map,
                inverse: self,
                blur: self.blur(width),
            };
            let rest: Vec<f64> = y.iter().zip(&reached).map(|(y, r)| y - r).collect();
            let Some(change) = self.change(&seen, &rest, counts)? else {
                break;
            };
            // A step that leads away is shortened; one that helps nowhere ends the search.
            let mut length = 1.0;
            let taken = (0..6).any(|_| {
                let mut there = here.clone();
                axpy(length, &change, &mut there);
                counts.forward += 1;
                let fine = self.fluid.forward(&there, &mut trial).is_ok()
                    && seen.distance(y, &trial) < seen.distance(y, &reached);
                if fine {
                    here = there;
                }
                length *= 0.5;
                fine
            });
            if !taken {
                break;
            }
        }
        counts.forward += 1;
        if self.fluid.forward(&here, &mut reached).is_ok() && distance_squared(y, &reached) < best {
            x.copy_from_slice(&here);
        }
        Ok(())
    }

    /// The change of x for the rest of y; none where y does not depend on x.
    fn change(
        &self,
        seen: &BlurredJacobian<'_>,
        rest: &[f64],
        counts: &mut Counts,
    ) -> Result<Option<Vec<f64>>> {
        let mut aim = rest.to_vec();
        seen.filter(&seen.blur, &mut aim);
        let mut pull = vec![0.0; seen.inputs()];
        seen.apply_transpose(&aim, &mut pull)?;
        let strength = norm(&pull) / norm(&aim);
        if !(strength > 0.0 && strength.is_finite()) {
            return Ok(None);
        }
        let options = LsmrOptions {
            damping: self.damping * strength,
            tolerance: 1e-6,
            max_iterations: self.iterations,
        };
        let report = lsmr(seen, &aim, &options, &mut pull)?;
        // One transposed product to see how strong y depends on x, and one to start.
        counts.jvp += report.iterations as u64;
        counts.vjp += report.iterations as u64 + 2;
        seen.filter(&self.smooth, &mut pull);
        Ok(Some(pull))
    }
}

/// J seen through the blur, for changes of x before they are smoothed.
struct BlurredJacobian<'a> {
    map: &'a dyn LinearMap,
    inverse: &'a BlurredLeastSquares<'a>,
    blur: Vec<f64>,
}

impl BlurredJacobian<'_> {
    /// Filters each field of x or y.
    fn filter(&self, gains: &[f64], fields: &mut [f64]) {
        let fourier = &self.inverse.fourier;
        for field in fields.chunks_mut(fourier.len()) {
            let before = field.to_vec();
            fourier.apply_diagonal(&before, field, gains);
        }
    }

    fn distance(&self, a: &[f64], b: &[f64]) -> f64 {
        let mut apart: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        self.filter(&self.blur, &mut apart);
        norm(&apart)
    }
}

impl LinearMap for BlurredJacobian<'_> {
    fn inputs(&self) -> usize {
        self.map.inputs()
    }
    fn outputs(&self) -> usize {
        self.map.outputs()
    }
    fn apply(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        let mut smooth = dx.to_vec();
        self.filter(&self.inverse.smooth, &mut smooth);
        self.map.apply(&smooth, dy)?;
        self.filter(&self.blur, dy);
        Ok(())
    }
    fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let mut blurred = dy.to_vec();
        self.filter(&self.blur, &mut blurred);
        self.map.apply_transpose(&blurred, dx)?;
        self.filter(&self.inverse.smooth, dx);
        Ok(())
    }
}
