//! What is to be done, as data: one description for Rust, files, the command line and Python.
//!
//! An [`InversionSpec`] says which simulator, which data and what is known of them; [`InversionSpec::pose`] checks all of it and
//! makes the problems. A door adds words and pictures, never meaning.
//!
//! ```
//! use retrodict::registry::Registry;
//! use retrodict::spec::{InversionSpec, NoFiles};
//!
//! # fn main() -> retrodict::Result<()> {
//! let text = r#"
//!     target = [0.5, 0.25]
//!     simulator = { name = "sine", xi = 2.0 }
//!     noise = { std = 0.01 }
//!     start = { value = 0.1 }
//!     stop = { steps = 50, time = "10s" }
//! "#;
//! let spec = InversionSpec::from_toml("my.toml", text)?;
//! let posed = spec.pose(Registry::standard(), &NoFiles)?;
//! let field = &posed.fields[0];
//! let solution = posed.solver()?.solve(&field.problem, &field.starts[0])?;
//! assert!(solution.status.converged());
//! # Ok(())
//! # }
//! ```

mod bounds;
mod constraint;
mod data_sets;
mod derived;
mod experiment;
mod inverse;
mod inversion;
mod layout;
mod loss;
mod name_list;
mod named_inputs;
mod noise;
mod observation;
mod option_files;
mod origin;
mod overrides;
mod parameter;
mod posed;
mod posterior;
mod prior;
mod profile;
mod profiled;
pub mod random;
mod start;
mod text;
#[cfg(feature = "network")]
mod training;
mod values;

pub use crate::compose::Transform as TransformSpec;
pub use crate::registry::Named;
pub use crate::solver::StopWhen as StopSpec;
#[cfg(feature = "network")]
pub use crate::training::StopWhen as TrainingStopSpec;
pub use bounds::BoundsSpec;
pub use derived::DerivedSpec;
pub use experiment::{
    Entrant, ErrorNorm, Expectation, ExperimentMethodSpec, ExperimentSpec, ExperimentStartSpec,
    ProblemSet, ProblemSpec, Race, TruthSpec,
};
pub use inverse::with_inverse;
pub use inversion::InversionSpec;
pub use layout::{Described, full_name};
pub use noise::{NoiseLevel, NoiseSpec};
pub use observation::ObservationSpec;
pub use option_files::{option_files, with_option_files};
pub use origin::{Origin, line};
pub use overrides::{Override, changed, insert, set};
pub use parameter::{
    Constant, NamedTransform, ParameterPriorSpec, ParameterSpec, ParameterTransform,
};
pub use posed::{DataSet, Field, Observed, Posed, Subject, WithNoise};
pub use posterior::{PosteriorFound, PosteriorSpec};
pub use prior::{PriorSpec, WeightSpec};
pub use profile::ProfileSpec;
pub use profiled::Profiled;
pub use start::StartSpec;
pub use text::misread;
#[cfg(feature = "network")]
pub use training::{
    DataSpec, DrawSpec, Ensemble, EnsemblePrediction, ILL_POSED, NetworkFile, Normalisation,
    NormaliseSpec, Physics, Refined, Refinement, Refiner, Samples, ScalingKind, Training,
    TrainingExpectation, TrainingMethodSpec, TrainingSpec, TrainingSummary,
};
pub use values::{FileArray, Files, NoFiles, Values};
