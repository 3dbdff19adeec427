//! Keeps the checkpoint of an inversion in its folder, every so often and at the end.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::failure::Outcome;
use crate::inversion::{CheckpointFile, Run};
use crate::terminal::interrupt;

/// Keeps a checkpoint in a folder while runs go on.
pub struct Keeper {
    /// How often.
    pub every: Duration,
    folder: PathBuf,
    state: Mutex<Kept>,
}

/// Where the runs stand.
struct Kept {
    checkpoint: CheckpointFile,
    written: Instant,
    /// Whether the file is behind.
    behind: bool,
}

impl Keeper {
    /// Begins with where the runs stand, and writes that at once.
    pub fn start(folder: &Path, every: Duration, checkpoint: CheckpointFile) -> Outcome<Self> {
        checkpoint.write(folder)?;
        Ok(Self {
            every,
            folder: folder.to_owned(),
            state: Mutex::new(Kept {
                checkpoint,
                written: Instant::now(),
                behind: false,
            }),
        })
    }

    /// Takes where a run stands, and writes it if it is time to or the run has ended. After an interruption it waits for
    /// [`Keeper::finish`]: a checkpoint may be large, and x is to be written before it.
    pub fn keep(&self, index: usize, run: &Run) {
        let mut kept = self
            .state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        kept.checkpoint.runs[index] = run.clone();
        if interrupt::raised() {
            kept.behind = true;
        } else if run.ended.is_some() || kept.written.elapsed() >= self.every {
            kept.write(&self.folder);
        }
    }

    /// Writes what an interruption left to be written.
    pub fn finish(self) {
        let mut kept = self
            .state
            .into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if kept.behind {
            kept.write(&self.folder);
        }
    }
}

impl Kept {
    fn write(&mut self, folder: &Path) {
        self.written = Instant::now();
        self.behind = false;
        if let Err(failure) = self.checkpoint.write(folder) {
            eprintln!("note: {failure}");
        }
    }
}
