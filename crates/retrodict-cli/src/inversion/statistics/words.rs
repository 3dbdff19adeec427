use retrodict::Problem;
use retrodict::uncertainty::statistics::{Noise, Statistics};

/// Beyond so many unseen directions their names are no reading.
const NAMED: usize = 20;
/// So many sentences are kept.
const SENTENCES: usize = 8;

/// What is not seen, and what to be wary of.
pub fn words(found: &Statistics, names: &[String], problem: &Problem) -> Vec<String> {
    let (unseen, n) = (found.unseen.rows(), found.free());
    let mut words = Vec::new();
    if unseen > 0 {
        let who = match problem.priors().is_empty() {
            true => "the data do not see",
            false => "data and prior do not determine",
        };
        let things = if unseen == 1 {
            "combination"
        } else {
            "combinations"
        };
        words.push(format!(
            "{who} {unseen} {things} of the {n} unknowns, which stay where the start puts them"
        ));
    }
    if unseen <= NAMED {
        words.extend(found.in_words(names));
    }
    if words.len() > SENTENCES {
        let more = words.len() - SENTENCES;
        words.truncate(SENTENCES);
        words.push(format!("and {more} more like these"));
    }
    if found.noise == Noise::Estimated && found.degrees_of_freedom == 0 {
        words.push(
            "no datum is left over from which to estimate the noise, so that nothing bounds the unknowns; tell the \
             noise, as in --noise-std 0.1"
                .to_owned(),
        );
    }
    words.extend(found.bounds_in_words(names));
    words
}
