//! Update rules: a direction each, a file each.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::linalg::Engine;
use crate::options::{at_least_below, require};
use crate::problem::Evaluation;

mod adadelta;
mod adagrad;
mod adam;
mod adamw;
mod anew;
mod bfgs;
mod constrained;
mod gauss_newton;
mod gradient_descent;
mod half_inverse;
mod inverse_jacobian;
mod inverse_simulator;
mod least_squares;
mod levenberg_marquardt;
mod limited_memory_bfgs;
mod moments;
mod newton;
mod notices;
mod proximal;
mod rmsprop;
mod search;
mod whitened;

pub(crate) use constrained::unblocked;
pub(crate) use whitened::{TRUSTED, Whitened};

pub use adadelta::{Adadelta, AdadeltaOptions};
pub use adagrad::{Adagrad, AdagradOptions};
pub use adam::{Adam, AdamOptions};
pub use adamw::{AdamW, AdamWOptions};
pub use bfgs::{Bfgs, BfgsOptions};
pub use gauss_newton::{GaussNewton, GaussNewtonOptions};
pub use gradient_descent::{GradientDescent, GradientDescentOptions};
pub use half_inverse::{HalfInverse, HalfInverseOptions};
pub use inverse_jacobian::{InverseJacobian, InverseJacobianOptions};
pub use inverse_simulator::{InverseSimulator, InverseSimulatorOptions};
pub use levenberg_marquardt::{LevenbergMarquardt, LevenbergMarquardtOptions};
pub use limited_memory_bfgs::{LimitedMemoryBfgs, LimitedMemoryBfgsOptions};
pub use newton::{Newton, NewtonOptions};
pub use notices::Notices;
pub use rmsprop::{RmsProp, RmsPropOptions};
pub use search::{Backtracking, FullStep, Search, StrongWolfe};

/// A rule that computes an update Δx, to be added, from what is known at x.
///
/// A rule never loops over steps, prints or stops; [`Solver`](crate::Solver) does.
/// State that lasts from step to step (momentum, a trust radius) lives in `self`.
pub trait UpdateRule: Send {
    /// Writes Δx to `dx`, which is zero on entry, and returns a notice if the rule had to depart from its formula.
    ///
    /// # Errors
    /// If the problem lacks what the rule needs, or the simulation fails.
    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>>;

    /// The error that made the rule depart from its formula in the last update, if any.
    fn cause(&self) -> Option<&Error> {
        None
    }

    /// How long a piece of Δx is taken.
    fn search(&self) -> Search {
        Search::Full
    }

    /// How long a piece of Δx is taken where bounds hold unknowns or bend the way.
    fn search_within(&self) -> Search {
        self.search()
    }

    /// What it is called in messages: the name of its type unless it says otherwise.
    fn name(&self) -> &'static str {
        let path = std::any::type_name::<Self>();
        path.rsplit("::").next().unwrap_or(path)
    }

    /// Whether its steps keep [linear constraints](crate::compose::LinearConstraints) on x: a solver refuses constrained
    /// problems for rules whose steps do not.
    fn keeps_constraints(&self) -> bool {
        false
    }

    /// Whether [`judge`](UpdateRule::judge) looks at its trial: only then is one computed in training.
    fn judges(&self) -> bool {
        false
    }

    /// By how much the loss could still fall from where the last trial began, by the rule's own model of it and
    /// whatever the length of the step; nothing where the rule has no such model or the trial did not bear it out.
    fn promise(&self) -> Option<f64> {
        None
    }

    /// The same from where the last update begins, before anything is tried.
    fn foresees(&self) -> Option<f64> {
        None
    }

    /// Whether the rule's model leaves out some of the free unknowns, so that more may be gained than it says.
    fn overlooks(&self) -> bool {
        false
    }

    /// The largest change of an unknown that the last update makes, in parts of its size, where it is all that the rule's
    /// model asks for and shorter than the one before; infinite otherwise.
    fn change(&self) -> f64 {
        f64::INFINITY
    }

    /// The engine with which the rule computes a power of J⁺, for a J of m rows and n columns; nothing for
    /// rules that have no such choice.
    fn engine(&self, _m: usize, _n: usize) -> Option<Engine> {
        None
    }

    /// Restarts, with its memory reset, at a point from which a search along the update made no progress; `false` for rules
    /// without memory, and if a restart did not help before.
    ///
    /// # Errors
    /// If the simulation fails there.
    fn forget(&mut self, _at: &Evaluation<'_>) -> Result<bool> {
        Ok(false)
    }

    /// The rule's memory, as bytes for a checkpoint; `None` for a rule without memory.
    fn remember(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Restores what [`remember`](UpdateRule::remember) returned, so that the rule continues as if it had never stopped.
    ///
    /// # Errors
    /// [`Error::Config`] if the bytes are those of another rule or damaged.
    fn recall(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        Err(Error::Config {
            what: "the checkpoint's rule".to_owned(),
            message: "it remembers something, but this rule has no memory".to_owned(),
        })
    }

    /// Judges a trial point before the solver moves there; a trust region learns here.
    fn judge(&mut self, _trial: &Trial) -> Verdict {
        Verdict::Take
    }
}

/// What a solver takes as its rule: a rule, or one in a box.
pub trait IntoRule {
    /// The rule in a box.
    fn into_rule(self) -> Box<dyn UpdateRule>;
}

impl<R: UpdateRule + 'static> IntoRule for R {
    fn into_rule(self) -> Box<dyn UpdateRule> {
        Box::new(self)
    }
}

impl IntoRule for Box<dyn UpdateRule> {
    fn into_rule(self) -> Self {
        self
    }
}

/// What a rule remembers from step to step, as checkpoints keep it.
#[derive(Debug, Clone, Default, PartialEq)]
struct Memory<T>(T);

impl<T: Serialize + DeserializeOwned> Memory<T> {
    /// The bytes of [`UpdateRule::remember`].
    fn to_bytes(&self) -> Vec<u8> {
        // Numbers and lists of them can always be written.
        rmp_serde::to_vec(&self.0).unwrap_or_default()
    }

    /// Restores those bytes.
    fn take_from(&mut self, bytes: &[u8]) -> Result<()> {
        self.0 = rmp_serde::from_slice(bytes).map_err(|e| Error::Config {
            what: "the checkpoint's rule".to_owned(),
            message: format!("its memory does not suit this rule ({e})"),
        })?;
        Ok(())
    }
}

/// What a rule did instead of its formula, in words that are the same in every step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Notice(pub &'static str);

/// How rules without a search keep going down where bounds bend their way.
const DESCENT: Search = Search::Backtracking { decrease: 1e-4 };

/// A point that the solver tried.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Trial {
    /// The loss before the step.
    pub loss: f64,
    /// The loss at x + Δx; infinite if the simulation failed or returned NaN.
    pub trial_loss: f64,
}

/// What to do with a trial point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Move there.
    Take,
    /// Stay at x and compute another Δx.
    Retry,
    /// Stay at x and stop: no step that the rule can make lowers the loss.
    GiveUp,
}

/// Checks the constants of the strong Wolfe conditions: 0 < c₁ < c₂ < 1.
fn validate_wolfe(decrease: f64, curvature: f64) -> Result<()> {
    at_least_below("curvature", curvature, 0.0, 1.0)?;
    require(
        decrease > 0.0 && decrease < curvature,
        "decrease",
        decrease,
        "it must be greater than 0 and less than curvature",
    )
}
