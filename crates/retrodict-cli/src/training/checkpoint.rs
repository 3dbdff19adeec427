//! Where a training stands, in a file: enough to go on as if it had never stopped.

use std::path::{Path, PathBuf};

use flate2::Crc;
use retrodict::training::State;
use serde::{Deserialize, Serialize};

use super::Diagnosis;
use crate::data::replace;
use crate::failure::{Failure, Outcome};

/// The first bytes of such a file; the digit changes with the format.
const MAGIC: &[u8; 8] = b"retrdct1";

/// One method with one seed, stopped somewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The method's name.
    pub method: String,
    /// Which of its seeds, from 0.
    pub seed: u64,
    /// θ, history and where the data stand.
    pub state: State,
    /// What the rule remembers.
    pub rule: Vec<u8>,
    /// What was seen of network and physics on the way.
    pub diagnosis: Diagnosis,
    /// How it ended, in a word and a sentence; nothing while it goes on.
    pub ended: Option<(String, String)>,
}

impl Checkpoint {
    /// The file of a method and a seed within a run's folder.
    pub fn path(folder: &Path, method: &str, seed: u64) -> PathBuf {
        folder.join(format!("{}-{seed}.checkpoint", file_name(method)))
    }

    /// Writes it, whole or not at all: magic, checksum, length, content.
    pub fn write(&self, folder: &Path) -> Outcome<()> {
        let content = rmp_serde::to_vec(self)
            .map_err(|e| Failure::Broken(format!("cannot encode a checkpoint: {e}")))?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(checksum(&content).to_le_bytes());
        bytes.extend(content);
        replace(&Self::path(folder, &self.method, self.seed), &bytes)
    }

    /// Reads it again.
    pub fn read(path: &Path) -> Outcome<Self> {
        let bytes = std::fs::read(path).map_err(|e| Failure::unreadable(path, e))?;
        let damaged = |why: &str| {
            Failure::unreadable(
                path,
                format!("{why}; delete the file, and `retrodict resume` begins this method anew"),
            )
        };
        let content = bytes
            .strip_prefix(MAGIC)
            .ok_or_else(|| damaged("it is no checkpoint of this version"))?;
        let (sum, content) = content
            .split_first_chunk::<4>()
            .ok_or_else(|| damaged("it is cut short"))?;
        if u32::from_le_bytes(*sum) != checksum(content) {
            return Err(damaged("it is damaged: the checksum does not fit"));
        }
        rmp_serde::from_slice(content).map_err(|e| damaged(&format!("it cannot be read ({e})")))
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
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
        Checkpoint {
            method: "HIG κ=½".to_owned(),
            seed: 2,
            state: State::new(vec![0.1, f64::MIN_POSITIVE, -3.0]),
            rule: vec![1, 2, 3],
            diagnosis: Diagnosis::default(),
            ended: None,
        }
    }

    #[test]
    fn what_is_written_comes_back_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let written = checkpoint();
        written.write(folder.path()).unwrap();
        let path = Checkpoint::path(folder.path(), &written.method, written.seed);
        let again = Checkpoint::read(&path).unwrap();
        assert_eq!(again.state, written.state);
        assert_eq!((again.seed, again.rule), (2, vec![1, 2, 3]));
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
            assert!(message.contains("begins this method anew"), "{message}");
        }
    }
}
