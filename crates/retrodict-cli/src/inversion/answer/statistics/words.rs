//! What statistics say, in sentences.

use retrodict::Problem;
use retrodict::uncertainty::statistics::{Noise, Statistics};

/// Beyond so many unseen directions their names are no reading.
const NAMED: usize = 20;
/// So many sentences are kept.
const SENTENCES: usize = 8;

/// What is not identifiable, and other caveats.
pub fn words(found: &Statistics, names: &[String], problem: &Problem) -> Vec<String> {
    let (unseen, n) = (found.unseen.rows(), found.free());
    let mut words = Vec::new();
    if unseen > 0 {
        let source = match problem.priors().is_empty() {
            true => "the data",
            false => "data and prior",
        };
        let (is, keeps) = match unseen {
            1 => ("is", "value"),
            _ => ("are", "values"),
        };
        words.push(format!(
            "{unseen} of {n} directions in x {is} not identifiable from {source} (null space of J); x keeps its \
             starting {keeps} there"
        ));
    }
    if unseen <= NAMED {
        words.extend(found.in_words(names));
    }
    if words.len() > SENTENCES {
        let more = words.len() - SENTENCES;
        words.truncate(SENTENCES);
        words.push(format!("and {more} more of this kind"));
    }
    if found.noise == Noise::Estimated && found.degrees_of_freedom == 0 {
        words.push(
            "no degrees of freedom are left to estimate the noise level from, so all intervals are infinite; give \
             the noise level, as in --noise-std 0.1"
                .to_owned(),
        );
    }
    words.extend(found.bounds_in_words(names));
    words
}
