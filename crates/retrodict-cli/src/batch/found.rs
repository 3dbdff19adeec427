//! What a line of the table found, by name: values of x and quantities that follow from them.

use serde::Serialize;

use crate::inversion::Answer;

/// A value that was found, with its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// Its name; `x1`, `x2`, … where nothing has a name.
    pub name: String,
    /// The value.
    pub value: f64,
    /// Its standard deviation; infinite where the data do not determine it, nothing where it was not computed.
    #[serde(serialize_with = "infinite_as_null")]
    pub deviation: Option<f64>,
}

fn infinite_as_null<S: serde::Serializer>(
    deviation: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    deviation.filter(|d| d.is_finite()).serialize(serializer)
}

/// The values of x, where it has few, and then the tied parameters and derived quantities.
pub fn found(answer: &Answer) -> Vec<Found> {
    let deviations = answer.deviations();
    let of_x = answer.x.iter().flatten().enumerate();
    let of_x = of_x.map(|(i, value)| {
        let name = answer.names.get(i).cloned();
        let known = deviations.as_ref().and_then(|all| all.get(i).copied());
        Found {
            name: name.unwrap_or_else(|| format!("x{}", i + 1)),
            value: *value,
            deviation: known.map(|d| d.unwrap_or(f64::INFINITY)),
        }
    });
    let quantities = answer.statistics.iter().flat_map(|s| &s.quantities);
    let follow = quantities.filter(|quantity| quantity.formula.is_some());
    let follow = follow.map(|quantity| Found {
        name: quantity.name.clone(),
        value: quantity.value,
        deviation: Some(quantity.deviation.unwrap_or(f64::INFINITY)),
    });
    of_x.chain(follow).collect()
}

/// The names of several lines, each once, in the order in which they come.
pub fn names<'a>(lines: impl Iterator<Item = &'a [Found]>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for found in lines.flatten() {
        if !names.contains(&found.name) {
            names.push(found.name.clone());
        }
    }
    names
}

/// The value of that name.
pub fn named<'a>(found: &'a [Found], name: &str) -> Option<&'a Found> {
    found.iter().find(|found| found.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_different_problems_are_joined() {
        let one = |name: &str| Found {
            name: name.to_owned(),
            value: 1.0,
            deviation: None,
        };
        let (first, second) = ([one("a"), one("b")], [one("b"), one("c")]);
        let all = names([&first[..], &second[..]].into_iter());
        assert_eq!(all, ["a", "b", "c"]);
        assert_eq!(named(&second, "a"), None);
    }
}
