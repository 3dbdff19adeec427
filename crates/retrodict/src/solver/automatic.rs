//! Which method suits a problem, where nobody has chosen one.

use crate::core::simulator::Simulator;
use crate::problem::{Problem, Term};

/// A method, and why it was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Automatic {
    /// The rule's name, as in [`registry::RULES`](crate::registry::RULES).
    pub method: &'static str,
    /// Why, in words that follow "chosen because".
    pub reason: &'static str,
}

/// The name that stands for this choice where a method is asked for.
pub const AUTOMATIC: &str = "auto";

/// Unknowns up to which a dense Jacobian is cheap.
const FEW: usize = 500;

/// Unknowns up to which a Jacobian that is found by differences, and so formed anyway, is decomposed.
const FORMED: usize = 2000;

/// The method that suits a problem, by what it brings and how large it is.
///
/// ```
/// use std::sync::Arc;
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::SineOptions;
/// use retrodict::solver::automatic;
///
/// # fn main() -> retrodict::Result<()> {
/// let sine = Arc::new(SineOptions::default().build()?);
/// let problem = Problem::new(sine, Arc::new(SquaredError::half()), vec![0.5, 0.0])?;
/// assert_eq!(automatic::method(&problem).method, "inverse-simulator");
/// # Ok(())
/// # }
/// ```
pub fn method(problem: &Problem) -> Automatic {
    let simulator = problem.simulator();
    // Where there are priors, the stacked simulator brings no inverse.
    let constrained = problem.constraints().is_some();
    if simulator.local_inverse().is_some() && problem.bounds().is_none() && !constrained {
        return of_simulator(simulator);
    }
    if constrained {
        return Automatic {
            method: "levenberg-marquardt",
            reason: "it keeps linear constraints",
        };
    }
    let (priors, small) = (problem.priors(), is_small(simulator));
    if !small && priors.iter().any(is_reweighted) {
        return Automatic {
            method: "gauss-newton",
            reason: "a prior is not quadratic, so its curvature changes with x: each step solves for all unknowns \
                 with the curvature at x",
        };
    }
    let linear = problem.description().linear && problem.bounds().is_none();
    if !small && linear && !priors.is_empty() {
        return Automatic {
            method: "gauss-newton",
            reason: "simulator and priors are linear: a step solves for all unknowns by products with J",
        };
    }
    by_derivatives(simulator)
}

/// The method that suits a simulator, without priors and bounds.
pub fn of_simulator(simulator: &dyn Simulator) -> Automatic {
    match simulator.local_inverse() {
        Some(_) => Automatic {
            method: "inverse-simulator",
            reason: "the simulator has a local inverse, and there are neither priors nor bounds",
        },
        None => by_derivatives(simulator),
    }
}

fn by_derivatives(simulator: &dyn Simulator) -> Automatic {
    match is_small(simulator) {
        true => Automatic {
            method: "levenberg-marquardt",
            reason: "J is small enough to be formed and decomposed in each step",
        },
        false => Automatic {
            method: "limited-memory-bfgs",
            reason: "there are too many unknowns to form J: gradients are used instead",
        },
    }
}

fn is_small(simulator: &dyn Simulator) -> bool {
    let n = simulator.input().len();
    let how = || simulator.describe().approximation;
    let by_differences = || how().is_some_and(|how| how.error > 0.0);
    n <= FEW || n <= FORMED && by_differences()
}

/// Whether the curvature of a prior's loss depends on x.
fn is_reweighted(term: &Term) -> bool {
    let block = &term.block;
    let ones = vec![1.0; block.target.len()];
    let weights = |y: &[f64]| {
        let mut out = vec![0.0; ones.len()];
        block.loss.whiten(y, &block.target, &ones, &mut out);
        out
    };
    let aside: Vec<f64> = block.target.iter().map(|t| t + 1.0).collect();
    weights(&block.target) != weights(&aside)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::options::Build;
    use std::sync::Arc;

    use super::*;
    use crate::Bounds;
    use crate::losses::SquaredError;
    use crate::priors::{Tikhonov, TotalVariation};
    use crate::registry::RULES;
    use crate::simulators::{FluidOptions, HeatOptions, PoissonOptions, ShawOptions};

    fn problem(simulator: impl Simulator + 'static) -> Problem {
        let target = vec![0.1; simulator.output().len()];
        Problem::new(Arc::new(simulator), Arc::new(SquaredError::half()), target).unwrap()
    }

    #[test]
    fn each_kind_of_problem_gets_its_method() {
        let poisson = |shape: &[usize]| {
            problem(
                PoissonOptions::default()
                    .with_shape(shape.to_vec())
                    .build()
                    .unwrap(),
            )
        };
        let (small, large) = (poisson(&[8, 9]), poisson(&[30, 40]));
        let variation = |problem: &Problem| {
            let prior = TotalVariation::default();
            problem.with_prior(&prior, 1.0).unwrap()
        };
        let smooth = |problem: &Problem| problem.with_prior(&Tikhonov::default(), 1.0).unwrap();
        let not_negative = |problem: &Problem| {
            let bounds = Bounds {
                lower: vec![0.0],
                upper: vec![],
            };
            problem.within(&bounds).unwrap()
        };
        for (problem, expected) in [
            (&large, "inverse-simulator"),
            (
                &problem(HeatOptions::default().build().unwrap()),
                "inverse-simulator",
            ),
            (
                &problem(ShawOptions::default().build().unwrap()),
                "levenberg-marquardt",
            ),
            (&not_negative(&large), "limited-memory-bfgs"),
            (&not_negative(&small), "levenberg-marquardt"),
            (&variation(&small), "levenberg-marquardt"),
            (&variation(&large), "gauss-newton"),
            (&not_negative(&variation(&large)), "gauss-newton"),
            (&smooth(&large), "gauss-newton"),
            (&not_negative(&smooth(&large)), "limited-memory-bfgs"),
            (
                &smooth(&problem(FluidOptions::default().build().unwrap())),
                "limited-memory-bfgs",
            ),
        ] {
            let found = method(problem);
            assert_eq!(found.method, expected, "{}", problem.name());
            assert_eq!(RULES.find(found.method).unwrap().name, found.method);
            assert!(!found.reason.is_empty());
        }
    }
}
