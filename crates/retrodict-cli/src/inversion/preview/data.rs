//! The data of an inversion, and what is known of their noise.

use retrodict::core::noise::NoiseModel;
use retrodict::spec::{NoiseSpec, Observed, Values};
use retrodict::uncertainty::statistics::Noise;
use retrodict::{Problem, Simulator};
use serde::Serialize;

use super::source;
use crate::data::Array;
use crate::inversion::Plan;
use crate::inversion::plan::data_set::DataSet;

/// The least and the greatest of some values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range {
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Range {
    /// Of values that are numbers; nothing where there is none.
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        values.fold(None, |range, value| {
            let range: Self = range.unwrap_or(Self {
                least: value,
                greatest: value,
            });
            Some(Self {
                least: range.least.min(value),
                greatest: range.greatest.max(value),
            })
        })
    }
}

/// y*: where it comes from, and what it holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataFacts {
    /// The file, with the columns that were picked from it.
    pub source: String,
    /// What y is.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// How many fields, each a problem of its own.
    pub fields: usize,
    /// The shape of each.
    pub shape: Vec<usize>,
    /// The columns of a y that is a series, or of the file.
    pub columns: Vec<String>,
    /// When a y that is a series was observed.
    pub times: Option<Times>,
    /// How many values were observed, in all fields.
    pub observed: usize,
    /// How many were not.
    pub missing: usize,
    /// Their range.
    pub range: Option<Range>,
}

/// The first and the last time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Times {
    /// Both.
    #[serde(flatten)]
    pub range: Range,
    /// Their unit.
    pub unit: String,
}

/// What is known of the noise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoiseFacts {
    /// Given, fitted, or estimated from the residuals after the fit.
    pub level: &'static str,
    /// In a sentence.
    pub sentence: String,
    /// The standard deviations, where they are given: of y, or of ln y where noise multiplies the data.
    pub std: Option<Range>,
    /// The parameters that are its level, where it is fitted.
    pub parameters: Vec<String>,
}

impl DataFacts {
    /// Those of a plan.
    pub fn of(plan: &Plan) -> Self {
        let simulator = &*plan.simulator;
        let facts = Self::new(simulator, &plan.target, &plan.inversion.target);
        let several = plan.data_sets().next().is_some();
        Self {
            fields: plan.fields.len(),
            source: match several {
                true => "all data sets".to_owned(),
                false => facts.source,
            },
            ..facts
        }
    }

    /// Those of a data set.
    pub fn of_set(set: &DataSet, posed: &Observed, asked: &Values) -> Self {
        Self::new(&*posed.simulator, &set.target, asked)
    }

    fn new(simulator: &dyn Simulator, target: &Array, asked: &Values) -> Self {
        let space = simulator.output();
        let series = simulator.describe().series;
        let values = &target.values;
        let missing = values.iter().filter(|value| value.is_nan()).count();
        let named = target.columns.iter().filter(|name| !name.is_empty());
        Self {
            source: match asked {
                Values::File(name) => name.clone(),
                _ => "the description itself".to_owned(),
            },
            name: space.name.clone(),
            unit: space.unit.clone(),
            fields: 1,
            shape: space.shape.clone(),
            columns: match &series {
                Some(series) => series.columns.iter().map(|c| c.0.clone()).collect(),
                None => named.cloned().collect(),
            },
            times: series.and_then(|series| {
                let range = Range::of(series.times.iter().copied())?;
                Some(Times {
                    range,
                    unit: series.time_unit,
                })
            }),
            observed: values.len() - missing,
            missing,
            range: Range::of(values.iter().copied().filter(|value| !value.is_nan())),
        }
    }
}

impl NoiseFacts {
    /// That of a data set, by its problem and what is said of it.
    pub fn of_set(problem: &Problem, spec: &NoiseSpec) -> Self {
        let level = Noise::of(problem);
        let std = match problem.data_loss().noise() {
            NoiseModel::Independent(std) | NoiseModel::Multiplicative(std) => {
                Range::of(std.iter().copied())
            }
            _ => None,
        };
        Self {
            level: source(level),
            sentence: sentence(spec, level),
            std: std.filter(|_| level == Noise::Known),
            parameters: spec.parameter.clone(),
        }
    }

    /// That of a plan.
    pub fn of(plan: &Plan) -> Self {
        let problem = plan.fields.first().map(|field| &field.problem);
        let level = problem.map_or(Noise::Estimated, Noise::of);
        let spec = &plan.inversion.noise;
        let std = match level {
            Noise::Known => Range::of(plan.fields.iter().flat_map(|field| {
                match field.problem.data_loss().noise() {
                    NoiseModel::Independent(std) | NoiseModel::Multiplicative(std) => std.to_vec(),
                    _ => Vec::new(),
                }
            })),
            _ => None,
        };
        Self {
            level: source(level),
            sentence: sentence(spec, level),
            std,
            parameters: spec.parameter.clone(),
        }
    }
}

/// Where the level comes from.
fn sentence(spec: &NoiseSpec, level: Noise) -> String {
    let of = match spec.multiplicative {
        true => "of ln y",
        false => "",
    };
    let given = |what: String| {
        let text = format!("given: {what} {of}");
        text.trim_end().to_owned()
    };
    match level {
        Noise::Fitted => {
            let names = spec.parameter.join(", ");
            let (which, are) = match spec.parameter.len() {
                1 => ("the parameter", "is"),
                _ => ("the parameters", "are"),
            };
            let distribution = serde_json::to_value(spec.distribution).unwrap_or_default();
            let distribution = distribution.as_str().unwrap_or_default();
            format!(
                "{which} {names} {are} the noise level ({distribution}), which is fitted by maximum likelihood unless it is \
                 fixed or tied"
            )
        }
        Noise::Estimated => {
            let loss = spec.robust.as_ref().map(|named| {
                format!(
                    "the loss {} says nothing of its level, which is ",
                    named.name
                )
            });
            format!(
                "{}estimated from the residuals after the fit",
                loss.unwrap_or_default()
            )
        }
        Noise::Known => match (&spec.robust, spec.relative, &spec.std, &spec.std_file) {
            (Some(named), ..) => given(format!("by the loss {}", named.name)),
            (_, Some(relative), ..) => given(format!(
                "{relative} of the root mean square of the data (noise.relative)"
            )),
            (_, _, Some(Values::One(_)), _) => given("one for all data (noise.std)".to_owned()),
            (_, _, Some(Values::Each(_)), _) => given("one for each datum (noise.std)".to_owned()),
            (_, _, Some(Values::File(file)), _) | (.., Some(file)) => {
                given(format!("read from {file}"))
            }
            _ => match &spec.covariance {
                Some(Values::File(file)) => given(format!("a covariance matrix, read from {file}")),
                Some(_) => given("a covariance matrix".to_owned()),
                None => given("by the loss".to_owned()),
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_numbers_that_there_are() {
        let range = Range::of([2.0, -1.0, 0.5].into_iter());
        let expected = Range {
            least: -1.0,
            greatest: 2.0,
        };
        assert_eq!(range, Some(expected));
        assert_eq!(Range::of(std::iter::empty()), None);
    }

    #[test]
    fn where_a_noise_level_comes_from_is_said_as_it_is() {
        let relative = NoiseSpec::default().with_relative(Some(0.05));
        assert!(
            sentence(&relative, Noise::Known).starts_with("given: 0.05 of the root mean square")
        );
        let file = NoiseSpec::default().with_std_file(Some("sigma.csv".to_owned()));
        assert_eq!(sentence(&file, Noise::Known), "given: read from sigma.csv");
        let nothing = sentence(&NoiseSpec::default(), Noise::Estimated);
        assert_eq!(nothing, "estimated from the residuals after the fit");
        let fitted = NoiseSpec::default().with_parameter(vec!["sigma".to_owned()]);
        assert!(sentence(&fitted, Noise::Fitted).starts_with("the parameter sigma is"));
    }
}
