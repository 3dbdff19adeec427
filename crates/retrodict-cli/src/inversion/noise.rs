use std::sync::Arc;

use crate::registry;
use retrodict::Loss;
use retrodict::error::expect_length;
use retrodict::losses::{Covariance, LogNormal, SquaredError, Weighted};
use retrodict::options::deviation;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::data;
use crate::failure::{Failure, Outcome};
use crate::generate::rms;

/// What is known of the noise in y*: nothing, or one of these.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Noise {
    /// Its standard deviation, in the unit of y.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std: Option<f64>,
    /// Its standard deviation, relative to the target's root mean square.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative: Option<f64>,
    /// A file with the standard deviation of each datum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std_file: Option<String>,
    /// A file with its covariance matrix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covariance: Option<String>,
    /// Whether it multiplies the data: `std` is then the deviation of ln y.
    #[serde(skip_serializing_if = "is_false")]
    pub multiplicative: bool,
    /// Whether NaN in the target says that a value was not observed.
    #[serde(skip_serializing_if = "is_false")]
    pub missing: bool,
    /// A loss that outliers do not rule: `name` and options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub robust: Option<Table>,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// The noise of one field.
pub struct Level {
    /// The loss that belongs to it.
    pub loss: Arc<dyn Loss>,
    /// The standard deviation, where one number holds for all data.
    pub sigma: Option<f64>,
    /// Whether anything is known of it.
    pub known: bool,
}

impl Noise {
    /// Reads what its files hold, for fields of data of a shape.
    pub fn levels(&self, fields: &[&[f64]], shape: &[usize]) -> Outcome<Vec<Level>> {
        let m = fields.first().map_or(0, |y| y.len());
        let given = [
            self.std.is_some(),
            self.relative.is_some(),
            self.std_file.is_some(),
            self.covariance.is_some(),
        ];
        if given.iter().filter(|given| **given).count() > 1 {
            return Err(Failure::Misuse(
                "the noise is given more than once; keep one of noise.std, noise.relative, \
                 noise.std_file and noise.covariance"
                    .to_owned(),
            ));
        }
        if let Some(robust) = &self.robust {
            return self.robust(robust, m, fields.len());
        }
        if self.multiplicative && self.std.is_none() && self.std_file.is_none() {
            return Err(Failure::Misuse(
                "multiplicative noise needs noise.std or noise.std_file, the standard deviation of ln y"
                    .to_owned(),
            ));
        }
        for (key, level) in [("noise.std", self.std), ("noise.relative", self.relative)] {
            level.map_or(Ok(()), |level| deviation(key, level))?;
        }
        if let Some(name) = &self.std_file {
            return self
                .of_each(name, fields, shape)
                .map_err(|error| error.within(name));
        }
        if let Some(name) = &self.covariance {
            let array = data::read(name)?;
            expect_length(name, array.values.len(), m * m)?;
            data::split(&array, &[m, m], name)?;
            let rows = array.values.chunks(m.max(1)).map(<[f64]>::to_vec).collect();
            let loss = Covariance::new(rows, true);
            return shared(Arc::new(loss), m, fields.len(), true).map_err(|e| e.within(name));
        }
        Ok(fields.iter().map(|y| self.level(y)).collect())
    }

    /// Standard deviations from a file: a single one, or one for each datum that there is.
    fn of_each(&self, name: &str, fields: &[&[f64]], shape: &[usize]) -> Outcome<Vec<Level>> {
        let array = data::read_any_number(name)?;
        if array.values.len() != 1 && !array.columns.is_empty() {
            data::split(&array, shape, name)?;
        }
        let given = array.values;
        let level = |y: &&[f64]| {
            let mut deviations = given.clone();
            if given.len() != 1 {
                expect_length(name, given.len(), y.len())?;
                // Where there is no datum, it does not matter how uncertain it would be.
                let unobserved = y.iter().map(|y| y.is_nan());
                let places = deviations.iter_mut().zip(unobserved);
                places
                    .filter(|(_, unobserved)| *unobserved)
                    .for_each(|(deviation, _)| *deviation = 1.0);
            }
            let loss = self.with(deviations);
            loss.check(y.len())?;
            Ok(Level {
                loss,
                sigma: None,
                known: true,
            })
        };
        fields.iter().map(level).collect()
    }

    /// The loss for standard deviations of the data, or of their logarithms.
    fn with(&self, deviations: Vec<f64>) -> Arc<dyn Loss> {
        let half = true;
        match self.multiplicative {
            true => Arc::new(LogNormal { deviations, half }),
            false => Arc::new(Weighted { deviations, half }),
        }
    }

    fn robust(&self, table: &Table, m: usize, fields: usize) -> Outcome<Vec<Level>> {
        if *self
            != (Self {
                robust: Some(table.clone()),
                missing: self.missing,
                ..Self::default()
            })
        {
            return Err(Failure::Misuse(
                "noise.robust: a robust loss has its own scale, as in { name = \"huber\", delta = 0.1 }; leave out \
                 the other noise settings"
                    .to_owned(),
            ));
        }
        let mut options = table.clone();
        let name = match options.remove("name") {
            Some(Value::String(name)) => name,
            _ => {
                return Err(Failure::Misuse(
                    "noise.robust needs the name of a loss, as in { name = \"huber\", delta = 0.1 }".to_owned(),
                ));
            }
        };
        shared(registry().losses.build(&name, &options)?, m, fields, false)
    }

    fn level(&self, y: &[f64]) -> Level {
        let seen: Vec<f64> = y.iter().copied().filter(|y| !y.is_nan()).collect();
        let told = self
            .std
            .or_else(|| self.relative.map(|level| level * rms(&seen)));
        // Data without noise: nothing to weigh them by.
        let sigma = told.filter(|sigma| *sigma > 0.0);
        let loss: Arc<dyn Loss> = match sigma {
            Some(sigma) => self.with(vec![sigma]),
            None => Arc::new(SquaredError { half: true }),
        };
        Level {
            loss,
            sigma: told.filter(|_| !self.multiplicative),
            known: sigma.is_some(),
        }
    }
}

fn shared(loss: Arc<dyn Loss>, m: usize, fields: usize, known: bool) -> Outcome<Vec<Level>> {
    loss.check(m)?;
    let level = || Level {
        loss: Arc::clone(&loss),
        sigma: None,
        known,
    };
    Ok((0..fields).map(|_| level()).collect())
}
