//! Where no step leads on: another try from the best x, or the end of the run and what is said of it.

use super::{Next, SolverRun};
use crate::error::{Error, Result};
use crate::problem::Evaluation;
use crate::solver::stationarity::{self, Nature};
use crate::solver::status::{Goal, Status};
use crate::updates::{Notice, Search};

const BEGAN_ANEW: Notice =
    Notice("no lower loss was found along the update; the rule's memory was reset");

const WENT_BACK: Notice = Notice(
    "full steps increased the loss and then made no progress; went back to the best x and searched along the steps \
     from there",
);

impl SolverRun {
    /// The end of a run from which no step leads on, by what the best point is; `otherwise` is said where the gradient has
    /// not vanished and nothing failed. Where whole steps had led uphill, they are searched along from the best point
    /// before that is said.
    pub(super) fn no_way_on<'p>(
        &mut self,
        at: &Evaluation<'p>,
        failure: Option<Error>,
        otherwise: Status,
    ) -> Result<Next<'p>> {
        let best = self.best_elsewhere(at)?;
        let (nature, without_effect) =
            stationarity::judge(best.as_ref().unwrap_or(at), self.first_loss)?;
        let leads_on = nature == Nature::Slope && best.is_some() && self.may_search();
        if leads_on {
            return Ok(self.go_back(best));
        }
        if nature == Nature::Slope && self.rule.forget(best.as_ref().unwrap_or(at))? {
            self.note(BEGAN_ANEW);
            return Ok(Next::Back(best.map(Box::new)));
        }
        self.without_effect = without_effect;
        Ok(Next::End(match nature {
            Nature::Minimum | Nature::WithinNoise if self.stop.asks_for_more() => Status::Stalled,
            Nature::WithinNoise => Status::Converged(Goal::Noise),
            Nature::Minimum => Status::Converged(Goal::Stationary),
            Nature::Saddle => Status::Saddle,
            Nature::WithoutEffect | Nature::Slope if failure.is_some() => failed(failure, at),
            Nature::WithoutEffect => Status::NoEffect,
            Nature::Slope => otherwise,
        }))
    }

    /// Where a whole step and shorter ones failed: a search from the best point, unless that was done before.
    pub(super) fn searched_instead<'p>(&mut self, at: &Evaluation<'p>) -> Result<Option<Next<'p>>> {
        if !self.may_search() {
            return Ok(None);
        }
        let best = self.best_elsewhere(at)?;
        Ok(Some(self.go_back(best)))
    }

    /// Whether the rule takes whole steps so far and knows how to do otherwise.
    fn may_search(&self) -> bool {
        let whole = Search::Full;
        !self.careful
            && self.search.is_none()
            && !self.rule.judges()
            && self.rule.search() == whole
            && self.rule.search_within() != whole
    }

    fn go_back<'p>(&mut self, best: Option<Evaluation<'p>>) -> Next<'p> {
        self.careful = true;
        self.note(WENT_BACK);
        Next::Back(best.map(Box::new))
    }

    /// The best point, where it is another one than this.
    fn best_elsewhere<'p>(&self, at: &Evaluation<'p>) -> Result<Option<Evaluation<'p>>> {
        let problem = at.problem();
        if self.best.0 == problem.values(at.x()) {
            return Ok(None);
        }
        at.elsewhere(&problem.unknowns(&self.best.0)?).map(Some)
    }
}

/// The status of a run that a failure ended; where no error says why, y or its loss is not a number.
pub(super) fn failed(failure: Option<Error>, at: &Evaluation<'_>) -> Status {
    Status::Failed(failure.unwrap_or_else(|| without_value(at)))
}

/// The failure of a simulation that returns without an error.
pub(super) fn without_value(at: &Evaluation<'_>) -> Error {
    Error::simulation(at.problem().name(), "y or its loss is NaN")
}
