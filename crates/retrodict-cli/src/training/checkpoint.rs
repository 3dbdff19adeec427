//! The checkpoint of a method with one seed, in a file: enough to go on as if it had never stopped.

use retrodict::StatusKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Diagnosis;
use crate::data::sealed;
use crate::failure::Outcome;

/// The first bytes of such a file; the digit changes with the format.
const MAGIC: &[u8; 8] = b"retrdct2";

/// One method with one seed, stopped somewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The method's name.
    pub method: String,
    /// Which of its seeds, from 0.
    pub seed: u64,
    /// The state of the training.
    pub state: retrodict::training::Checkpoint,
    /// Where files of 0.1 hold the rule's memory; empty since, as `state` has it.
    rule: Vec<u8>,
    /// What was seen of network and physics on the way.
    pub diagnosis: Diagnosis,
    /// How it ended, in a word and a sentence; nothing while it goes on.
    pub ended: Option<(StatusKind, String)>,
}

impl Checkpoint {
    /// A method with one of its seeds, which stands somewhere.
    pub fn new(method: &str, seed: u64, state: retrodict::training::Checkpoint) -> Self {
        Self {
            method: method.to_owned(),
            seed,
            state,
            rule: Vec::new(),
            diagnosis: Diagnosis::default(),
            ended: None,
        }
    }

    /// The file of a method and a seed within a run's folder.
    pub fn path(folder: &Path, method: &str, seed: u64) -> PathBuf {
        folder.join(format!("{}-{seed}.checkpoint", file_name(method)))
    }

    /// Whether there is nothing left to do; what failed is tried again.
    pub fn has_ended(&self) -> bool {
        let ended = self.ended.as_ref();
        ended.is_some_and(|(status, _)| *status != StatusKind::Failed)
    }

    /// Writes it, whole or not at all.
    pub fn write(&self, folder: &Path) -> Outcome<()> {
        sealed::write(&Self::path(folder, &self.method, self.seed), MAGIC, self)
    }

    /// Reads it again.
    pub fn read(path: &Path) -> Outcome<Self> {
        let mut read: Self =
            sealed::read(path, MAGIC, "`retrodict resume` starts this method again")?;
        if read.state.rule.is_empty() {
            read.state.rule = std::mem::take(&mut read.rule);
        }
        Ok(read)
    }
}

/// A method's name as part of a file's.
pub fn file_name(method: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
    method.to_lowercase().chars().map(plain).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let theta = vec![0.1, f64::MIN_POSITIVE, -3.0];
        let mut state = retrodict::training::Checkpoint::at(theta);
        state.rule = vec![1, 2, 3];
        Checkpoint::new("HIG κ=½", 2, state)
    }

    #[test]
    fn what_is_written_comes_back_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let written = checkpoint();
        written.write(folder.path()).unwrap();
        let path = Checkpoint::path(folder.path(), &written.method, written.seed);
        let again = Checkpoint::read(&path).unwrap();
        assert_eq!(again.state, written.state);
        assert_eq!((again.seed, again.state.rule), (2, vec![1, 2, 3]));
        let whole = std::fs::read(&path).unwrap();
        for cut in [0, 5, 10, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(Checkpoint::read(&path).is_err(), "cut at {cut}");
        }
        for place in [0, 9, 20, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[place] ^= 4;
            std::fs::write(&path, &bytes).unwrap();
            let message = Checkpoint::read(&path).unwrap_err().to_string();
            assert!(message.contains("starts this method again"), "{message}");
        }
    }
}
