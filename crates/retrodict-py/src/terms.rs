//! What a problem is made of beside its simulators, in a form that goes to other processes.

use retrodict::spec::NoiseSpec;
use serde::{Deserialize, Serialize};

use crate::arrays::Numbers;
use crate::known::Known;

/// What a problem is made of beside its simulator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// The shape of the unknowns: of x, or of the free parameters.
    pub input: Vec<usize>,
    /// The shape of what the simulator takes.
    pub model: Vec<usize>,
    /// y*, NaN where nothing was observed.
    pub target: Numbers,
    /// Noise, bounds, priors and the like.
    pub known: Known,
    /// The data sets, where there are several.
    #[serde(default)]
    pub sets: Vec<SetTerms>,
}

/// What a data set is made of beside its simulator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetTerms {
    /// Its name.
    pub name: String,
    /// The shape of what its simulator takes.
    pub model: Vec<usize>,
    /// y*, NaN where nothing was observed.
    pub target: Numbers,
    /// Its noise.
    pub noise: NoiseSpec,
}
