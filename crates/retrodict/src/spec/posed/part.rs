//! One part of the data of a field: all of it, or one of several data sets.

use std::sync::Arc;

use super::field_noise::{FieldNoise, begin, noise_without_table};
use super::parameters::in_parameters;
use super::subject::Subject;
use crate::error::{At, Result};
use crate::losses::SquaredError;
use crate::problem::Problem;
use crate::spec::noise::FittedNoise;
use crate::spec::parameter::ParameterTable;

/// Data, the simulator that made them, and their noise.
pub(super) struct Part<'a, 's> {
    pub(super) subject: &'a Subject<'s>,
    pub(super) target: &'a [f64],
    pub(super) noise: FieldNoise,
    /// Whether NaN says that a value was not observed.
    pub(super) missing: bool,
}

/// The problem of the data of all parts, and those of each; noise levels without a start begin at the residuals of `x0`.
pub(super) fn joined(
    parts: &[Part<'_, '_>],
    table: Option<&ParameterTable>,
    x0: &mut [f64],
) -> Result<(Problem, Vec<Problem>)> {
    let mut problems = Vec::new();
    for (set, part) in parts.iter().enumerate() {
        problems.push(part.problem(set, table, x0)?);
    }
    let joined = match &problems[..] {
        [only] => only.clone(),
        several => Problem::joined(several)?,
    };
    let joined = match parts.iter().all(|part| part.noise.is_open()) {
        // One level for all data, to be found from all residuals.
        true => joined.with_loss(SquaredError::half())?,
        false => joined,
    };
    Ok((joined, problems))
}

impl Part<'_, '_> {
    /// The problem of these data alone.
    fn problem(
        &self,
        set: usize,
        table: Option<&ParameterTable>,
        x0: &mut [f64],
    ) -> Result<Problem> {
        let simulator = match (self.noise.sigma(), &self.subject.with_noise) {
            (Some(sigma), Some(with_noise)) => with_noise(sigma).inside("simulator")?,
            _ => Arc::clone(&self.subject.simulator),
        };
        let simulator = in_parameters(table, set, simulator)?;
        let y = self.target;
        let data = match (&self.noise, table) {
            (FieldNoise::Fitted(fitted), Some(table)) => {
                begin(&*simulator, fitted, &table.unstarted(set), y, x0);
                let levels = table.levels(set)?;
                let FittedNoise {
                    distribution,
                    groups,
                } = &**fitted;
                Problem::with_levels(simulator, levels, *distribution, groups, y.to_vec())
            }
            (FieldNoise::Level(level), _) if self.missing => {
                Problem::with_missing(simulator, Arc::clone(&level.loss), y.to_vec())
            }
            (FieldNoise::Level(level), _) => {
                Problem::new(simulator, Arc::clone(&level.loss), y.to_vec())
            }
            // Whoever names a noise level has a table.
            (FieldNoise::Fitted(_), None) => Err(noise_without_table()),
        };
        data.inside("target")
    }
}
