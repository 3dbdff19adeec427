//! Data sets: as they are handed to those who pose an inversion, and as they were posed.

use std::ops::Range;
use std::sync::Arc;

use super::parameters::in_parameters;
use super::subject::Subject;
use crate::core::simulator::Simulator;
use crate::error::Result;
use crate::problem::Problem;
use crate::spec::InversionSpec;
use crate::spec::parameter::ParameterTable;

/// A data set that is at hand, with its simulator.
#[non_exhaustive]
pub struct DataSet<'a> {
    /// Its name.
    pub name: &'a str,
    /// What is known of it alone, one of [`InversionSpec::data_sets`]: its noise is looked at.
    pub inversion: &'a InversionSpec,
    /// P of it.
    pub subject: Subject<'a>,
    /// y*.
    pub target: Vec<f64>,
}

impl<'a> DataSet<'a> {
    /// A data set of this name.
    pub fn new(
        name: &'a str,
        inversion: &'a InversionSpec,
        subject: Subject<'a>,
        target: Vec<f64>,
    ) -> Self {
        Self {
            name,
            inversion,
            subject,
            target,
        }
    }
}

/// A data set of a posed inversion.
#[derive(Clone)]
#[non_exhaustive]
pub struct Observed {
    /// Its name.
    pub name: String,
    /// P of it, in the parameters of the inversion.
    pub simulator: Arc<dyn Simulator>,
    /// y*, NaN where nothing was observed.
    pub target: Vec<f64>,
    /// The place of the values that were observed among all data.
    pub rows: Range<usize>,
    /// Its problem alone: simulator, loss and the values that were observed, behind them the noise levels that are unknowns.
    pub problem: Problem,
    pub(super) table: Option<Arc<ParameterTable>>,
    /// Its place among the data sets.
    pub(super) set: usize,
}

impl Observed {
    /// Another simulator of the same x, in the parameters of the inversion.
    ///
    /// # Errors
    /// If its x has another length.
    pub fn with_simulator(&self, simulator: Arc<dyn Simulator>) -> Result<Arc<dyn Simulator>> {
        in_parameters(self.table.as_deref(), self.set, simulator)
    }
}
