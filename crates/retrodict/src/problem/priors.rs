//! Problems with priors: data and what is known before them, stacked.

use std::ops::Range;
use std::sync::Arc;

use super::Problem;
use crate::error::Result;
use crate::loss::Loss;
use crate::losses::Blocks;
use crate::options::{not_negative, require};
use crate::prior::{Prior, PriorBlock};
use crate::simulator::Simulator;
use crate::stacked::Stacked;

/// The data of a problem with priors, apart from these.
#[derive(Clone)]
pub(super) struct Data {
    simulator: Arc<dyn Simulator>,
    loss: Arc<dyn Loss>,
    target: Vec<f64>,
}

/// A prior of a problem: its block of rows and its weight in the loss.
#[derive(Clone)]
pub struct Term {
    /// The map R, its loss and its target.
    pub block: PriorBlock,
    /// w in L + w L(R(x), R(x₀)).
    pub weight: f64,
    /// Its rows of y.
    pub rows: Range<usize>,
}

impl Problem {
    /// The same problem with one more prior: L + w L(R(x), R(x₀)).
    ///
    /// # Errors
    /// If the prior does not fit the space of x, or the weight is negative.
    pub fn with_prior(&self, prior: &dyn Prior, weight: f64) -> Result<Self> {
        let block = prior.on(&self.simulator.input())?;
        let mut terms = self.terms.clone();
        terms.push(Term {
            block,
            weight,
            rows: 0..0,
        });
        self.stack(terms)
    }

    /// The same problem with another weight for one of its priors.
    ///
    /// # Errors
    /// If there is no such prior, or the weight is negative.
    pub fn with_weight(&self, prior: usize, weight: f64) -> Result<Self> {
        let mut terms = self.terms.clone();
        let allowed = format!("the problem has {} priors, counted from 0", terms.len());
        require(prior < terms.len(), "prior", prior, &allowed)?;
        terms[prior].weight = weight;
        self.stack(terms)
    }

    /// The problem without its priors.
    pub fn without_priors(&self) -> Self {
        match &self.data {
            None => self.clone(),
            Some(data) => Self {
                simulator: data.simulator.clone(),
                loss: data.loss.clone(),
                target: data.target.clone(),
                data: None,
                terms: Vec::new(),
                ..self.clone()
            },
        }
    }

    /// The priors, in the order in which they were added.
    pub fn priors(&self) -> &[Term] {
        &self.terms
    }

    /// The number of data: the first rows of y, without those of priors.
    pub fn data_outputs(&self) -> usize {
        match &self.data {
            None => self.target.len(),
            Some(data) => data.target.len(),
        }
    }

    /// The loss of the data.
    pub fn data_loss(&self) -> &dyn Loss {
        match &self.data {
            None => &*self.loss,
            Some(data) => &*data.loss,
        }
    }

    /// The misfit of the data alone: L(P(x), y*) of a y that holds the rows of priors too.
    pub fn data_misfit(&self, y: &[f64]) -> f64 {
        let data = self.data_outputs();
        self.data_loss().value(&y[..data], &self.target[..data])
    }

    fn stack(&self, mut terms: Vec<Term>) -> Result<Self> {
        let data = self.data.clone().unwrap_or_else(|| {
            Arc::new(Data {
                simulator: self.simulator.clone(),
                loss: self.loss.clone(),
                target: self.target.clone(),
            })
        });
        let mut simulators = vec![data.simulator.clone()];
        let mut losses = vec![(data.loss.clone(), data.target.len(), 1.0)];
        let mut target = data.target.clone();
        for term in &mut terms {
            not_negative(&format!("weight of {}", term.block.name), term.weight)?;
            let from = target.len();
            target.extend(&term.block.target);
            term.rows = from..target.len();
            simulators.push(term.block.simulator.clone());
            losses.push((term.block.loss.clone(), term.rows.len(), term.weight));
        }
        let simulator: Arc<dyn Simulator> = Arc::new(Stacked::new(simulators)?);
        let loss: Arc<dyn Loss> = Arc::new(Blocks::new(losses)?);
        Ok(Self {
            data: Some(data),
            terms,
            ..Self::new(simulator, loss, target)?
        })
    }
}
