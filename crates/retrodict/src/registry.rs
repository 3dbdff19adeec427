//! The static lists: one line per simulator, rule, loss, local inverse, network and strategy.
//!
//! The command line, the tables of the book, the conformance tests and the benches read them.

use std::sync::Arc;

use crate::error::{Error, Result};
#[cfg(feature = "external")]
use crate::external::{Program, UmBridge};
use crate::inverse::{self, Inverter, PathIntegral};
use crate::loss::Loss;
use crate::losses::{
    Cauchy, Covariance, Huber, Infidelity, LogNormal, Spectral, SquaredError, Weighted,
};
#[cfg(feature = "network")]
use crate::network::{Architecture, Dense, UNet};
use crate::ode::Ode;
use crate::options::{configure, defaults, keys, memory_of, nearest};
use crate::prior::{Gaussian, Matern, Prior, Sparsity, Tikhonov, TotalVariation};
use crate::simulator::Simulator;
use crate::simulators::{
    Advection, Burgers, Deriv2, Exp, Fluid, Gravity, Heat, KuramotoSivashinsky, Laplace, Lorenz,
    LotkaVolterra, Oscillators, Pendulum, Phillips, Poisson, ReactionDiffusion, Scaling,
    Schroedinger, Shaw, Sine, Sir, Square, Volterra, Wave,
};
#[cfg(feature = "network")]
use crate::training::{EndToEnd, PhysicsResidual, Strategy, Supervised};
use crate::updates::{
    Adadelta, Adagrad, Adam, AdamW, Bfgs, GaussNewton, GradientDescent, HalfInverse,
    InverseJacobian, InverseSimulator, LevenbergMarquardt, LimitedMemoryBfgs, Newton, RmsProp,
    UpdateRule,
};

#[cfg(feature = "network")]
mod correction;

#[cfg(feature = "network")]
use correction::Correction;

/// What a list holds of each entry, and how to make one from a table of options.
pub struct Entry<T> {
    /// The name on the command line.
    pub name: &'static str,
    /// Other names it goes by in the literature.
    pub aliases: &'static [&'static str],
    /// What it is, in a sentence.
    pub sentence: &'static str,
    /// Paper and equation, or book and chapter.
    pub source: &'static str,
    /// Makes one; keys that are left out keep their default.
    pub build: fn(&toml::Table) -> Result<T>,
    /// The options and their defaults.
    pub defaults: fn() -> toml::Table,
    /// All keys, those without a default value included.
    pub keys: fn() -> &'static [&'static str],
    /// About how many bytes one takes, found without making it; 0 where the options do not decide that.
    pub memory: fn(&toml::Table) -> Result<f64>,
}

impl<T> Entry<T> {
    /// Whether there is an option of that name: a simulator with `shape` takes it from the
    /// user's file, one with `noise` can be told the noise level.
    pub fn accepts(&self, key: &str) -> bool {
        (self.keys)().contains(&key)
    }
}

/// A list of entries and what its entries are called in messages.
pub struct List<T: 'static> {
    /// `simulator`, `rule`, `loss` or `local inverse`.
    pub kind: &'static str,
    /// The entries, in the order in which they are shown.
    pub entries: &'static [Entry<T>],
}

impl<T> List<T> {
    /// The entry of that name or alias.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest name and all known ones.
    pub fn find(&self, name: &str) -> Result<&'static Entry<T>> {
        let wanted = name.to_lowercase().replace('_', "-");
        let names = || self.entries.iter().map(|e| e.name);
        let aliases = self.entries.iter().flat_map(|e| e.aliases.iter().copied());
        self.entries
            .iter()
            .find(|e| e.name == wanted || e.aliases.contains(&wanted.as_str()))
            .ok_or_else(|| Error::UnknownName {
                kind: self.kind,
                found: name.to_owned(),
                nearest: nearest(&wanted, names().chain(aliases)).map(str::to_owned),
                known: names().collect::<Vec<_>>().join(", "),
            })
    }

    /// Makes one from its name and a table of options.
    ///
    /// # Errors
    /// If the name or a key is unknown, or a value is not allowed.
    pub fn build(&self, name: &str, options: &toml::Table) -> Result<T> {
        (self.find(name)?.build)(options)
    }
}

/// A registry line: the type, its names, a sentence and a source.
macro_rules! entry {
    ($make:path, $type:ty, $name:literal, [$($alias:literal),*], $sentence:literal, $source:literal) => {
        Entry {
            name: $name,
            aliases: &[$($alias),*],
            sentence: $sentence,
            source: $source,
            build: |table| Ok($make(configure::<$type>($name, table)?)),
            defaults: defaults::<$type>,
            keys: keys::<$type>,
            memory: |table| memory_of::<$type>($name, table),
        }
    };
}

/// All simulators.
#[rustfmt::skip]
pub static SIMULATORS: List<Arc<dyn Simulator>> = List { kind: "simulator", entries: &[
    entry!(Arc::new, Scaling, "scaling", [], "Two numbers, the second scaled by α", "PBDL book, scale-invariance and inversion"),
    entry!(Arc::new, Square, "square", ["toy"], "Two numbers, the second squared", "PBDL book, simple example comparing different optimizers"),
    entry!(Arc::new, Exp, "exp", [], "The exponential of each value", "Holl et al. 2022, section 3.1"),
    entry!(Arc::new, Sine, "sine", [], "A rotated sine with scales ξ² apart and infinitely many solutions", "Holl et al. 2022, section 4.1"),
    entry!(Arc::new, Heat, "heat", ["diffusion"], "Diffusion of heat on a periodic grid, 1-D to 3-D, exact in Fourier space", "Holl et al. 2022, section 4.3"),
    entry!(Arc::new, Poisson, "poisson", [], "The potential of a source, y = ∇⁻²x, with periodic, Dirichlet or Neumann boundaries, 1-D to 3-D", "Swarztrauber 1977"),
    entry!(Arc::new, Laplace, "laplace", [], "The source of a potential, y = ∇²x: what poisson undoes", "Schnell et al. 2022, section 4.2"),
    entry!(Arc::new, Oscillators, "oscillators", [], "A chain of coupled masses, steered by a force on the last one", "Schnell et al. 2022, section 4.1"),
    entry!(Arc::new, Wave, "wave", [], "Waves on a periodic grid, 1-D to 3-D, by leapfrog, undone exactly", "Hairer, Lubich & Wanner, I.1.4"),
    entry!(Arc::new, Advection, "advection", ["transport"], "Transport by a constant velocity, exact in Fourier space, 1-D to 3-D", "Boyd, chapter 4"),
    entry!(Arc::new, Burgers, "burgers", [], "Viscous Burgers equation on a periodic grid, 1-D and 2-D", "Burgers 1948"),
    entry!(Arc::new, ReactionDiffusion, "reaction-diffusion", ["gray-scott"], "Two substances that react and diffuse into patterns, 1-D and 2-D", "Pearson 1993, equation 2"),
    entry!(Arc::new, KuramotoSivashinsky, "kuramoto-sivashinsky", ["ks"], "Chaotic flame fronts on a periodic line, by exponential steps", "Cox & Matthews 2002, equation 20"),
    entry!(Arc::new, Fluid, "fluid", ["navier-stokes"], "Incompressible flow in a periodic box, 2-D, seen by a marker that it carries", "Holl et al. 2022, section 4.4"),
    entry!(Arc::new, Ode<LotkaVolterra>, "lotka-volterra", ["predator-prey"], "Prey and predators: four rates from two populations over time", "Lotka 1925; Volterra 1926"),
    entry!(Arc::new, Ode<Lorenz>, "lorenz", [], "Lorenz's convection, chaotic: three parameters from its course", "Lorenz 1963, equations 25 to 27"),
    entry!(Arc::new, Ode<Pendulum>, "pendulum", [], "A damped pendulum: stiffness and damping from its course", "Landau & Lifshitz, § 11"),
    entry!(Arc::new, Ode<Sir>, "sir", ["epidemic"], "An epidemic: rates of contact and recovery from its course", "Kermack & McKendrick 1927"),
    entry!(Arc::new, Schroedinger, "schroedinger", ["quantum-dipole"], "A quantum particle in a well, steered through its dipole", "Schnell et al. 2022, section 4.3"),
    entry!(Arc::new, Shaw, "shaw", [], "A light source behind a slit: an integral equation, exponentially ill-posed", "Shaw 1972; Hansen 1994"),
    entry!(Arc::new, Phillips, "phillips", [], "A hump blurred by itself: an integral equation with slowly falling singular values", "Phillips 1962; Hansen 1994"),
    entry!(Arc::new, Gravity, "gravity", [], "Mass below ground, felt above: an integral equation, the harder the deeper", "Wing 1991; Hansen 2007"),
    entry!(Arc::new, Deriv2, "deriv2", ["second-derivative"], "The second integral, whose inverse differentiates twice: mildly ill-posed", "Delves & Mohamed 1985; Hansen 1994"),
    entry!(Arc::new, Volterra, "volterra", ["inverse-heat"], "Temperature inside a wall from that of its surface: Hansen's inverse heat equation", "Carasso 1982; Hansen 1994"),
] };

/// Simulators that are not retrodict's own: what they are is in their options.
///
/// They stand in a list of their own, since nothing can be said of them without asking them.
#[rustfmt::skip]
pub static EXTERNAL: List<Arc<dyn Simulator>> = List { kind: "simulator", entries: &[
    #[cfg(feature = "external")]
    Entry {
        name: "umbridge",
        aliases: &["um-bridge"],
        sentence: "A model behind a server that speaks the UM-Bridge protocol",
        source: "Seelinger et al. 2023",
        build: |table| Ok(Arc::new(configure::<UmBridge>("umbridge", table)?.connect()?)),
        defaults: defaults::<UmBridge>,
        keys: keys::<UmBridge>,
        memory: |table| memory_of::<UmBridge>("umbridge", table),
    },
    #[cfg(feature = "external")]
    Entry {
        name: "program",
        aliases: &["command"],
        sentence: "A program that reads x from one file and writes y to another",
        source: "your own",
        build: |table| Ok(Arc::new(configure::<Program>("program", table)?.simulator()?)),
        defaults: defaults::<Program>,
        keys: keys::<Program>,
        memory: |table| memory_of::<Program>("program", table),
    },
] };

/// The simulator of that name, retrodict's own or [`EXTERNAL`].
///
/// # Errors
/// [`Error::UnknownName`] with the nearest name and all of retrodict's own.
pub fn simulator(name: &str) -> Result<&'static Entry<Arc<dyn Simulator>>> {
    EXTERNAL.find(name).or_else(|_| SIMULATORS.find(name))
}

/// All update rules.
#[rustfmt::skip]
pub static RULES: List<Box<dyn UpdateRule>> = List { kind: "rule", entries: &[
    entry!(Box::new, GradientDescent, "gradient-descent", ["gd", "sgd"], "Steps against the gradient, optionally with momentum", "Cauchy 1847; Polyak 1964"),
    entry!(Box::new, Adam, "adam", [], "Running mean of the gradient, each unknown scaled by the root of its mean square", "Kingma & Ba 2015, algorithm 1"),
    entry!(Box::new, AdamW, "adamw", ["adam-w"], "Adam with decoupled weight decay", "Loshchilov & Hutter 2019, algorithm 2"),
    entry!(Box::new, RmsProp, "rmsprop", ["rms-prop"], "Gradient divided by the root of its running mean square, optionally with momentum", "Hinton, Srivastava & Swersky 2012, lecture 6e"),
    entry!(Box::new, Adagrad, "adagrad", [], "Gradient divided by the root of the sum of its squares", "Duchi, Hazan & Singer 2011, section 1.1"),
    entry!(Box::new, Adadelta, "adadelta", [], "Steps against the gradient, scaled by the mean squares of steps and gradients", "Zeiler 2012, algorithm 1"),
    entry!(Box::new, Newton, "newton", [], "Inverts the exact Hessian, or its absolute value", "Nocedal & Wright, 3.3; Dauphin et al. 2014"),
    entry!(Box::new, Bfgs, "bfgs", [], "Builds an inverse Hessian from successive gradients", "Nocedal & Wright, algorithm 6.1"),
    entry!(Box::new, LimitedMemoryBfgs, "limited-memory-bfgs", ["l-bfgs", "lbfgs"], "Builds an inverse Hessian from the last few gradients: little memory", "Liu & Nocedal 1989"),
    entry!(Box::new, GaussNewton, "gauss-newton", ["gn"], "Inverts the Jacobian, weighted by the curvature of the loss", "Nocedal & Wright, 10.3"),
    entry!(Box::new, LevenbergMarquardt, "levenberg-marquardt", ["lm"], "Gauss-Newton within a trust region, scaled as in MINPACK", "Moré 1978"),
    entry!(Box::new, InverseJacobian, "inverse-jacobian", ["ig", "inverse-gradient"], "Inverts the Jacobian: the Newton step of the loss in y, mapped back to x", "PBDL book, inverse gradients"),
    entry!(Box::new, InverseSimulator, "inverse-simulator", ["pg", "physical-gradient"], "Runs the simulator backwards: the Newton step of the loss in y, mapped to x by a local inverse", "Holl et al. 2022, equation 6"),
    entry!(Box::new, HalfInverse, "half-inverse", ["hig"], "Raises the singular values of the Jacobian to the power −kappa: ½ lies between gradient and inverse", "Schnell et al. 2022, equation 5"),
] };

/// All losses.
#[rustfmt::skip]
pub static LOSSES: List<Arc<dyn Loss>> = List { kind: "loss", entries: &[
    entry!(Arc::new, SquaredError, "squared", ["l2", "mse"], "Sum of squared differences, optionally with the factor ½", "Gauss 1809"),
    entry!(Arc::new, Weighted, "weighted", ["chi-squared"], "Squared differences, each divided by the standard deviation of its noise", "Gauss 1809"),
    entry!(Arc::new, Covariance, "covariance", ["mahalanobis"], "Squared differences under correlated noise", "Aitken 1935"),
    entry!(Arc::new, LogNormal, "log-normal", ["multiplicative"], "Squared logarithms of y/y*: noise in proportion to the data", "Crow & Shimizu 1988"),
    entry!(Arc::new, Huber, "huber", [], "Squared up to a residual, linear beyond: outliers pull with constant force", "Huber 1964"),
    entry!(Arc::new, Cauchy, "cauchy", ["lorentzian"], "Grows only logarithmically beyond a residual: outliers hardly count", "Holland & Welsch 1977"),
    entry!(Arc::new, Spectral, "spectral", ["sobolev"], "Squared differences of the spectra, weighted by wavenumber", "Adams & Fournier, 7.62"),
    entry!(Arc::new, Infidelity, "infidelity", [], "1 − |⟨ψ|ψ*⟩|²: distance of quantum states, independent of the phase", "Schnell et al. 2022, section 4.3"),
] };

/// All priors.
#[rustfmt::skip]
pub static PRIORS: List<Box<dyn Prior>> = List { kind: "prior", entries: &[
    entry!(Box::new, Tikhonov, "tikhonov", ["ridge", "smoothness"], "Small values, slopes or curvatures of the difference from a reference, on grids 1-D to 3-D", "Tikhonov 1963; Hansen 2010, section 8.1"),
    entry!(Box::new, Gaussian, "gaussian", ["normal"], "A mean with standard deviations, or with a whole covariance", "Tarantola 2005, section 3.2"),
    entry!(Box::new, Matern, "matern", ["matérn"], "Fields of given length, deviation and smoothness, by a differential operator", "Lindgren, Rue & Lindström 2011, equation 2"),
    entry!(Box::new, TotalVariation, "total-variation", ["tv"], "Flat between sharp edges, on grids 1-D to 3-D", "Rudin, Osher & Fatemi 1992; Vogel & Oman 1996"),
    entry!(Box::new, Sparsity, "sparsity", ["l1", "lasso"], "Few values that differ from a reference, by reweighting", "Daubechies et al. 2010"),
] };

/// All local inverses for simulators that bring none.
#[rustfmt::skip]
pub static INVERSES: List<Arc<dyn Inverter>> = List { kind: "local inverse", entries: &[
    entry!(Arc::new, inverse::Newton, "newton", [], "Newton steps on P(x) = y, shortened to stay on the branch of the start", "Deuflhard 2004, 3.3 and 4.4"),
    entry!(Arc::new, inverse::LevenbergMarquardt, "levenberg-marquardt", ["lm"], "Damped least squares: ends at the nearest y that can be reached", "Madsen, Nielsen & Tingleff 2004, algorithm 3.16"),
    entry!(Arc::new, PathIntegral, "path", ["path-integral"], "The inverse Jacobian integrated along the line from P(x₀) to y; tells where a fold ends it", "Dormand & Prince 1980; Allgower & Georg 1990"),
] };

/// All kinds of networks.
#[cfg(feature = "network")]
#[rustfmt::skip]
pub static NETWORKS: List<Box<dyn Architecture>> = List { kind: "network", entries: &[
    entry!(Box::new, Dense, "mlp", ["dense", "perceptron"], "Multilayer perceptron: dense layers in sequence", "Glorot & Bengio 2010"),
    entry!(Box::new, UNet, "unet", ["u-net"], "Convolutional encoder and decoder with skip connections, from fields to fields", "Ronneberger et al. 2015; Holl et al. 2022, appendix B"),
] };

/// All strategies of training.
#[cfg(feature = "network")]
#[rustfmt::skip]
pub static STRATEGIES: List<Box<dyn Strategy>> = List { kind: "strategy", entries: &[
    entry!(Box::new, Supervised, "supervised", [], "Learns x from pairs (x, y*); the simulator is never evaluated", "PBDL book, supervised training"),
    entry!(Box::new, EndToEnd, "end-to-end", ["dp", "differentiable-physics"], "Learns to make y match y*; the gradient runs through the simulator", "PBDL book, differentiable physics"),
    entry!(Correction::make, Correction, "corrected-targets", ["sip", "scale-invariant"], "Learns the x to which an update rule moves the network's own output", "Holl et al. 2022, algorithm 1"),
    entry!(Box::new, PhysicsResidual, "physics-residual", ["pinn", "physical-loss"], "Learns to satisfy the simulator's own residual r(x, y*) = 0, without solving it", "PBDL book, physical loss terms"),
] };
