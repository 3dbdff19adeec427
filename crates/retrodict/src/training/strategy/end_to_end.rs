//! Learning through the physics.

use std::sync::Arc;

use super::super::Joint;
use super::{Lesson, Strategy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::losses::Batch;
use crate::options::{Validate, plain};
use crate::problem::Problem;

/// θ ↦ P(f(y*; θ)), target y*: the physics is a part of what is trained.
///
/// With a gradient rule this is differentiable physics (DP), with half-inverse gradients it is
/// HIG training.
///
/// # Source
/// Thuerey et al., *Physics-based Deep Learning*, chapters on differentiable physics and on
/// half-inverse gradients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EndToEnd {}

plain!(EndToEnd);

impl Validate for EndToEnd {
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

impl Strategy for EndToEnd {
    fn theta_problem(&self, lesson: &Lesson<'_>) -> Result<Problem> {
        let physics = lesson.batch.iter().map(|s| Arc::clone(&s.simulator));
        let joint = Joint::with_physics(
            Arc::clone(lesson.network),
            lesson.inputs(),
            physics.collect(),
            Arc::clone(lesson.clock),
        )?;
        let targets: Vec<f64> = lesson
            .batch
            .iter()
            .flat_map(|s| s.target.iter().copied())
            .collect();
        let outputs = lesson.batch.first().map_or(0, |s| s.target.len());
        let loss = Batch::new(
            Arc::clone(lesson.loss),
            outputs,
            lesson.batch.len(),
            lesson.reduction,
        );
        Problem::new(Arc::new(joint), Arc::new(loss), targets)
    }
}
