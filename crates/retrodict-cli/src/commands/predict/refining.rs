//! `--refine` and what goes with it, in the library's words.

use retrodict::Problem;
use retrodict::spec::{InversionSpec, Named, NetworkFile, Physics, Refinement, Refiner};

use crate::args::{self, settings};
use crate::data::UserFiles;
use crate::failure::{Failure, Outcome};
use crate::inversion::{apply_all, number, prior, sides};
use crate::registry;

/// How x is refined, if it is.
pub struct Refining {
    /// The work.
    pub refiner: Refiner<'static>,
    /// Steps at most.
    pub steps: usize,
    /// Whether the same is done from zeros.
    pub compare_cold: bool,
    /// Whether noise, priors or goals say how far y* is to be met.
    pub regularised: bool,
}

impl Refining {
    /// What the arguments ask for, if they do.
    pub fn read(
        args: &args::PredictArguments,
        file: &NetworkFile,
        physics: &retrodict::Result<Physics>,
        has_target: bool,
    ) -> Outcome<Option<Self>> {
        let Some(steps) = args.refine else {
            return Ok(None);
        };
        if !has_target {
            return Err(Failure::Misuse(
                "--refine needs y*, which this network does not see; give it as --target FILE"
                    .to_owned(),
            ));
        }
        let physics = physics.as_ref().map_err(|error| error.clone())?;
        let refinement = refinement(args, file, steps)?;
        let refiner = refinement.of(file, physics, registry(), &UserFiles)?;
        Ok(Some(Self {
            refiner,
            steps,
            compare_cold: args.compare_cold,
            regularised: refinement.is_regularised(),
        }))
    }

    /// Refuses to put noise into x.
    pub fn check<'s>(
        &self,
        physics: &Physics,
        samples: impl Iterator<Item = (&'s [f64], &'s [f64])>,
    ) -> Outcome<()> {
        if self.regularised {
            return Ok(());
        }
        let Some((sample, found)) = self.refiner.ill_posed(samples)? else {
            return Ok(());
        };
        Err(Failure::Misuse(format!(
            "--refine {} would put the noise of y* into x: through {} an exact fit makes relative noise {:.1e} times as large, at the \
             network's x of sample {}. Give the noise level, as --noise 0.01 (of the root mean square of y*) or --noise-std STD, or \
             a prior, as --prior tikhonov:weight=gcv; for computed data without noise, give a small level, as --noise 1e-9",
            self.steps,
            name(physics),
            found.noise,
            sample + 1
        )))
    }
}

fn name(physics: &Physics) -> String {
    match physics.name.as_str() {
        "" => "the simulator".to_owned(),
        name => name.to_owned(),
    }
}

fn refinement(
    args: &args::PredictArguments,
    file: &NetworkFile,
    steps: usize,
) -> Outcome<Refinement> {
    // Goals are those of an inversion, with its messages.
    let goals = InversionSpec::new(file.plan.simulator.clone(), Vec::new());
    let goals = apply_all(goals, &settings::stops(&args.stops)?)?;
    let mut refinement = Refinement::new(steps).with_stop(goals.stop);
    refinement.rule = args.rule.clone().map(Named::new);
    refinement.noise.relative = args.noise;
    refinement.noise.std = args.noise_std.as_deref().map(number);
    for text in &args.priors {
        refinement.priors.push(prior(text)?);
    }
    if let Some(bounds) = &args.bounds {
        refinement.bounds = sides(bounds)?;
    }
    Ok(refinement)
}

/// How well an x explains y*, through the physics of the training.
pub fn loss(file: &NetworkFile, physics: &Physics, x: &[f64], target: &[f64]) -> Outcome<f64> {
    let simulator = physics.aimed_at(&file.plan.data.draw, target)?;
    let loss = std::sync::Arc::clone(&physics.loss);
    let problem = Problem::new(simulator, loss, target.to_vec())?;
    let mut y = vec![0.0; target.len()];
    problem.simulator().forward(x, &mut y)?;
    Ok(physics.loss.value(&y, target))
}
