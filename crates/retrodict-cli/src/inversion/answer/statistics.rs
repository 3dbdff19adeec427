//! Intervals, correlations and what is not identifiable, as files and reports hold them.

mod labels;
mod quantities;
mod words;

use retrodict::Counts;
use retrodict::error::expect_finite;
use retrodict::linalg::norm;
use retrodict::uncertainty::criteria::InformationCriteria;
use retrodict::uncertainty::statistics::{self, Noise};
use retrodict::{Problem, Simulator};
use serde::{Deserialize, Serialize};

use crate::data::Array;
use crate::inversion::Plan;
use crate::inversion::plan::Field;
use crate::results::own_units::OwnUnit;

pub use labels::labels;
pub use quantities::QuantityFacts;
use words::words;

/// What the data say about x, and what is not identifiable, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Where the size of the noise comes from.
    pub noise: Noise,
    /// The number of data.
    pub data: usize,
    /// The number of unknowns.
    pub unknowns: usize,
    /// Whether covariance and rank are those of data and priors together.
    pub priors: bool,
    /// The root mean square of y* − P(x), in \[y\].
    pub residual: f64,
    /// The largest of |y* − P(x)| and its index.
    pub worst: (usize, f64),
    /// Where that is, as `y[2] of north`, where there are several data sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_place: Option<String>,
    /// χ², where the noise is known.
    pub chi_squared: Option<f64>,
    /// Reduced χ²: χ² per degree of freedom.
    pub reduced_chi_squared: Option<f64>,
    /// The p value: the probability of a χ² at least as large.
    pub goodness_of_fit: Option<f64>,
    /// Data minus the effective degrees of freedom of the fit.
    pub degrees_of_freedom: usize,
    /// The rank: the number of identifiable directions.
    pub rank: usize,
    /// The largest singular value of J over the smallest that counts, with unknowns of equal effect.
    pub condition: f64,
    /// The level of the intervals.
    pub level: f64,
    /// The unknowns; of many, those known best and worst.
    pub parameters: Vec<Parameter>,
    /// How many unknowns are not determined.
    pub undetermined: usize,
    /// The names of those that equal bounds fix: constants, no unknowns of the fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<String>,
    /// Parameters that are fixed or tied, and quantities that follow from parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quantities: Vec<QuantityFacts>,
    /// The likelihood of the fit, and what is made of it to compare models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria: Option<InformationCriteria>,
    /// The most strongly correlated pairs, strongest first.
    pub correlations: Vec<Pair>,
    /// What is not identifiable, and other caveats, in sentences.
    pub words: Vec<String>,
    /// Evaluations of the simulator.
    pub counts: Counts,
}

/// An unknown with its interval; `null` for what is infinite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its index in x.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Its value.
    pub value: f64,
    /// Its standard deviation.
    pub deviation: Option<f64>,
    /// The lower end of its interval.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// The same in the parameter's own unit, where x holds a logarithm or a logit of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnValue>,
}

/// A parameter in its own unit: the transform of value and interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnValue {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Its value.
    pub value: f64,
    /// The lower end of its interval.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

/// Two unknowns and their correlation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The names.
    pub between: (String, String),
    /// From −1 to 1.
    pub correlation: f64,
}

/// Unknowns up to which J is formed and decomposed: a second or two, and no more than a step of Levenberg–Marquardt.
pub const DENSE: usize = 500;
/// Numbers in J up to which it is; 32 MB.
const ROOM: usize = 4_000_000;
/// Unknowns up to which all are listed.
const LISTED: usize = 20;
/// Of more than that, so many of the best and of the worst known.
const ENDS: usize = 3;
/// Unknowns up to which a covariance is a table to be kept.
const SQUARE: usize = 200;
/// A correlation below this is not worth a line.
const STRONG: f64 = 0.5;
/// So many pairs are listed.
const PAIRS: usize = 5;
/// The level of confidence intervals.
pub const LEVEL: f64 = 0.95;

/// Why the statistics of this problem are not taken, if so.
pub fn too_large(problem: &Problem) -> Option<String> {
    let (n, m) = (problem.inputs(), problem.outputs());
    (n > DENSE || n * m > ROOM).then(|| {
        format!(
            "no confidence intervals: a Jacobian of {m} × {n} is too large to be formed and decomposed here (limit: \
             {DENSE} unknowns and {ROOM} entries); for a field with a matern prior and a known noise level, \
             --posterior gives standard deviations and samples"
        )
    })
}

impl Statistics {
    /// Those of a field's problem at x, and arrays of them by name.
    ///
    /// # Cost
    /// A dense Jacobian.
    pub fn of(
        plan: &Plan,
        field: &Field,
        x: &[f64],
    ) -> retrodict::Result<(Self, Vec<(String, Array)>)> {
        let (problem, simulator) = (&field.problem, &*plan.simulator);
        let noise = Noise::of(problem);
        let found = statistics::Statistics::with(problem, x, noise)?;
        let y = &found.residuals;
        // What is no number has no words, and no place in JSON.
        expect_finite("y* − P(x)", y)?;
        expect_finite("the condition number of J", &[found.condition])?;
        let largest = y
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        let labels = labels(simulator);
        let names: Vec<String> = labels.iter().map(|(name, _)| name.clone()).collect();
        let statistics = Self {
            noise: found.noise,
            data: y.len(),
            unknowns: x.len(),
            priors: !problem.priors().is_empty(),
            residual: norm(y) / (y.len().max(1) as f64).sqrt(),
            worst: largest.map_or((0, 0.0), |(i, r)| (i, r.abs())),
            worst_place: largest.and_then(|(i, _)| place(plan, i)),
            chi_squared: found.chi_squared,
            reduced_chi_squared: found.reduced_chi_squared(),
            goodness_of_fit: found.goodness_of_fit(),
            degrees_of_freedom: found.degrees_of_freedom,
            rank: found.rank,
            condition: found.condition,
            level: LEVEL,
            parameters: parameters(&found, &labels)?,
            undetermined: found.deviations.iter().filter(|d| d.is_infinite()).count(),
            fixed: found.fixed.iter().map(|i| names[*i].clone()).collect(),
            quantities: quantities::quantities(plan, &found)?,
            criteria: InformationCriteria::of(problem, x)?,
            correlations: pairs(&found, &names),
            words: words(&found, &names, problem),
            counts: found.counts,
        };
        Ok((statistics, arrays(&found, simulator)))
    }

    /// Adds to each parameter what it is in its own unit, where it has another one.
    pub fn in_own_units(&mut self, units: &[Option<OwnUnit>]) {
        for parameter in &mut self.parameters {
            let Some(Some(unit)) = units.get(parameter.index) else {
                continue;
            };
            // An open interval ends where the transform does: a rate at 0.
            let end = |x: f64| Some(unit.of(x)).filter(|value| value.is_finite());
            parameter.own = Some(OwnValue {
                name: unit.name.clone(),
                unit: unit.unit.clone(),
                value: unit.of(parameter.value),
                low: end(parameter.low.unwrap_or(f64::NEG_INFINITY)),
                high: end(parameter.high.unwrap_or(f64::INFINITY)),
            });
        }
    }

    /// The run ended at the noise, where more steps would have fitted that too: its χ² is what was asked for, and
    /// no test of the model.
    pub fn ended_at_the_noise(&mut self) {
        (self.reduced_chi_squared, self.goodness_of_fit) = (None, None);
        self.words.push(
            "the run stopped at the noise level, as requested, before the loss reached its minimum: χ² is then the \
             stopping criterion, not a test of the model"
                .to_owned(),
        );
    }
}

/// The place of a datum within its data set, where there are several.
fn place(plan: &Plan, datum: usize) -> Option<String> {
    let mut sets = plan.data_sets();
    let (_, own) = sets.find(|(_, own)| own.rows.contains(&datum))?;
    Some(format!("y[{}] of {}", datum - own.rows.start, own.name))
}

fn parameters(
    found: &statistics::Statistics,
    labels: &[(String, String)],
) -> retrodict::Result<Vec<Parameter>> {
    let intervals = found.intervals(LEVEL)?;
    let mut shown: Vec<usize> = (0..intervals.len()).collect();
    if shown.len() > LISTED {
        shown.sort_by(|a, b| found.deviations[*a].total_cmp(&found.deviations[*b]));
        shown.drain(ENDS..shown.len() - ENDS);
    }
    let finite = |value: f64| value.is_finite().then_some(value);
    let line = |index: usize| Parameter {
        index,
        name: labels[index].0.clone(),
        unit: labels[index].1.clone(),
        value: found.parameters[index],
        deviation: finite(found.deviations[index]),
        low: finite(intervals[index].low),
        high: finite(intervals[index].high),
        own: None,
    };
    Ok(shown.into_iter().map(line).collect())
}

fn pairs(found: &statistics::Statistics, names: &[String]) -> Vec<Pair> {
    let n = names.len();
    let mut strong: Vec<(usize, usize, f64)> = (0..n)
        .flat_map(|i| (i + 1..n).map(move |j| (i, j)))
        .filter(|(i, j)| found.deviations[*i].is_finite() && found.deviations[*j].is_finite())
        .map(|(i, j)| (i, j, found.correlation(i, j)))
        .filter(|(.., correlation)| correlation.abs() >= STRONG)
        .collect();
    strong.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()));
    let pair = |(i, j, correlation): (usize, usize, f64)| Pair {
        between: (names[i].clone(), names[j].clone()),
        correlation,
    };
    strong.into_iter().take(PAIRS).map(pair).collect()
}

fn arrays(found: &statistics::Statistics, simulator: &dyn Simulator) -> Vec<(String, Array)> {
    let (x, y) = (simulator.input(), simulator.output());
    let n = found.parameters.len();
    let named = |name: &str, shape: Vec<usize>, values: Vec<f64>| {
        (name.to_owned(), Array::new(shape, values))
    };
    // Where data are missing, those that there are stand one after the other.
    let rest = match y.len() == found.residuals.len() {
        true => y.shape.clone(),
        false => vec![found.residuals.len()],
    };
    let mut arrays = vec![
        named("residuals", rest, found.residuals.clone()),
        named("deviation", x.shape.clone(), found.deviations.clone()),
    ];
    if n <= SQUARE {
        for (name, table) in [
            ("covariance", &found.covariance),
            ("correlation", &found.correlations()),
        ] {
            arrays.push(named(name, vec![n, n], table.as_slice().to_vec()));
        }
    }
    if found.unseen.rows() > 0 {
        let shape = vec![found.unseen.rows(), n];
        arrays.push(named("unseen", shape, found.unseen.as_slice().to_vec()));
    }
    arrays
}
