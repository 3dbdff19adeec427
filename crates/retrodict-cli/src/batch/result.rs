//! The result file of one problem of a batch.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::BatchProblem;
use crate::data::durable::replace;
use crate::data::sealed::checksum;
use crate::data::{self, Array, Depth};
use crate::failure::{Failure, Outcome};
use crate::inversion::Answer;
use crate::results::folder;

/// What became of one problem: its file, and all that `collect` needs of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Solved {
    /// The problem's name.
    pub name: String,
    /// What was set.
    pub settings: Vec<(String, Value)>,
    /// What was solved, settings, data and all: another number, another problem.
    pub fingerprint: String,
    /// Why nothing was found, if so.
    pub error: Option<String>,
    /// What was found for each field.
    pub fields: Vec<Answer>,
    /// The file of x beside this one, where x has many values.
    pub x: Option<String>,
}

/// What a problem's file holds.
pub enum Stored {
    /// There is none yet.
    Nothing,
    /// It is damaged, for this reason.
    Damaged(String),
    /// A result.
    Result(Box<Solved>),
}

/// Where the results are.
pub fn folder_of(out: &Path) -> PathBuf {
    out.join("results")
}

impl Solved {
    /// A problem that failed.
    pub fn failed(point: &BatchProblem, fingerprint: String, why: &Failure) -> Self {
        Self {
            error: Some(why.to_string()),
            ..Self::new(point, fingerprint, Vec::new())
        }
    }

    /// A problem that was solved, however it ended.
    pub fn new(point: &BatchProblem, fingerprint: String, fields: Vec<Answer>) -> Self {
        let settings = point.settings.iter();
        Self {
            name: point.name.clone(),
            settings: settings
                .map(|(key, value)| (key.clone(), serde_json::to_value(value).unwrap_or_default()))
                .collect(),
            fingerprint,
            error: None,
            fields,
            x: None,
        }
    }

    /// Writes x, where it is long, and then the result: each whole or not at all.
    pub fn write(&mut self, out: &Path, x: Option<&Array>) -> Outcome<()> {
        let folder = folder_of(out);
        if let Some(x) = x.filter(|_| self.fields.iter().any(|field| field.x.is_none())) {
            let name = format!("{}.npy", self.name);
            data::write(&folder.join(&name), x, Depth::Sixteen)?;
            self.x = Some(name);
        }
        let result = serde_json::to_value(&*self)
            .map_err(|e| Failure::Broken(format!("cannot encode a result: {e}")))?;
        let document = json!({ "checksum": sum(&result), "result": result });
        let path = folder.join(format!("{}.json", self.name));
        replace(&path, folder::json(&document)?.as_bytes())
    }

    /// Reads a problem's file; what was cut short or changed is no result.
    pub fn read(out: &Path, name: &str) -> Stored {
        let path = folder_of(out).join(format!("{name}.json"));
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Stored::Nothing,
            Err(e) => return Stored::Damaged(e.to_string()),
        };
        let document: Value = match serde_json::from_slice(&bytes) {
            Ok(document) => document,
            Err(e) => return Stored::Damaged(e.to_string()),
        };
        let result = &document["result"];
        if document["checksum"].as_str() != Some(&sum(result)) {
            return Stored::Damaged("the checksum does not match".to_owned());
        }
        match serde_json::from_value::<Self>(result.clone()) {
            Ok(solved) if solved.x_is_missing(out) => {
                Stored::Damaged("its x is missing".to_owned())
            }
            Ok(solved) => Stored::Result(Box::new(solved)),
            Err(e) => Stored::Damaged(e.to_string()),
        }
    }

    fn x_is_missing(&self, out: &Path) -> bool {
        let x = self.x.as_ref().map(|name| folder_of(out).join(name));
        x.is_some_and(|path| !path.exists())
    }
}

/// The checksum of a result, as it stands in a file without blanks.
fn sum(result: &Value) -> String {
    format!("{:08x}", checksum(result.to_string().as_bytes()))
}
