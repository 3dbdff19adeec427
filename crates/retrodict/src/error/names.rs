//! Names that nothing goes by: the nearest known one, and the one sentence that says so.

use super::Error;

/// `unknown rule 'adm' (did you mean 'adam'?); known: adam, newton`: what every message says of an unknown name.
pub fn unknown<'a, K>(kind: &str, found: &str, known: K) -> String
where
    K: IntoIterator<Item = &'a str>,
    K::IntoIter: Clone,
{
    let known = known.into_iter();
    let near = nearest(found, known.clone());
    let known = known.collect::<Vec<_>>().join(", ");
    sentence(kind, found, near, &known)
}

impl Error {
    /// A name that is none of those known.
    pub fn unknown<'a, K>(kind: &'static str, found: &str, known: K) -> Self
    where
        K: IntoIterator<Item = &'a str>,
        K::IntoIter: Clone,
    {
        let known = known.into_iter();
        Self::UnknownName {
            kind,
            found: found.to_owned(),
            nearest: nearest(found, known.clone()).map(str::to_owned),
            known: known.collect::<Vec<_>>().join(", "),
        }
    }
}

/// The same, of what was found before.
pub(super) fn sentence(kind: &str, found: &str, near: Option<&str>, known: &str) -> String {
    let known = match known {
        "" => String::new(),
        known => format!("; known: {known}"),
    };
    format!("unknown {kind} '{found}'{}{known}", did_you_mean(near))
}

/// ` (did you mean 'adam'?)`, or nothing if no known name is near.
pub fn suggestion<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    did_you_mean(nearest(found, known))
}

fn did_you_mean(near: Option<&str>) -> String {
    near.map(|near| format!(" (did you mean '{near}'?)"))
        .unwrap_or_default()
}

/// The name nearest to `found` in edit distance, if any is near enough to be meant.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (edit_distance(found, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().max(found.len()) / 3)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's distance.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_one_slip_away() {
        let known = ["learning_rate", "momentum"];
        assert_eq!(nearest("learnig_rate", known), Some("learning_rate"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }

    #[test]
    fn one_sentence_says_that_a_name_is_unknown() {
        assert_eq!(
            unknown("key", "momentun", ["learning_rate", "momentum"]),
            "unknown key 'momentun' (did you mean 'momentum'?); known: learning_rate, momentum"
        );
        assert_eq!(unknown("key", "colour", []), "unknown key 'colour'");
    }
}
