use retrodict::statistics::{Noise, Statistics};
use retrodict::{Bounds, Problem};

/// Beyond so many unseen directions their names are no reading.
const NAMED: usize = 20;
/// So many sentences, and so many names of unknowns on their bounds, are kept.
const SENTENCES: usize = 8;

/// What is not seen, and what to be wary of.
pub fn words(found: &Statistics, names: &[String], problem: &Problem) -> Vec<String> {
    let (unseen, n) = (found.unseen.rows(), names.len());
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
    words.extend(
        problem
            .bounds()
            .and_then(|bounds| at_bounds(bounds, &found.parameters, names)),
    );
    words
}

/// Which unknowns lie on their bounds, where intervals that know of none say little.
fn at_bounds(bounds: &Bounds, x: &[f64], names: &[String]) -> Option<String> {
    let side = |values: &[f64], i: usize| match values {
        [] => None,
        [one] => Some(*one),
        each => each.get(i).copied(),
    };
    let held = |i: &usize| {
        [&bounds.lower, &bounds.upper]
            .iter()
            .any(|s| side(s, *i) == Some(x[*i]))
    };
    let held: Vec<&str> = (0..x.len())
        .filter(held)
        .map(|i| names[i].as_str())
        .collect();
    let (shown, more) = (
        held.iter().take(SENTENCES),
        held.len().saturating_sub(SENTENCES),
    );
    let list = shown.copied().collect::<Vec<_>>().join(", ");
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!held.is_empty())
        .then(|| format!("on their bounds, of which intervals know nothing: {list}{more}"))
}
