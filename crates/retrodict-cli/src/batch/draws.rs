//! Values that a sweep draws.

use serde::Deserialize;
use toml::{Table, Value};

use super::listing::Listing;
use crate::failure::Outcome;
use retrodict::core::random::Random;

/// Which values of some settings are tried.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draws {
    /// Every combination, or draws.
    #[serde(default)]
    kind: Kind,
    /// How many draws.
    #[serde(default)]
    count: Option<usize>,
    /// Their seed.
    #[serde(default)]
    seed: u64,
    /// A list of values, or a range, for each key.
    over: Table,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    #[default]
    Grid,
    Random,
}

/// `{ from = 1e-4, to = 1, count = 5, scale = "log" }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SweepRange {
    from: f64,
    to: f64,
    #[serde(default)]
    count: Option<usize>,
    #[serde(default)]
    scale: Scale,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Scale {
    #[default]
    Linear,
    Log,
}

/// What a key may be set to.
enum Values {
    List(Vec<Value>),
    Range(SweepRange),
}

/// What is wrong with a sweep, and the key at which it is.
#[derive(Debug)]
struct Wrong {
    key: String,
    why: String,
}

impl Wrong {
    fn at(key: &str, why: String) -> Self {
        let key = key.to_owned();
        Self { key, why }
    }

    fn over(key: &str, why: String) -> Self {
        Self::at(&format!("over.{key}"), why)
    }
}

impl Draws {
    /// The settings of each point.
    pub fn all(&self, listing: &Listing<'_>) -> Outcome<Vec<Vec<(String, Value)>>> {
        let wrong = |Wrong { key, why }: Wrong| listing.wrong(&["sweep", &key], why);
        self.points().map_err(wrong)
    }

    fn points(&self) -> Result<Vec<Vec<(String, Value)>>, Wrong> {
        let mut axes = Vec::new();
        read(&self.over, "", &mut axes)?;
        if axes.is_empty() {
            return Err(Wrong::at(
                "over",
                "the sweep has no settings; write, for example, [sweep.over] with nu_t = [1.0, 2.0]".to_owned(),
            ));
        }
        let of_count = |why: String| Wrong::at("count", why);
        match (self.kind, self.count) {
            (Kind::Grid, None) => grid(&axes),
            (Kind::Grid, Some(count)) => Err(of_count(format!(
                "sweep.count = {count}: the number of points of a grid follows from its values; leave it out, or \
                 choose kind = \"random\""
            ))),
            (Kind::Random, Some(count)) if count > 0 => {
                within_limit(Some(count)).map_err(|why| of_count(format!("sweep.count: {why}")))?;
                Ok((0..count).map(|i| self.draw(i, &axes)).collect())
            }
            (Kind::Random, _) => Err(of_count(
                "a random sweep needs sweep.count, the number of draws, at least 1".to_owned(),
            )),
        }
    }

    /// The i-th draw; it depends on the seed and on i alone.
    fn draw(&self, i: usize, axes: &[(String, Values)]) -> Vec<(String, Value)> {
        let mut random = Random::stream(self.seed, 1000 + i as u64);
        axes.iter()
            .map(|(key, values)| {
                let value = match values {
                    Values::List(list) => list[random.count(0, list.len() - 1)].clone(),
                    Values::Range(range) => Value::Float(range.at(random.between(0.0, 1.0))),
                };
                (key.clone(), value)
            })
            .collect()
    }
}

impl SweepRange {
    /// The value at a share t of the way.
    fn at(&self, t: f64) -> f64 {
        match self.scale {
            Scale::Linear => self.from + t * (self.to - self.from),
            // The ends are met to the last digit, and whole decades too.
            Scale::Log if t == 1.0 => self.to,
            Scale::Log => self.from * 10.0_f64.powf(t * (self.to / self.from).log10()),
        }
    }

    fn check(&self, key: &str) -> Result<(), Wrong> {
        let wrong = |why: &str| Err(Wrong::over(key, format!("the sweep over '{key}': {why}")));
        if !(self.from.is_finite() && self.to.is_finite()) {
            return wrong("both ends must be finite");
        }
        if self.scale == Scale::Log && !(self.from > 0.0 && self.to > 0.0) {
            return wrong("a logarithmic scale needs both ends greater than 0");
        }
        if self.count.is_some_and(|count| count < 2) {
            return wrong("a range has at least 2 points; write one value as a list, [1.0]");
        }
        Ok(())
    }
}

/// Keys may be written with dots or as tables; a table with `from` is a range.
fn read(over: &Table, outer: &str, axes: &mut Vec<(String, Values)>) -> Result<(), Wrong> {
    for (key, value) in over {
        let key = if outer.is_empty() {
            key.clone()
        } else {
            format!("{outer}.{key}")
        };
        match value {
            Value::Array(list) if list.is_empty() => {
                let why =
                    format!("the sweep over '{key}' has no values; write, for example, [1.0, 2.0]");
                return Err(Wrong::over(&key, why));
            }
            Value::Array(list) => axes.push((key, Values::List(list.clone()))),
            Value::Table(table) if table.contains_key("from") => {
                let range: Result<SweepRange, toml::de::Error> = table.clone().try_into();
                let range = range.map_err(|e| {
                    let why = retrodict::options::explain(&e.to_string());
                    Wrong::over(&key, format!("the sweep over '{key}': {why}"))
                })?;
                range.check(&key)?;
                axes.push((key, Values::Range(range)));
            }
            Value::Table(table) => read(table, &key, axes)?,
            other => {
                let why = format!(
                    "the sweep over '{key}' = {other}: write a list of values, or a range such as \
                     {{ from = 1e-4, to = 1.0, count = 5, scale = \"log\" }}"
                );
                return Err(Wrong::over(&key, why));
            }
        }
    }
    Ok(())
}

/// The most problems of a batch: each has a file of its own.
const PROBLEMS: usize = 100_000;

/// Refuses more problems than a batch may have; `None` stands for a number that is beyond all numbers.
pub fn within_limit(count: Option<usize>) -> Result<(), String> {
    match count {
        Some(count) if count <= PROBLEMS => Ok(()),
        found => {
            let found = found.map_or_else(|| "more than 2^64".to_owned(), |n| n.to_string());
            Err(format!(
                "found {found} problems, but a batch has at most {PROBLEMS}; use fewer, or make several batches"
            ))
        }
    }
}

fn grid(axes: &[(String, Values)]) -> Result<Vec<Vec<(String, Value)>>, Wrong> {
    let mut sizes = axes.iter().map(|(_, values)| match values {
        Values::List(list) => list.len(),
        Values::Range(range) => range.count.unwrap_or(1),
    });
    within_limit(sizes.try_fold(1_usize, |all, n| all.checked_mul(n)))
        .map_err(|why| Wrong::at("over", format!("the sweep: {why}")))?;
    let mut points = vec![Vec::new()];
    for (key, values) in axes {
        let values: Vec<Value> = match values {
            Values::List(list) => list.clone(),
            Values::Range(range) => {
                let count = range.count.ok_or_else(|| {
                    let why = format!(
                        "the sweep over '{key}': a range in a grid needs its count, at least 2"
                    );
                    Wrong::over(key, why)
                })?;
                let share = |i: usize| i as f64 / (count - 1) as f64;
                (0..count)
                    .map(|i| Value::Float(range.at(share(i))))
                    .collect()
            }
        };
        points = points
            .into_iter()
            .flat_map(|point: Vec<(String, Value)>| {
                values.iter().map(move |value| {
                    let mut point = point.clone();
                    point.push((key.clone(), value.clone()));
                    point
                })
            })
            .collect();
    }
    Ok(points)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn all(text: &str) -> Outcome<Vec<Vec<(String, Value)>>> {
        let listing = Listing {
            name: "b.toml",
            text,
        };
        toml::from_str::<Draws>(text).unwrap().all(&listing)
    }

    #[test]
    fn a_grid_has_every_combination() {
        let points =
            all("over = { a = [1, 2], b = { from = 1e-2, to = 1.0, count = 3, scale = 'log' } }");
        let points = points.unwrap();
        let b = |i: usize| points[i][1].1.as_float().unwrap();
        assert_eq!(points.len(), 6);
        assert_eq!(points[0][0], ("a".to_owned(), Value::Integer(1)));
        assert_eq!(points[5][0].1, Value::Integer(2));
        assert_eq!((b(0), b(2)), (1e-2, 1.0));
        assert!((b(1) - 0.1).abs() < 1e-15);
    }

    #[test]
    fn draws_depend_on_the_seed_and_stay_within_their_range() {
        let text = |seed: u64| {
            format!(
                "kind = 'random'\ncount = 50\nseed = {seed}\n[over]\nrule.c = [1, 2]\n\
                 rule.x = {{ from = -1.0, to = 3.0 }}\nrule.y = {{ from = 1e-6, to = 1.0, scale = 'log' }}"
            )
        };
        let points = all(&text(1)).unwrap();
        assert_eq!(points, all(&text(1)).unwrap());
        assert_ne!(points, all(&text(2)).unwrap());
        let column = |i: usize| points.iter().map(move |p| p[i].1.as_float().unwrap());
        assert_eq!(points[0][1].0, "rule.x");
        assert!(column(1).all(|x| (-1.0..3.0).contains(&x)) && column(1).any(|x| x < 0.0));
        // Half of them lie in the lower half of the decades.
        let low = column(2).filter(|y| *y < 1e-3).count();
        assert!((15..=35).contains(&low), "{low}");
    }

    #[test]
    fn ranges_that_cannot_be_are_refused() {
        for (text, part) in [
            (
                "over = { a = { from = 0.0, to = 1.0, count = 3, scale = 'log' } }",
                "greater than 0",
            ),
            ("over = { a = { from = 0.0, to = 1.0 } }", "needs its count"),
            (
                "over = { a = { from = 0.0, to = 1.0, count = 1 } }",
                "at least 2 points",
            ),
            (
                "over = { a = { from = 0.0, two = 1.0 } }",
                "unknown key 'two'",
            ),
            ("over = { a = 3 }", "a list of values"),
            ("over = {}", "has no settings"),
            ("kind = 'random'\nover = { a = [1] }", "sweep.count"),
            (
                "kind = 'random'\ncount = 9223372036854775807\nover = { a = [1] }",
                "sweep.count: found 9223372036854775807 problems, but a batch has at most 100000",
            ),
            (
                "over = { a = { from = 0.0, to = 1.0, count = 9223372036854775807 } }",
                "at most 100000",
            ),
            (
                "over = { a = { from = 0.0, to = 1.0, count = 4294967296 }, b = { from = 0.0, to = 1.0, count = \
                 4294967296 }, c = [1, 2] }",
                "found more than 2^64 problems",
            ),
            (
                "count = 3\nover = { a = [1] }",
                "the number of points of a grid",
            ),
        ] {
            let message = all(text).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
