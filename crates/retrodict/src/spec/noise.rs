//! What is known of the noise in y*, and the loss that belongs to it.

use crate::options::Build;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Named;
use super::name_list::{NameList, one_or_many};
use super::random::root_mean_square;
use super::values::{Files, Values};
use crate::core::loss::Loss;
use crate::error::{At, Error, Result, expect_length};
use crate::losses::{Covariance, Distribution, LogNormalOptions, SquaredError, Weighted};
use crate::options::{deviation, require};
use crate::registry::Registry;

/// What is known of the noise in y*: nothing, or one of these.
#[derive(
    Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, derive_setters::Setters,
)]
#[setters(prefix = "with_")]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct NoiseSpec {
    /// Its standard deviation, in the unit of y: one for all data, or one for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std: Option<Values>,
    /// Its standard deviation, relative to the target's root mean square.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative: Option<f64>,
    /// A file with the standard deviation of each datum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std_file: Option<String>,
    /// Its covariance matrix, row by row, or a file with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covariance: Option<Values>,
    /// Whether it multiplies the data: `std` is then the deviation of ln y.
    #[serde(skip_serializing_if = "is_false")]
    pub multiplicative: bool,
    /// Whether NaN in the target says that a value was not observed.
    #[serde(skip_serializing_if = "is_false")]
    pub missing: bool,
    /// The parameter, or the parameters, that are its level: unknowns of the fit unless fixed or tied. Several are one for
    /// each column of y, or for each of the `groups`.
    #[serde(
        deserialize_with = "one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(with = "NameList")]
    pub parameter: Vec<String>,
    /// How noise of that level makes the data: gaussian (in the unit of y), proportional (relative to the model's y) or
    /// log-normal (of ln y).
    #[serde(skip_serializing_if = "is_gaussian")]
    pub distribution: Distribution,
    /// For each datum the place of its parameter in that list, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Values>,
    /// A loss in place of the squared error, such as one that is robust to outliers: `name` and options.
    #[serde(alias = "loss", skip_serializing_if = "Option::is_none")]
    pub robust: Option<Named>,
}

fn is_gaussian(distribution: &Distribution) -> bool {
    *distribution == Distribution::Gaussian
}

/// Noise of which the level is an unknown.
pub(super) struct FittedNoise {
    pub(super) distribution: Distribution,
    /// The place of each datum's parameter in the list of them.
    pub(super) groups: Vec<usize>,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// The noise of one field.
#[non_exhaustive]
pub struct NoiseLevel {
    /// The loss that belongs to it.
    pub loss: Arc<dyn Loss>,
    /// The standard deviation, where one number holds for all data.
    pub sigma: Option<f64>,
    /// Whether anything is known of it.
    pub known: bool,
    /// Whether nothing at all is said of it, not even a loss.
    pub(super) plain: bool,
}

fn noise_error(message: &str) -> Error {
    Error::Config {
        what: "noise".to_owned(),
        message: message.to_owned(),
    }
}

impl NoiseSpec {
    /// Noise of which the levels are parameters, for data of a shape; nothing where it is none.
    ///
    /// # Errors
    /// If its level is given otherwise too, or groups do not fit the data.
    pub(super) fn fitted(&self, shape: &[usize], files: &dyn Files) -> Result<Option<FittedNoise>> {
        let names = self.parameter.len();
        if names == 0 {
            return Ok(None);
        }
        if let Some(name) = self.parameter.iter().find(|name| name.starts_with('[')) {
            let list = "a list of names is written with quotes, as in ['low', 'high']";
            require(false, "noise.parameter", name, list).inside("noise.parameter")?;
        }
        let alone = Self {
            parameter: self.parameter.clone(),
            distribution: self.distribution,
            groups: self.groups.clone(),
            missing: self.missing,
            ..Self::default()
        };
        if *self != alone {
            return Err(Error::GivenTwice {
                what: "noise".to_owned(),
                keys: "noise.parameter, which is the level itself, and what gives it a number or another loss (for noise of ln \
                       y, set distribution = \"log-normal\")"
                    .to_owned(),
            });
        }
        let count: usize = shape.iter().product();
        let columns = shape.last().copied().unwrap_or(1);
        let groups = match &self.groups {
            Some(values) => {
                let found = values.read(shape, files).inside("noise.groups")?.concat();
                expect_length("noise.groups", found.len(), count).inside("noise.groups")?;
                let group = |value: &f64| {
                    let whole = value.fract() == 0.0 && (0.0..names as f64).contains(value);
                    let allowed = format!("noise.parameter names {names}, counted from 0");
                    require(whole, "noise.groups", value, &allowed).map(|()| *value as usize)
                };
                let groups: Result<Vec<usize>> = found.iter().map(group).collect();
                groups.inside("noise.groups")?
            }
            None if names == 1 => vec![0; count],
            None if names == columns && shape.len() > 1 => {
                (0..count).map(|i| i % columns).collect()
            }
            None => {
                let columns = match shape.len() {
                    0 | 1 => "y has no columns".to_owned(),
                    _ => format!("y has {columns} columns"),
                };
                return Err(Error::Option {
                    key: "noise.parameter".to_owned(),
                    found: format!("{names} names"),
                    allowed: format!(
                        "{columns}: give one name for all data, one for each column, or noise.groups with the place of each \
                         datum's in the list"
                    ),
                }
                .inside("noise.parameter"));
            }
        };
        Ok(Some(FittedNoise {
            distribution: self.distribution,
            groups,
        }))
    }

    /// The files that it names, to be read or moved.
    pub(super) fn files(&mut self) -> Vec<&mut String> {
        let values = [
            self.std.as_mut(),
            self.covariance.as_mut(),
            self.groups.as_mut(),
        ];
        let files = values.into_iter().flatten().filter_map(Values::file);
        files.chain(self.std_file.as_mut()).collect()
    }

    /// Whether anything is said of its size or its distribution.
    pub fn is_known(&self) -> bool {
        let nothing = Self::default()
            .with_missing(self.missing)
            .with_multiplicative(self.multiplicative);
        *self != nothing
    }

    /// The noise of each of several fields of data of a shape; NaN stands for a value that was not observed.
    ///
    /// # Errors
    /// If it is given more than once, does not fit the data, or is not allowed.
    pub fn levels(
        &self,
        targets: &[&[f64]],
        shape: &[usize],
        registry: &Registry,
        files: &dyn Files,
    ) -> Result<Vec<NoiseLevel>> {
        let m = targets.first().map_or(0, |y| y.len());
        let given = [
            self.std.is_some(),
            self.relative.is_some(),
            self.std_file.is_some(),
            self.covariance.is_some(),
        ];
        if given.iter().filter(|given| **given).count() > 1 {
            return Err(Error::GivenTwice {
                what: "noise".to_owned(),
                keys: "noise.std, noise.relative, noise.std_file and noise.covariance".to_owned(),
            });
        }
        if !self.parameter.is_empty() {
            return Err(Error::GivenTwice {
                what: "noise".to_owned(),
                keys: "noise.parameter, which is the level itself, and what gives it a number"
                    .to_owned(),
            });
        }
        if !is_gaussian(&self.distribution) || self.groups.is_some() {
            return Err(Error::Config {
                what: "noise".to_owned(),
                message: "distribution and groups are those of noise.parameter, the name of a level that is fitted; where it \
                          is known, name it and fix it in the table of that parameter"
                    .to_owned(),
            });
        }
        if let Some(named) = &self.robust {
            let other = self.other(named, m, targets.len(), registry);
            return other.inside("noise.robust");
        }
        if self.multiplicative && self.std.is_none() && self.std_file.is_none() {
            return Err(noise_error(
                "multiplicative noise needs noise.std or noise.std_file, the standard deviation of ln y",
            ));
        }
        if let Some(level) = self.relative {
            deviation("noise.relative", level)?;
        }
        match (&self.std, &self.std_file, &self.covariance) {
            (Some(Values::One(level)), ..) => {
                deviation("noise.std", *level)?;
                targets
                    .iter()
                    .map(|y| self.level(Some(*level), y))
                    .collect()
            }
            (Some(Values::Each(values)), ..) => self.of_each("noise.std", values, targets),
            (Some(Values::File(name)), ..) | (None, Some(name), _) => {
                let key = match self.std {
                    Some(_) => "noise.std",
                    None => "noise.std_file",
                };
                let values = files.read(name, shape, true).inside(key)?.concat();
                self.of_each(name, &values, targets).inside(key)
            }
            (None, None, Some(covariance)) => self
                .covariance(covariance, m, targets.len(), files)
                .inside("noise.covariance"),
            (None, None, None) => targets.iter().map(|y| self.level(None, y)).collect(),
        }
    }

    /// A covariance matrix of m data, which holds for all fields.
    fn covariance(
        &self,
        covariance: &Values,
        m: usize,
        fields: usize,
        files: &dyn Files,
    ) -> Result<Vec<NoiseLevel>> {
        let name = match covariance {
            Values::File(name) => name.as_str(),
            _ => "noise.covariance",
        };
        let values = covariance.read(&[m, m], files)?.concat();
        expect_length(name, values.len(), m * m)?;
        let rows = values.chunks(m.max(1)).map(<[f64]>::to_vec).collect();
        let loss = Covariance::new(rows, true).map_err(|e| e.within(name))?;
        let loss: Arc<dyn Loss> = Arc::new(loss);
        loss.check(m).map_err(|e| e.within(name))?;
        Ok(shared(&loss, fields, true))
    }

    /// Standard deviations: a single one, or one for each datum that there is.
    fn of_each(&self, name: &str, given: &[f64], targets: &[&[f64]]) -> Result<Vec<NoiseLevel>> {
        let level = |y: &&[f64]| {
            let mut deviations = given.to_vec();
            if given.len() != 1 {
                expect_length(name, given.len(), y.len())?;
                // Where there is no datum, it does not matter how uncertain it would be.
                let places = deviations.iter_mut().zip(y.iter());
                places
                    .filter(|(_, y)| y.is_nan())
                    .for_each(|(deviation, _)| *deviation = 1.0);
            }
            let loss = self.with(deviations).map_err(|e| e.within(name))?;
            loss.check(y.len()).map_err(|e| e.within(name))?;
            Ok(NoiseLevel {
                loss,
                sigma: None,
                known: true,
                plain: false,
            })
        };
        targets.iter().map(level).collect()
    }

    /// The loss for standard deviations of the data, or of their logarithms.
    fn with(&self, deviations: Vec<f64>) -> Result<Arc<dyn Loss>> {
        if !self.multiplicative {
            return Ok(Arc::new(Weighted::half(deviations)?));
        }
        let options = LogNormalOptions::default().with_deviations(deviations);
        Ok(Arc::new(options.with_half(true).build()?))
    }

    /// A loss that was named.
    fn other(
        &self,
        named: &Named,
        m: usize,
        fields: usize,
        registry: &Registry,
    ) -> Result<Vec<NoiseLevel>> {
        let alone = Self {
            robust: Some(named.clone()),
            missing: self.missing,
            ..Self::default()
        };
        if *self != alone {
            return Err(Error::Config {
                what: "noise.robust".to_owned(),
                message: "a robust loss has its own scale, as in { name = \"huber\", delta = 0.1 }; leave out the other noise settings"
                    .to_owned(),
            });
        }
        let loss = registry.losses.make(registry, named)?;
        loss.check(m)?;
        Ok(shared(&loss, fields, false))
    }

    fn level(&self, std: Option<f64>, y: &[f64]) -> Result<NoiseLevel> {
        let seen: Vec<f64> = y.iter().copied().filter(|y| !y.is_nan()).collect();
        let given = std.or_else(|| self.relative.map(|level| level * root_mean_square(&seen)));
        // Data without noise: nothing to weigh them by.
        let sigma = given.filter(|sigma| *sigma > 0.0);
        let loss: Arc<dyn Loss> = match sigma {
            Some(sigma) => self.with(vec![sigma])?,
            None => Arc::new(SquaredError::half()),
        };
        Ok(NoiseLevel {
            loss,
            sigma: given.filter(|_| !self.multiplicative),
            known: sigma.is_some(),
            plain: sigma.is_none(),
        })
    }
}

fn shared(loss: &Arc<dyn Loss>, fields: usize, known: bool) -> Vec<NoiseLevel> {
    let level = || NoiseLevel {
        loss: Arc::clone(loss),
        sigma: None,
        known,
        plain: false,
    };
    (0..fields).map(|_| level()).collect()
}
