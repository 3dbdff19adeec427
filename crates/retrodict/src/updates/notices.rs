//! The notices of a run, counted by kind, with the first error behind them.

use std::borrow::Cow;

use super::Notice;
use crate::error::Error;

/// What rules did instead of their formulas during a run: each notice with its count, and the first error behind one.
///
/// A run keeps that error as it is; stored runs keep its text (`E = String`).
#[derive(Debug, Clone, PartialEq)]
pub struct Notices<E = Error> {
    counts: Vec<(Cow<'static, str>, u64)>,
    first_error: Option<E>,
}

impl<E> Default for Notices<E> {
    fn default() -> Self {
        Self {
            counts: Vec::new(),
            first_error: None,
        }
    }
}

impl<E> Notices<E> {
    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.first_error.is_none()
    }

    /// The notices in the order in which they first occurred, each with its count.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, u64)> {
        self.counts.iter().map(|(text, count)| (&**text, *count))
    }

    /// The first error that made a rule depart from its formula, if any.
    pub fn first_error(&self) -> Option<&E> {
        self.first_error.as_ref()
    }

    /// Counts a notice once more.
    pub fn note(&mut self, notice: Notice) {
        self.count(Cow::Borrowed(notice.0), 1);
    }

    /// Keeps an error, unless there was one before.
    pub fn fail(&mut self, error: Option<E>) {
        if self.first_error.is_none() {
            self.first_error = error;
        }
    }

    fn count(&mut self, text: Cow<'static, str>, times: u64) {
        match self.counts.iter_mut().find(|(known, _)| *known == text) {
            Some((_, count)) => *count += times,
            None => self.counts.push((text, times)),
        }
    }
}

impl<E: Clone> Notices<E> {
    /// Adds what was noted later, or elsewhere.
    pub fn merge(&mut self, later: &Self) {
        for (text, times) in &later.counts {
            self.count(text.clone(), *times);
        }
        if self.first_error.is_none() {
            self.first_error.clone_from(&later.first_error);
        }
    }
}

impl Notices {
    /// The same with the text of the first error.
    pub fn to_text(&self) -> Notices<String> {
        Notices {
            counts: self.counts.clone(),
            first_error: self.first_error.as_ref().map(Error::to_string),
        }
    }
}

impl Notices<String> {
    /// Of the parts that files keep: notices with their counts, and the text of the first error.
    pub fn from_parts(counts: Vec<(String, u64)>, first_error: Option<String>) -> Self {
        let counts = counts.into_iter().map(|(text, n)| (text.into(), n));
        Self {
            counts: counts.collect(),
            first_error,
        }
    }

    /// The parts that files keep.
    pub fn into_parts(self) -> (Vec<(String, u64)>, Option<String>) {
        let counts = self.counts.into_iter();
        let counts = counts.map(|(text, n)| (text.into_owned(), n)).collect();
        (counts, self.first_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BENT: Notice = Notice("bent");
    const BROKEN: Notice = Notice("broken");

    #[test]
    fn notices_are_counted_in_their_order_and_the_first_error_stays() {
        let mut first = Notices::<Error>::default();
        assert!(first.is_empty());
        first.note(BENT);
        first.note(BROKEN);
        first.fail(Some(Error::simulation("sine", "one")));
        first.fail(Some(Error::simulation("sine", "two")));
        first.note(BENT);
        let mut all = Notices::from_parts(vec![("broken".to_owned(), 3)], None);
        all.merge(&first.to_text());
        let told = all.iter().collect::<Vec<_>>();
        assert_eq!(told, [("broken", 4), ("bent", 2)]);
        assert!(all.first_error().is_some_and(|why| why.contains("one")));
        let (counts, error) = all.clone().into_parts();
        assert_eq!(Notices::from_parts(counts, error), all);
    }
}
