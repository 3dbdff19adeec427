//! Draws samples as a description says.

use std::sync::Arc;

use super::draw::DrawSpec;
use super::physics::Physics;
use crate::core::random::Random;
use crate::error::{Error, Result};
use crate::options::build;
use crate::simulators::SchroedingerOptions;
use crate::spec::random;
use crate::training::Sample;

mod flows;

/// Draws samples one by one.
pub struct Drawer {
    draw: DrawSpec,
    physics: Physics,
    /// The eigenstates of which superpositions are made.
    states: Vec<Vec<f64>>,
}

impl Drawer {
    /// Checks that the samples fit the physics.
    pub fn new(draw: &DrawSpec, physics: &Physics) -> Result<Self> {
        let mut states = Vec::new();
        if let Some((low, high)) = draw.range() {
            random::check_range("data.draw", low, high)?;
        }
        match draw {
            DrawSpec::Superpositions { levels, .. } => {
                if physics.name != "schroedinger" {
                    return Err(refused(
                        "",
                        format!(
                            "superpositions are for the simulator schroedinger; found {}",
                            physics.name
                        ),
                    ));
                }
                let well = build::<SchroedingerOptions>("schroedinger", &physics.options)?;
                let inner = physics.simulator.output().len() / 2;
                if let Some(level) = levels.iter().find(|l| !(1..=inner).contains(l)) {
                    let why = format!("found {level}; there are the levels 1 to {inner}");
                    return Err(refused(".levels", why));
                }
                states = levels.iter().map(|l| well.eigenstate(*l)).collect();
            }
            DrawSpec::PowerLaw { exponent } => {
                not_negative("exponent", *exponent, "2 is smooth")?;
            }
            DrawSpec::Flows { .. } | DrawSpec::Swirls { .. } => {
                let (x, y) = (physics.simulator.input(), physics.simulator.output());
                if physics.name != "fluid" || x.len() != 2 * y.len() {
                    return Err(refused(
                        "",
                        format!(
                            "flows are velocities of the simulator fluid, from one picture of the marker; found {} \
                             from {} {:?} to {} {:?}",
                            physics.name, x.name, x.shape, y.name, y.shape
                        ),
                    ));
                }
                if let DrawSpec::Flows { strength } = draw {
                    not_negative("strength", *strength, "try strength = 0.5")?;
                }
                if let DrawSpec::Swirls {
                    drift,
                    swirl,
                    reach,
                    fluctuation,
                } = draw
                {
                    let try_this = "try drift = 0.5, swirl = 0.5, reach = 8.0, fluctuation = 0.005";
                    not_negative("drift", *drift, try_this)?;
                    not_negative("swirl", *swirl, try_this)?;
                    not_negative("fluctuation", *fluctuation, try_this)?;
                    if !(reach.is_finite() && *reach > 0.0) {
                        let why = format!(
                            "found {reach}; it must be a finite number of cells above 0; {try_this}"
                        );
                        return Err(refused(".reach", why));
                    }
                }
            }
            DrawSpec::Waves {
                frequencies,
                amplitudes,
                ..
            } => {
                let unknowns = physics.simulator.input().len();
                for (key, list) in [("frequencies", frequencies), ("amplitudes", amplitudes)] {
                    let silent = key == "amplitudes" && list.is_empty();
                    if !silent && list.len() != unknowns {
                        let (found, name) = (list.len(), &physics.name);
                        let why = format!("found {found}, but {name} takes {unknowns} values");
                        return Err(refused(&format!(".{key}"), why));
                    }
                }
            }
            _ => {}
        }
        Ok(Self {
            draw: draw.clone(),
            physics: physics.clone(),
            states,
        })
    }

    /// The next sample of a generator.
    pub fn sample(&self, random: &mut Random) -> Result<Sample> {
        let simulator = &self.physics.simulator;
        let space = simulator.input();
        let mut uniform = |low: f64, high: f64| low + (high - low) * random.unit();
        let x = match &self.draw {
            DrawSpec::Uniform { low, high } => {
                (0..space.len()).map(|_| uniform(*low, *high)).collect()
            }
            DrawSpec::Targets { low, high } => {
                let length = simulator.output().len();
                let target = (0..length).map(|_| uniform(*low, *high)).collect();
                return self.aimed(target);
            }
            DrawSpec::Boxes => random::boxes(&space.shape, random),
            DrawSpec::Smooth => random::smooth(&space.shape, random),
            DrawSpec::PowerLaw { exponent } => random::power_law(&space.shape, *exponent, random),
            DrawSpec::States { option, low, high } => {
                let length = simulator.output().len();
                let state: Vec<f64> = (0..length).map(|_| uniform(*low, *high)).collect();
                return Ok(Sample::new(self.physics.with(option, &state)?, state));
            }
            DrawSpec::Flows { strength } => return self.flow(*strength, random),
            DrawSpec::Swirls {
                drift,
                swirl,
                reach,
                fluctuation,
            } => return self.swirl([*drift, *swirl, *reach, *fluctuation], random),
            DrawSpec::Superpositions { complex, .. } => {
                let target = self.superposition(*complex, random);
                return Ok(Sample::new(Arc::clone(simulator), target));
            }
            DrawSpec::Waves {
                frequencies,
                amplitudes,
                low,
                high,
            } => {
                let t = uniform(*low, *high);
                let wave = |(k, w): (usize, &f64)| {
                    let wave = if k.is_multiple_of(2) {
                        (w * t).sin()
                    } else {
                        (w * t).cos()
                    };
                    amplitudes.get(k).copied().unwrap_or(1.0) * wave
                };
                let x = frequencies.iter().enumerate().map(wave).collect();
                return Ok(self.of(x)?.with_input(vec![t]));
            }
            // These are read, not drawn.
            DrawSpec::File { .. } | DrawSpec::Arrays { .. } => Vec::new(),
        };
        self.of(x)
    }

    /// A y* that no x was drawn for.
    fn aimed(&self, target: Vec<f64>) -> Result<Sample> {
        let simulator = Arc::clone(&self.physics.simulator);
        let origin = vec![0.0; simulator.input().len()];
        let mut label = origin.clone();
        let inverse = simulator.local_inverse().filter(|i| i.is_nearest());
        let known = match inverse {
            Some(inverse) => {
                inverse.invert_near(&target, &origin, &mut label)?;
                true
            }
            None => false,
        };
        Ok(Sample::new(simulator, target).with_label(known.then_some(label)))
    }

    /// x and what it leads to.
    fn of(&self, x: Vec<f64>) -> Result<Sample> {
        let simulator = Arc::clone(&self.physics.simulator);
        let mut target = vec![0.0; simulator.output().len()];
        simulator.forward(&x, &mut target)?;
        Ok(Sample::new(simulator, target).with_label(x))
    }

    /// Re ψ and Im ψ of eigenstates with normal weights, scaled to the norm of one of them.
    fn superposition(&self, complex: bool, random: &mut Random) -> Vec<f64> {
        let length = self.physics.simulator.output().len();
        let (mut psi, mut weights) = (vec![0.0; length], 0.0);
        for state in &self.states {
            let real: f64 = random.normal();
            let imaginary: f64 = if complex { random.normal() } else { 0.0 };
            weights += real * real + imaginary * imaginary;
            // The eigenstates are real.
            for j in 0..length / 2 {
                psi[j] += real * state[j];
                psi[length / 2 + j] += imaginary * state[j];
            }
        }
        psi.iter_mut().for_each(|v| *v /= weights.sqrt());
        psi
    }
}

/// Refuses a number below 0.
fn not_negative(key: &str, found: f64, try_this: &str) -> Result<()> {
    if found.is_finite() && found >= 0.0 {
        return Ok(());
    }
    let why = format!("found {found}; it must be a finite number of 0 or more; {try_this}");
    Err(refused(&format!(".{key}"), why))
}

fn refused(key: &str, why: String) -> Error {
    Error::Config {
        what: format!("data.draw{key}"),
        message: why,
    }
}
