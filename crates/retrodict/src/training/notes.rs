//! What rules note while samples are corrected on several threads.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::updates::Notice;

/// Where rules fell back from their formulas within a step, whichever thread saw it.
#[derive(Debug, Default)]
pub struct Notes(Mutex<Noted>);

#[derive(Debug, Default)]
pub(super) struct Noted {
    /// How often for each notice, in an order that no thread decides.
    pub(super) counts: BTreeMap<&'static str, u64>,
    /// The first sample at which an error was the cause, and that error.
    pub(super) first_error: Option<(usize, String)>,
}

impl Notes {
    /// Takes what a rule noted at a sample, so often, with the error behind it if there was one.
    pub fn take(&self, sample: usize, notices: &[(Notice, usize)], first_error: Option<&Error>) {
        if notices.is_empty() && first_error.is_none() {
            return;
        }
        let mut noted = self.lock();
        for (notice, count) in notices {
            *noted.counts.entry(notice.0).or_default() += *count as u64;
        }
        if let Some(error) = first_error
            && noted
                .first_error
                .as_ref()
                .is_none_or(|(first, _)| sample < *first)
        {
            noted.first_error = Some((sample, error.to_string()));
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
