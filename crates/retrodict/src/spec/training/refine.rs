//! How the x of a network is refined: by an inversion that starts there.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::draw::DrawSpec;
use super::network_file::NetworkFile;
use super::physics::Physics;
use crate::error::{At, Error, Result};
use crate::interrupt;
use crate::problem::Problem;
use crate::registry::{Named, Registry};
use crate::solver::solution::Solution;
use crate::spec::posed::AT_THE_NOISE;
use crate::spec::values::{Files, NoFiles, Values};
use crate::spec::{BoundsSpec, InversionSpec, NoiseSpec, Posed, PriorSpec, StopSpec, Subject};
use crate::uncertainty::amplification::Amplification;

/// How the x of a network is refined: an inversion that starts there, in the words of one.
///
/// Where the problem is ill-posed, an exact fit of y* puts its noise into x, and what the network learned of x is lost. A prior
/// is one around the network's x, unless it has a `reference` of its own. With the noise level alone it is the x nearest to the network's that explains y* to within its
/// noise: a step may jump past the discrepancy, so that stopping there is not enough. An x that explains y* already is kept.
///
/// ```
/// use retrodict::spec::{NoiseSpec, Refinement};
///
/// // At most five steps, and none once y* is met to within 1 % of its root mean square.
/// let refinement = Refinement::new(5).with_noise(NoiseSpec::default().with_relative(Some(0.01)));
/// # let _ = refinement;
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, derive_setters::Setters)]
#[setters(prefix = "with_")]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Refinement {
    /// Maximum number of steps.
    pub steps: usize,
    /// The update rule: `name` and options; the one that suits the problem if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Named>,
    /// What is known of the noise in y*; with it a refinement ends where y* is met to within the noise, unless a prior or another
    /// goal is set.
    pub noise: NoiseSpec,
    /// What is known of x: `name`, `weight` and options of each prior; around the network's x where its `reference` is not given.
    #[serde(rename = "prior", skip_serializing_if = "Vec::is_empty")]
    pub priors: Vec<PriorSpec>,
    /// What no iterate goes beyond.
    pub bounds: BoundsSpec,
    /// When to stop before.
    pub stop: StopSpec,
}

impl Default for Refinement {
    fn default() -> Self {
        Self::new(5)
    }
}

/// By how much noise grows, from y to an exact fit's x, where a problem counts as ill-posed.
pub const ILL_POSED: f64 = 1e3;

/// Of how many samples that is computed.
const LOOKED_AT: usize = 3;

/// A refinement of one network's answers, checked.
pub struct Refiner<'a> {
    physics: Physics,
    draw: DrawSpec,
    spec: InversionSpec,
    registry: &'a Registry,
}

/// A refined x.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refined {
    /// x.
    pub x: Vec<f64>,
    /// The training's loss of it.
    pub loss: f64,
    /// χ²/N of it, N data, where the noise level is known.
    pub chi_squared: Option<f64>,
    /// The rule, by its name.
    pub rule: String,
    /// How it was found; its loss is that of the inversion, with noise and priors.
    pub solution: Solution,
}

impl Refinement {
    /// At most so many steps, without noise, priors or bounds.
    pub fn new(steps: usize) -> Self {
        Self {
            steps,
            rule: None,
            noise: NoiseSpec::default(),
            priors: Vec::new(),
            bounds: BoundsSpec::default(),
            stop: StopSpec::default(),
        }
    }

    /// The refinement of a network's answers through its physics. Files are read once.
    ///
    /// # Errors
    /// If the noise level is to be fitted, a file cannot be read, or its values do not fit.
    pub fn of<'a>(
        &self,
        file: &NetworkFile,
        physics: &Physics,
        registry: &'a Registry,
        files: &dyn Files,
    ) -> Result<Refiner<'a>> {
        if !self.noise.parameter.is_empty() {
            return Err(Error::Config {
                what: "noise.parameter".to_owned(),
                message: "a refinement does not fit the noise level: give it as noise.std or noise.relative, or solve for it in \
                          an inversion that starts at the network's x"
                    .to_owned(),
            });
        }
        let simulator = Named {
            name: physics.name.clone(),
            options: physics.options.clone(),
        };
        let mut spec = InversionSpec::new(simulator, Vec::new());
        spec.inverse.clone_from(&file.plan.inverse);
        spec.rule.clone_from(&self.rule);
        spec.noise = self.noise.clone();
        if let Some(name) = spec.noise.std_file.take() {
            spec.noise.std = Some(Values::File(name));
        }
        let m = file.target.len();
        let (noise, bounds) = (&mut spec.noise, &mut spec.bounds);
        numbers(&mut noise.std, &file.target.shape, files).inside("noise.std")?;
        numbers(&mut noise.covariance, &[m, m], files).inside("noise.covariance")?;
        *bounds = self.bounds.clone();
        numbers(&mut bounds.lower, &file.output.shape, files).inside("bounds.lower")?;
        numbers(&mut bounds.upper, &file.output.shape, files).inside("bounds.upper")?;
        spec.priors.clone_from(&self.priors);
        spec.stop = self.stop.clone();
        spec.stop.steps = spec.stop.steps.min(self.steps);
        Ok(Refiner {
            physics: physics.clone(),
            draw: file.plan.data.draw.clone(),
            spec,
            registry,
        })
    }

    /// Whether something keeps x from fitting the noise: what is known of it, a prior, or how well y* is to be met.
    pub fn is_regularised(&self) -> bool {
        let stop = &self.stop;
        self.noise.is_known()
            || !self.priors.is_empty()
            || stop.discrepancy_below.is_some()
            || stop.loss_below.is_some()
            || stop.residual_below.is_some()
    }
}

/// Numbers in place of the file that holds them.
fn numbers(values: &mut Option<Values>, shape: &[usize], files: &dyn Files) -> Result<()> {
    if let Some(Values::File(_)) = values {
        let read = values.as_ref().map(|own| own.read(shape, files));
        let found = read.transpose()?.unwrap_or_default().concat();
        *values = Some(match found.as_slice() {
            [one] => Values::One(*one),
            _ => Values::Each(found),
        });
    }
    Ok(())
}

impl Refiner<'_> {
    /// Whether an exact fit of y* would put its noise into x: the first of a few samples where J at the network's x amplifies
    /// noise a thousandfold or more. Samples whose simulation fails are passed over.
    ///
    /// # Errors
    /// If the work was interrupted.
    ///
    /// # Cost
    /// That of [`Amplification::of`] for up to three samples.
    pub fn ill_posed<'s>(
        &self,
        samples: impl Iterator<Item = (&'s [f64], &'s [f64])>,
    ) -> Result<Option<(usize, Amplification)>> {
        let mut looked = 0;
        for (i, (x, target)) in samples.enumerate() {
            interrupt::check()?;
            if looked == LOOKED_AT {
                break;
            }
            let Ok(found) = self.amplification(x, target) else {
                continue;
            };
            looked += 1;
            if found.noise >= ILL_POSED {
                return Ok(Some((i, found)));
            }
        }
        Ok(None)
    }

    /// By how much noise grows from y to the x of an exact fit near x.
    ///
    /// # Errors
    /// If the simulation fails.
    pub fn amplification(&self, x: &[f64], target: &[f64]) -> Result<Amplification> {
        let simulator = self.physics.aimed_at(&self.draw, target)?;
        let mut y = vec![0.0; simulator.output().len()];
        Amplification::of(&*simulator.linearize(x, &mut y)?)
    }

    /// Refines the x of one sample; bounds that it lies outside of are where it starts.
    ///
    /// # Errors
    /// If a name, an option or a value cannot be, or the simulation fails at the start.
    pub fn refine(&self, x: &[f64], target: &[f64]) -> Result<Refined> {
        self.refine_until(x, target, None)
    }

    /// The same with other stops than those of the refinement.
    ///
    /// # Errors
    /// As [`refine`](Refiner::refine).
    pub fn refine_until(
        &self,
        x: &[f64],
        target: &[f64],
        stop: Option<StopSpec>,
    ) -> Result<Refined> {
        let start = self.within(x)?;
        let (posed, problem) = self.posed(&start, target)?;
        let mut stop = stop.unwrap_or_else(|| posed.stop.clone());
        if self.explains(&problem) && !stop.has_goal() {
            stop.discrepancy_below = Some(AT_THE_NOISE);
        }
        let solution = posed.solver_until(stop)?.solve(&problem, &start)?;
        let mut y = vec![0.0; target.len()];
        let simulator = self.physics.aimed_at(&self.draw, target)?;
        simulator.forward(&solution.x, &mut y)?;
        let noise = problem.data_loss();
        let known = self.spec.noise.is_known() && noise.noise().is_known();
        let chi_squared = noise.chi_squared(&y, target).filter(|_| known);
        Ok(Refined {
            x: solution.x.clone(),
            loss: self.physics.loss.value(&y, target),
            chi_squared: chi_squared.map(|found| found.value / target.len().max(1) as f64),
            rule: posed.rule.name,
            solution,
        })
    }

    /// Whether a known noise level alone says when y* is explained.
    fn explains(&self, problem: &Problem) -> bool {
        self.spec.priors.is_empty() && problem.data_loss().noise().is_known()
    }

    /// The nearest x within bounds.
    fn within(&self, x: &[f64]) -> Result<Vec<f64>> {
        let mut x = x.to_vec();
        let shape = &self.physics.simulator.input().shape;
        if let Some(bounds) = self.spec.bounds.build(shape, &NoFiles)? {
            bounds.for_each(x.len())?.project(&mut x);
        }
        Ok(x)
    }

    fn posed(&self, start: &[f64], target: &[f64]) -> Result<(Posed, Problem)> {
        let mut spec = self.spec.clone();
        spec.start.values = Some(start.to_vec());
        for PriorSpec { prior, .. } in &mut spec.priors {
            let takes = self.registry.priors.find(&prior.name)?.accepts("reference");
            if takes && !prior.options.contains_key("reference") {
                *prior = prior.clone().with("reference", start.to_vec());
            }
        }
        let (posed, problem) = self.pose(&spec, start, target)?;
        // Nothing is to be done where y* is explained, and a prior says itself how far x may go.
        let nearest = spec.priors.is_empty()
            && problem.data_loss().noise().is_known()
            && self.chi_squared(&problem, start, target)? > AT_THE_NOISE
            && self.amplification(start, target)?.noise >= ILL_POSED;
        if !nearest {
            return Ok((posed, problem));
        }
        let network = Named::new("tikhonov").with("reference", start.to_vec());
        spec.priors = vec![PriorSpec::try_from(network.with("weight", "discrepancy"))?];
        self.pose(&spec, start, target)
    }

    /// χ²/N of an x; infinite for a loss that does not know it.
    fn chi_squared(&self, problem: &Problem, x: &[f64], target: &[f64]) -> Result<f64> {
        let mut y = vec![0.0; target.len()];
        let simulator = self.physics.aimed_at(&self.draw, target)?;
        simulator.forward(x, &mut y)?;
        let found = problem.data_loss().chi_squared(&y, target);
        let count = target.len().max(1) as f64;
        Ok(found.map_or(f64::INFINITY, |found| found.value / count))
    }

    fn pose(
        &self,
        spec: &InversionSpec,
        start: &[f64],
        target: &[f64],
    ) -> Result<(Posed, Problem)> {
        let simulator = self.physics.aimed_at(&self.draw, target)?;
        // A simulator that starts from a state of the sample's own cannot be built again without it.
        let own = matches!(self.draw, DrawSpec::States { .. }) || spec.simulator.name.is_empty();
        let subject = match own {
            true => Subject::new(simulator),
            false => self.spec.subject(simulator, self.registry)?,
        };
        let posed = spec.pose_with(&subject, &[target], self.registry, &NoFiles)?;
        let Some(field) = posed.fields.first() else {
            return Err(Error::Config {
                what: "target".to_owned(),
                message: "it is empty".to_owned(),
            });
        };
        let mut problem = field.problem.clone();
        if !spec.noise.is_known() && spec.priors.is_empty() {
            // Nothing is weighed against the data: what counts is what counted in training.
            let loss = Arc::clone(&self.physics.loss);
            let data = Problem::new(Arc::clone(&posed.simulator), loss, target.to_vec())?;
            problem = spec.constrained(&data, self.registry, &NoFiles)?;
        }
        if let Some(choice) = posed.choice {
            problem = problem.with_weight(0, choice.weight(&problem, start)?.weight)?;
        }
        Ok((posed, problem))
    }
}
