//! The lists: one line per simulator, rule, loss, local inverse, network and strategy.
//!
//! The command line, the tables of the book, the conformance tests and the benches read them.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use crate::core::loss::Loss;
use crate::core::simulator::Simulator;
use crate::error::Result;
use crate::inverse::{self, Inverter, PathIntegralOptions};
use crate::losses::{
    CauchyOptions, CovarianceOptions, HuberOptions, Infidelity, LogNormalOptions, PoissonDeviance,
    SpectralOptions, SquaredError, WeightedOptions,
};
#[cfg(feature = "external")]
use crate::models::external::{ProgramOptions, UmBridgeOptions};
use crate::models::ode::OdeOptions;
#[cfg(feature = "network")]
use crate::network::{Architecture, Dense, UNet};
use crate::options::{self, Build};
use crate::priors::{Gaussian, Matern, Prior, Sparsity, Tikhonov, TotalVariation};
use crate::simulators::{
    AdvectionOptions, BurgersOptions, Deriv2Options, ExpOptions, FitzHughNagumo, FluidOptions,
    FormulaOptions, GravityOptions, HeatOptions, KuramotoSivashinskyOptions, LaplaceOptions,
    Lorenz, LotkaVolterra, OscillatorsOptions, Pendulum, PhillipsOptions, PoissonOptions,
    ReactionDiffusionOptions, ScalingOptions, SchroedingerOptions, ShawOptions, SineOptions, Sir,
    SquareOptions, VolterraOptions, WaveOptions,
};
#[cfg(feature = "network")]
use crate::training::{EndToEnd, PhysicsResidual, Strategy, Supervised};
use crate::updates::{
    AdadeltaOptions, AdagradOptions, AdamOptions, AdamWOptions, Backtracking, BfgsOptions,
    FullStep, GaussNewtonOptions, GradientDescentOptions, HalfInverseOptions,
    InverseJacobianOptions, InverseSimulatorOptions, LevenbergMarquardtOptions,
    LimitedMemoryBfgsOptions, NewtonOptions, RmsPropOptions, Search, StrongWolfe, UpdateRule,
};

#[cfg(feature = "network")]
mod correction;
mod entry;
mod named;
mod settings;

pub use entry::{Entry, List, Options};
pub use named::Named;
pub use settings::{Setting, fields, kinds, schema};

#[cfg(feature = "network")]
use correction::Correction;

/// All lists: retrodict's own, and what a user adds.
///
/// ```
/// use retrodict::registry::Registry;
/// let registry = Registry::default();
/// assert!(registry.simulator("heat").is_ok());
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Registry {
    /// Simulators.
    pub simulators: List<Arc<dyn Simulator>>,
    /// Simulators behind servers and programs.
    pub external: List<Arc<dyn Simulator>>,
    /// Update rules.
    pub rules: List<Box<dyn UpdateRule>>,
    /// How far along Δx.
    pub searches: List<Search>,
    /// Losses.
    pub losses: List<Arc<dyn Loss>>,
    /// Priors.
    pub priors: List<Box<dyn Prior>>,
    /// Local inverses.
    pub inverses: List<Arc<dyn Inverter>>,
    /// Networks.
    #[cfg(feature = "network")]
    pub networks: List<Box<dyn Architecture>>,
    /// Strategies of training.
    #[cfg(feature = "network")]
    pub strategies: List<Box<dyn Strategy>>,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            simulators: SIMULATORS.clone(),
            external: EXTERNAL.clone(),
            rules: RULES.clone(),
            searches: SEARCHES.clone(),
            losses: LOSSES.clone(),
            priors: PRIORS.clone(),
            inverses: INVERSES.clone(),
            #[cfg(feature = "network")]
            networks: NETWORKS.clone(),
            #[cfg(feature = "network")]
            strategies: STRATEGIES.clone(),
        }
    }
}

impl Registry {
    /// Retrodict's own lists.
    pub fn standard() -> &'static Self {
        static STANDARD: LazyLock<Registry> = LazyLock::new(Registry::default);
        &STANDARD
    }

    /// Adds a simulator of your own: the options of which it is built, with their doc comments as descriptions. It then
    /// works wherever a name of a simulator is read.
    #[must_use]
    pub fn with_simulator<O>(
        mut self,
        name: &'static str,
        sentence: &'static str,
        source: &'static str,
    ) -> Self
    where
        O: Options + Build,
        O::Built: Simulator + 'static,
    {
        self.simulators.add(Entry {
            sentence,
            source,
            ..Entry::of::<O>(name, |_, name, table| {
                Ok(Arc::new(options::build::<O>(name, table)?))
            })
        });
        self
    }

    /// Adds an update rule of your own.
    #[must_use]
    pub fn with_rule<O: Options + Build<Built: UpdateRule + 'static>>(
        mut self,
        name: &'static str,
        sentence: &'static str,
        source: &'static str,
    ) -> Self {
        self.rules.add(Entry {
            sentence,
            source,
            ..Entry::of::<O>(name, |_, name, table| {
                Ok(Box::new(options::build::<O>(name, table)?))
            })
        });
        self
    }

    /// Adds a loss of your own.
    #[must_use]
    pub fn with_loss<O: Options + Build<Built: Loss + 'static>>(
        mut self,
        name: &'static str,
        sentence: &'static str,
        source: &'static str,
    ) -> Self {
        self.losses.add(Entry {
            sentence,
            source,
            ..Entry::of::<O>(name, |_, name, table| {
                Ok(Arc::new(options::build::<O>(name, table)?))
            })
        });
        self
    }

    /// Adds a prior of your own.
    #[must_use]
    pub fn with_prior<O: Options + Build<Built: Prior + 'static>>(
        mut self,
        name: &'static str,
        sentence: &'static str,
        source: &'static str,
    ) -> Self {
        self.priors.add(Entry {
            sentence,
            source,
            ..Entry::of::<O>(name, |_, name, table| {
                Ok(Box::new(options::build::<O>(name, table)?))
            })
        });
        self
    }

    /// The simulator of that name: of [`simulators`](Registry::simulators) or [`external`](Registry::external).
    ///
    /// # Errors
    /// [`Error::UnknownName`](crate::Error::UnknownName) with the nearest name and all of them.
    pub fn simulator(&self, name: &str) -> Result<&Entry<Arc<dyn Simulator>>> {
        self.external
            .find(name)
            .or_else(|_| self.simulators.find(name))
    }

    /// Shows the name of each list's kind, the name, options and keys of each entry.
    pub fn each(&self, mut see: impl FnMut(&str, &str, &[Setting], &[&str])) {
        fn all<T>(list: &List<T>, see: &mut impl FnMut(&str, &str, &[Setting], &[&str])) {
            for entry in &*list.entries {
                see(list.kind, entry.name, &entry.settings(), entry.keys());
            }
        }
        all(&self.simulators, &mut see);
        all(&self.external, &mut see);
        all(&self.rules, &mut see);
        all(&self.searches, &mut see);
        all(&self.losses, &mut see);
        all(&self.priors, &mut see);
        all(&self.inverses, &mut see);
        #[cfg(feature = "network")]
        all(&self.networks, &mut see);
        #[cfg(feature = "network")]
        all(&self.strategies, &mut see);
    }
}

/// A registry line: the options, the names, a sentence and a source.
macro_rules! built {
    ($make:path, $options:ty, $name:literal, [$($alias:literal),*], $sentence:literal, $source:literal) => {
        Entry {
            aliases: &[$($alias),*],
            sentence: $sentence,
            source: $source,
            ..Entry::of::<$options>($name, |_, name, table| Ok($make(options::build::<$options>(name, table)?)))
        }
    };
}

/// All simulators.
#[rustfmt::skip]
pub static SIMULATORS: List<Arc<dyn Simulator>> = List { kind: "simulator", entries: Cow::Borrowed(&[
    built!(Arc::new, ScalingOptions, "scaling", [], "Two numbers, the second scaled by α", "PBDL book, scale-invariance and inversion"),
    built!(Arc::new, SquareOptions, "square", ["toy"], "Two numbers, the second squared", "PBDL book, simple example comparing different optimizers"),
    built!(Arc::new, ExpOptions, "exp", [], "The exponential of each value", "Holl et al. 2022, section 3.1"),
    built!(Arc::new, SineOptions, "sine", [], "A rotated sine with scales ξ² apart and infinitely many solutions", "Holl et al. 2022, section 4.1"),
    built!(Arc::new, HeatOptions, "heat", ["diffusion"], "Diffusion of heat on a periodic grid, 1-D to 3-D, exact in Fourier space", "Holl et al. 2022, section 4.3"),
    built!(Arc::new, PoissonOptions, "poisson", [], "The potential of a source, y = ∇⁻²x, with periodic, Dirichlet or Neumann boundaries, 1-D to 3-D", "Swarztrauber 1977"),
    built!(Arc::new, LaplaceOptions, "laplace", [], "The source of a potential, y = ∇²x: the inverse of \
         poisson", "Schnell et al. 2022, section 4.2"),
    built!(Arc::new, OscillatorsOptions, "oscillators", [], "A chain of coupled masses, controlled by a force on the last \
         one", "Schnell et al. 2022, section 4.1"),
    built!(Arc::new, WaveOptions, "wave", [], "Waves on a periodic grid, 1-D to 3-D, by leapfrog, exactly \
         reversible", "Hairer, Lubich & Wanner, I.1.4"),
    built!(Arc::new, AdvectionOptions, "advection", ["transport"], "Transport by a constant velocity, exact in Fourier space, 1-D to 3-D", "Boyd, chapter 4"),
    built!(Arc::new, BurgersOptions, "burgers", [], "Viscous Burgers equation on a periodic grid, 1-D and 2-D", "Burgers 1948"),
    built!(Arc::new, ReactionDiffusionOptions, "reaction-diffusion", ["gray-scott"], "Two reacting and diffusing substances \
         that form patterns, 1-D and 2-D", "Pearson 1993, equation 2"),
    built!(Arc::new, KuramotoSivashinskyOptions, "kuramoto-sivashinsky", ["ks"], "Chaotic flame fronts on a periodic line, by exponential steps", "Cox & Matthews 2002, equation 20"),
    built!(Arc::new, FluidOptions, "fluid", ["navier-stokes"], "Incompressible flow in a periodic box, 2-D, observed \
         through a marker that it carries", "Holl et al. 2022, section 4.4"),
    built!(Arc::new, OdeOptions<LotkaVolterra>, "lotka-volterra", ["predator-prey"], "Predator-prey model: four rates from \
         two populations over time", "Lotka 1925; Volterra 1926"),
    built!(Arc::new, OdeOptions<Lorenz>, "lorenz", [], "Lorenz's chaotic model of convection: three parameters from its \
         trajectory", "Lorenz 1963, equations 25 to 27"),
    built!(Arc::new, OdeOptions<Pendulum>, "pendulum", [], "A damped pendulum: stiffness and damping from its \
         trajectory", "Landau & Lifshitz, § 11"),
    built!(Arc::new, OdeOptions<Sir>, "sir", ["epidemic"], "The SIR model of an epidemic: contact and recovery rates from \
         the numbers over time", "Kermack & McKendrick 1927"),
    built!(Arc::new, FormulaOptions, "formula", ["curve"], "A curve that a formula describes, such as a * exp(-k * t): its \
         parameters from its values", "Seber & Wild 1989"),
    built!(Arc::new, OdeOptions<FitzHughNagumo>, "fitzhugh-nagumo", ["nerve"], "A nerve that fires: four parameters from voltage \
         and recovery over time", "FitzHugh 1961; Nagumo et al. 1962"),
    built!(Arc::new, SchroedingerOptions, "schroedinger", ["quantum-dipole"], "A quantum particle in a well, controlled \
         through its dipole", "Schnell et al. 2022, section 4.3"),
    built!(Arc::new, ShawOptions, "shaw", [], "A light source behind a slit: an integral equation, exponentially ill-posed", "Shaw 1972; Hansen 1994"),
    built!(Arc::new, PhillipsOptions, "phillips", [], "A hump blurred by itself: an integral equation with slowly falling singular values", "Phillips 1962; Hansen 1994"),
    built!(Arc::new, GravityOptions, "gravity", [], "Mass below ground from gravity above: an integral equation, more \
         ill-posed with depth", "Wing 1991; Hansen 2007"),
    built!(Arc::new, Deriv2Options, "deriv2", ["second-derivative"], "The second integral, whose inverse differentiates twice: mildly ill-posed", "Delves & Mohamed 1985; Hansen 1994"),
    built!(Arc::new, VolterraOptions, "volterra", ["inverse-heat"], "Temperature inside a wall from that of its surface: Hansen's inverse heat equation", "Carasso 1982; Hansen 1994"),
]) };

/// Simulators that are not retrodict's own: what they are is in their options.
///
/// They stand in a list of their own, since nothing can be said of them without asking them.
#[rustfmt::skip]
pub static EXTERNAL: List<Arc<dyn Simulator>> = List { kind: "simulator", entries: Cow::Borrowed(&[
    #[cfg(feature = "external")]
    Entry {
        aliases: &["um-bridge"],
        sentence: "A model behind a server that speaks the UM-Bridge protocol",
        source: "Seelinger et al. 2023",
        ..Entry::of::<UmBridgeOptions>("umbridge", |_, name, table| Ok(Arc::new(options::build::<UmBridgeOptions>(name, table)?)))
    },
    #[cfg(feature = "external")]
    Entry {
        aliases: &["command"],
        sentence: "A program that reads x from one file and writes y to another",
        source: "your own",
        ..Entry::of::<ProgramOptions>("program", |_, name, table| Ok(Arc::new(options::build::<ProgramOptions>(name, table)?)))
    },
]) };

/// The simulator of that name, retrodict's own or [`EXTERNAL`].
///
/// # Errors
/// [`Error::UnknownName`](crate::Error::UnknownName) with the nearest name and all of retrodict's own.
pub fn simulator(name: &str) -> Result<&'static Entry<Arc<dyn Simulator>>> {
    Registry::standard().simulator(name)
}

/// All update rules.
#[rustfmt::skip]
pub static RULES: List<Box<dyn UpdateRule>> = List { kind: "rule", entries: Cow::Borrowed(&[
    built!(Box::new, GradientDescentOptions, "gradient-descent", ["gd", "sgd"], "Steps against the gradient, optionally with momentum", "Cauchy 1847; Polyak 1964"),
    built!(Box::new, AdamOptions, "adam", [], "Running mean of the gradient, each unknown scaled by the root of its mean square", "Kingma & Ba 2015, algorithm 1"),
    built!(Box::new, AdamWOptions, "adamw", ["adam-w"], "Adam with decoupled weight decay", "Loshchilov & Hutter 2019, algorithm 2"),
    built!(Box::new, RmsPropOptions, "rmsprop", ["rms-prop"], "Gradient divided by the root of its running mean square, optionally with momentum", "Hinton, Srivastava & Swersky 2012, lecture 6e"),
    built!(Box::new, AdagradOptions, "adagrad", [], "Gradient divided by the root of the sum of its squares", "Duchi, Hazan & Singer 2011, section 1.1"),
    built!(Box::new, AdadeltaOptions, "adadelta", [], "Steps against the gradient, scaled by the mean squares of steps and gradients", "Zeiler 2012, algorithm 1"),
    built!(Box::new, NewtonOptions, "newton", [], "Inverts the exact Hessian, or its absolute value", "Nocedal & Wright, 3.3; Dauphin et al. 2014"),
    built!(Box::new, BfgsOptions, "bfgs", [], "Builds an inverse Hessian from successive gradients", "Nocedal & Wright, algorithm 6.1"),
    built!(Box::new, LimitedMemoryBfgsOptions, "limited-memory-bfgs", ["l-bfgs", "lbfgs"], "Builds an inverse Hessian from the last few gradients: little memory", "Liu & Nocedal 1989"),
    built!(Box::new, GaussNewtonOptions, "gauss-newton", ["gn"], "Inverts the Jacobian, weighted by the curvature of the loss", "Nocedal & Wright, 10.3"),
    built!(Box::new, LevenbergMarquardtOptions, "levenberg-marquardt", ["lm"], "Gauss-Newton within a trust region, scaled as in MINPACK", "Moré 1978"),
    built!(Box::new, InverseJacobianOptions, "inverse-jacobian", ["ig", "inverse-gradient"], "Inverts the Jacobian: the Newton step of the loss in y, mapped back to x", "PBDL book, inverse gradients"),
    built!(Box::new, InverseSimulatorOptions, "inverse-simulator", ["pg", "physical-gradient"], "Runs the simulator backwards: the Newton step of the loss in y, mapped to x by a local inverse", "Holl et al. 2022, equation 6"),
    built!(Box::new, HalfInverseOptions, "half-inverse", ["hig"], "Raises the singular values of the Jacobian to the power −kappa: ½ lies between gradient and inverse", "Schnell et al. 2022, equation 5"),
]) };

/// How far along Δx.
#[rustfmt::skip]
pub static SEARCHES: List<Search> = List { kind: "search", entries: Cow::Borrowed(&[
    built!(std::convert::identity, FullStep, "full", [], "The whole step, shortened only where the simulation fails", "Nocedal & Wright, section 3.1"),
    built!(std::convert::identity, Backtracking, "backtracking", ["armijo"], "Halves the step until the loss falls by a share of what its slope predicts", "Armijo 1966"),
    built!(std::convert::identity, StrongWolfe, "strong-wolfe", ["wolfe"], "Brackets a step at which the loss has fallen and its slope is small", "Nocedal & Wright, algorithms 3.5 and 3.6"),
]) };

/// All losses.
#[rustfmt::skip]
pub static LOSSES: List<Arc<dyn Loss>> = List { kind: "loss", entries: Cow::Borrowed(&[
    built!(Arc::new, SquaredError, "squared", ["l2", "mse"], "Sum of squared differences, optionally with the factor ½", "Gauss 1809"),
    built!(Arc::new, WeightedOptions, "weighted", ["chi-squared"], "Squared differences, each divided by the standard deviation of its noise", "Gauss 1809"),
    built!(Arc::new, CovarianceOptions, "covariance", ["mahalanobis"], "Squared differences under correlated noise", "Aitken 1935"),
    built!(Arc::new, LogNormalOptions, "log-normal", ["multiplicative"], "Squared logarithms of y/y*: noise proportional to \
         the data", "Crow & Shimizu 1988"),
    built!(Arc::new, PoissonDeviance, "poisson", ["counts"], "−log likelihood of counts: y is the expected count of each datum", "Cash 1979"),
    built!(Arc::new, HuberOptions, "huber", [], "Quadratic for small residuals, linear for large ones: robust to \
         outliers", "Huber 1964"),
    built!(Arc::new, CauchyOptions, "cauchy", ["lorentzian"], "Logarithmic for large residuals: outliers have almost no \
         influence", "Holland & Welsch 1977"),
    built!(Arc::new, SpectralOptions, "spectral", ["sobolev"], "Squared differences of the spectra, weighted by wavenumber", "Adams & Fournier, 7.62"),
    built!(Arc::new, Infidelity, "infidelity", [], "1 − |⟨ψ|ψ*⟩|²: distance of quantum states, independent of the phase", "Schnell et al. 2022, section 4.3"),
]) };

/// All priors.
#[rustfmt::skip]
pub static PRIORS: List<Box<dyn Prior>> = List { kind: "prior", entries: Cow::Borrowed(&[
    built!(Box::new, Tikhonov, "tikhonov", ["ridge", "smoothness"], "Small values, slopes or curvatures of the difference from a reference, on grids 1-D to 3-D", "Tikhonov 1963; Hansen 2010, section 8.1"),
    built!(Box::new, Gaussian, "gaussian", ["normal"], "A mean with standard deviations, or with a whole covariance", "Tarantola 2005, section 3.2"),
    built!(Box::new, Matern, "matern", ["matérn"], "Fields of given correlation length, standard deviation and \
         smoothness, by a differential operator", "Lindgren, Rue & Lindström 2011, equation 2"),
    built!(Box::new, TotalVariation, "total-variation", ["tv"], "Piecewise constant with sharp edges, on grids 1-D \
         to 3-D", "Rudin, Osher & Fatemi 1992; Vogel & Oman 1996"),
    built!(Box::new, Sparsity, "sparsity", ["l1", "lasso"], "Few values that differ from a reference, by iterative \
         reweighting", "Daubechies et al. 2010"),
]) };

/// All local inverses for simulators that bring none.
#[rustfmt::skip]
pub static INVERSES: List<Arc<dyn Inverter>> = List { kind: "local inverse", entries: Cow::Borrowed(&[
    built!(Arc::new, inverse::NewtonInverseOptions, "newton", [], "Newton steps on P(x) = y, shortened to stay on the branch of the start", "Deuflhard 2004, 3.3 and 4.4"),
    built!(Arc::new, inverse::LevenbergMarquardtInverseOptions, "levenberg-marquardt", ["lm"], "Damped least squares: ends at the \
         nearest reachable y", "Madsen, Nielsen & Tingleff 2004, algorithm 3.16"),
    built!(Arc::new, PathIntegralOptions, "path", ["path-integral"], "The inverse Jacobian integrated along the line from \
         P(x₀) to y; reports where a fold stops it", "Dormand & Prince 1980; Allgower & Georg 1990"),
]) };

/// All kinds of networks.
#[cfg(feature = "network")]
#[rustfmt::skip]
pub static NETWORKS: List<Box<dyn Architecture>> = List { kind: "network", entries: Cow::Borrowed(&[
    built!(Box::new, Dense, "mlp", ["dense", "perceptron"], "Multilayer perceptron: dense layers in sequence", "Glorot & Bengio 2010"),
    built!(Box::new, UNet, "unet", ["u-net"], "Convolutional encoder and decoder with skip connections, from fields to fields", "Ronneberger et al. 2015; Holl et al. 2022, appendix B"),
]) };

/// All strategies of training.
#[cfg(feature = "network")]
#[rustfmt::skip]
pub static STRATEGIES: List<Box<dyn Strategy>> = List { kind: "strategy", entries: Cow::Borrowed(&[
    built!(Box::new, Supervised, "supervised", [], "Learns x from pairs (x, y*); the simulator is never evaluated", "PBDL book, supervised training"),
    built!(Box::new, EndToEnd, "end-to-end", ["dp", "differentiable-physics"], "Learns to make y match y*; the gradient runs through the simulator", "PBDL book, differentiable physics"),
    Entry {
        aliases: &["sip", "scale-invariant"],
        sentence: "Learns the x to which an update rule moves the network's own output",
        source: "Holl et al. 2022, algorithm 1",
        ..Entry::of::<Correction>("corrected-targets", |registry, name, table| options::configure::<Correction>(name, table)?.make(registry))
    },
    built!(Box::new, PhysicsResidual, "physics-residual", ["pinn", "physical-loss"], "Learns to satisfy the simulator's own residual r(x, y*) = 0, without solving it", "PBDL book, physical loss terms"),
]) };
