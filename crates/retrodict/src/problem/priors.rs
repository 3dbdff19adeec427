//! Problems with priors: data and what is known before them, stacked.

use super::Problem;
use super::parts::{DataBlocks, Term};
use crate::core::loss::Loss;
use crate::error::Result;
use crate::options::require;
use crate::priors::Prior;

impl Problem {
    /// The same problem with one more prior: L + w L(R(x), R(x₀)).
    ///
    /// # Errors
    /// If the prior does not fit the space of x, or the weight is negative.
    pub fn with_prior(&self, prior: &dyn Prior, weight: f64) -> Result<Self> {
        let mut parts = self.parts();
        let block = prior.on(parts.data.simulator.input())?;
        parts.terms.push(Term {
            block,
            weight,
            rows: 0..0,
        });
        parts.join()
    }

    /// The same problem with another weight for one of its priors.
    ///
    /// # Errors
    /// If there is no such prior, or the weight is negative.
    pub fn with_weight(&self, prior: usize, weight: f64) -> Result<Self> {
        let mut parts = self.parts();
        let count = parts.terms.len();
        let allowed = format!("the problem has {count} priors, counted from 0");
        require(prior < count, "prior", prior, &allowed)?;
        parts.terms[prior].weight = weight;
        parts.join()
    }

    /// The problem without its priors.
    pub fn without_priors(&self) -> Self {
        match &self.data {
            Some(data) if !self.terms.is_empty() => Self {
                simulator: data.observed.clone(),
                loss: data.loss.clone(),
                target: data.target.clone(),
                terms: Vec::new(),
                ..self.clone()
            },
            _ => self.clone(),
        }
    }

    /// The priors, in the order in which they were added.
    pub fn priors(&self) -> &[Term] {
        &self.terms
    }

    /// The number of data: the first rows of y, without those of priors.
    pub fn data_outputs(&self) -> usize {
        self.data_rows() - self.data_loss().levels()
    }

    /// The rows of y that are no prior's: those of data, and of noise levels that are unknowns.
    pub(crate) fn data_rows(&self) -> usize {
        self.data_part()
            .map_or(self.target.len(), |data| data.target.len())
    }

    /// The loss of the data.
    pub fn data_loss(&self) -> &dyn Loss {
        self.data_part().map_or(&*self.loss, |data| &*data.loss)
    }

    /// The misfit of the data alone: L(P(x), y*) of a y that holds the rows of priors too.
    pub fn data_misfit(&self, y: &[f64]) -> f64 {
        let data = self.data_rows();
        self.data_loss().value(&y[..data], &self.target[..data])
    }

    fn data_part(&self) -> Option<&DataBlocks> {
        self.data.as_deref().filter(|_| !self.terms.is_empty())
    }
}
