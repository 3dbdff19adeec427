//! How well each of several data sets is fitted.

use retrodict::linalg::norm;
use serde::{Deserialize, Serialize};

use crate::inversion::Plan;
use crate::terminal::text::aligned;

/// How well a data set is fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSetFacts {
    /// Its name.
    pub name: String,
    /// The number of data.
    pub data: usize,
    /// The root mean square of y* − P(x), in \[y\].
    pub residual: f64,
    /// The unit of y.
    pub unit: String,
    /// χ² of its data, where their noise level is known.
    pub chi_squared: Option<f64>,
}

/// Those of all data sets, of the y that the fit leads to.
pub fn data_sets(plan: &Plan, fit: &[f64]) -> Vec<DataSetFacts> {
    let one = |(_, posed): (_, &retrodict::spec::Observed)| {
        let y = fit.get(posed.rows.clone())?;
        let target = &posed.problem.target()[..y.len()];
        let residuals: Vec<f64> = target.iter().zip(y).map(|(t, y)| t - y).collect();
        let loss = posed.problem.loss();
        let known = loss.levels() == 0;
        let chi_squared = known.then(|| loss.chi_squared(y, target)).flatten();
        Some(DataSetFacts {
            name: posed.name.clone(),
            data: y.len(),
            residual: norm(&residuals) / (y.len().max(1) as f64).sqrt(),
            unit: posed.simulator.output().unit.clone(),
            chi_squared: chi_squared.map(|found| found.value),
        })
    };
    plan.data_sets().filter_map(one).collect()
}

/// A line for each.
pub fn table(found: &[DataSetFacts]) -> String {
    let known = found.iter().any(|facts| facts.chi_squared.is_some());
    let head = ["data set", "data", "rms residual", "unit", "χ²/N"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for facts in found {
        let per_datum = facts.chi_squared.map(|chi| chi / facts.data.max(1) as f64);
        lines.push(vec![
            facts.name.clone(),
            facts.data.to_string(),
            format!("{:.3e}", facts.residual),
            facts.unit.clone(),
            per_datum.map_or_else(|| "–".to_owned(), |chi| format!("{chi:.3}")),
        ]);
    }
    if !known {
        lines.iter_mut().for_each(|line| drop(line.pop()));
    }
    aligned(&lines, 1)
}
