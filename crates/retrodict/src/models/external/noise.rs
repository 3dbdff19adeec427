//! The precision of a model's y: from how its values are written, and from how they scatter.

use super::parallel::{self, Evaluate};
use crate::error::{Error, Result};
use crate::linalg::norm;

/// Round-off of a model that computes in `f64`, relative to y.
const ROUND_OFF: f64 = 2.0 * f64::EPSILON;

/// What is so many times larger is no round-off of a model that cancels some of its digits.
const BEYOND: f64 = 32.0;

/// A value of `f32` is rounded by this at most, relative to its size.
const SINGLE: f64 = f32::EPSILON as f64 / 2.0;

/// Values written with more decimal digits than this were not rounded for printing.
const DIGITS: i32 = 11;

/// The standard deviation of what is rounded to multiples of 1.
const OF_ROUNDING: f64 = 0.288_675_134_594_813;

/// Whether a value is one of single precision.
fn single(value: f64) -> bool {
    f64::from(value as f32) == value
}

/// The decimal digits of a value as it is written shortest, and the exponents of its first and last one.
fn decimal(value: f64) -> (i32, i32, i32) {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let count = digits.bytes().filter(u8::is_ascii_digit).count() as i32;
    let first = exponent.parse::<i32>().unwrap_or(0);
    (count, first, first - count + 1)
}

/// The noise of each value of y where all answers of a model are rounded alike: to single precision, to so many
/// decimals or to so many digits. Nothing for answers with all their digits.
pub(super) fn of_rounding(answers: &[&[f64]]) -> Option<Vec<f64>> {
    let values = || answers.iter().flat_map(|y| y.iter()).copied();
    let y = answers.first()?;
    if values().all(|v| v == 0.0) {
        return None;
    }
    let (mut most, mut last) = (0, i32::MAX);
    let few = values().filter(|v| *v != 0.0).all(|v| {
        let (count, _, end) = decimal(v);
        most = most.max(count);
        last = last.min(end);
        count <= DIGITS
    });
    if few {
        // Rounded to decimals, the last place is the same for all; rounded to digits, it goes with the size.
        let place = |v: &f64| {
            let own = match *v == 0.0 {
                true => last,
                false => decimal(*v).1 - most + 1,
            };
            OF_ROUNDING * 10_f64.powi(own.max(last))
        };
        return Some(y.iter().map(place).collect());
    }
    if values().all(single) {
        let largest = y.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
        let size = |v: &f64| SINGLE * v.abs().max(f64::from(f32::EPSILON) * largest);
        return Some(y.iter().map(size).collect());
    }
    None
}

/// The same of one answer, which has to have values enough that they are not round by chance.
pub(super) fn of_many(y: &[f64]) -> Option<Vec<f64>> {
    let values = y.iter().filter(|v| **v != 0.0);
    if values.take(MANY).count() < MANY {
        return None;
    }
    of_rounding(&[y])
}

/// So many values are not all rounded by chance.
const MANY: usize = 5;

/// Round-off of y, as far as nothing else is known.
pub(super) fn of_round_off(y: &[f64]) -> Vec<f64> {
    y.iter().map(|v| ROUND_OFF * v.abs()).collect()
}

/// Whether noise that was measured is more than round-off.
pub(super) fn is_beyond_round_off(measured: &[f64], y: &[f64]) -> bool {
    norm(measured) > BEYOND * norm(&of_round_off(y))
}

/// The noise of y around x, from a few evaluations along a line, at distances of some steps; nothing if it cannot be told.
///
/// # Cost
/// Six evaluations, or twelve where the first were too close together or too far apart.
pub(super) fn around(
    x: &[f64],
    y: &[f64],
    steps: &[f64],
    at_once: usize,
    evaluate: &Evaluate<'_>,
) -> Result<Option<Vec<f64>>> {
    // Signs without a pattern, so that no unknowns cancel.
    let sign = |i: usize| {
        if (1.7 * i as f64 + 0.3).sin() < 0.0 {
            -1.0
        } else {
            1.0
        }
    };
    let mut reach = 16.0;
    let middle = POINTS / 2;
    for _ in 0..3 {
        let points = parallel::each(POINTS, at_once, |k| {
            if k == middle {
                return Ok(y.to_vec());
            }
            let along = reach * (k as f64 - middle as f64);
            let there: Vec<f64> = (0..x.len())
                .map(|i| x[i] + along * sign(i) * steps[i])
                .collect();
            evaluate(&there)
        });
        let points = match points {
            Ok(points) => points,
            Err(Error::Simulation { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        match of_table(&points) {
            Table::Noise(noise) => return Ok(Some(pooled(&noise, y))),
            Table::TooClose => reach *= 32.0,
            Table::TooFar => reach /= 32.0,
        }
    }
    Ok(None)
}

/// One level of noise for every value, from estimates of single ones, of which each tells little: that of the
/// value itself, but no less than the rest have, as an amount or in proportion to y.
fn pooled(single: &[f64], y: &[f64]) -> Vec<f64> {
    let count = (single.len().max(1) as f64).sqrt();
    let amount = norm(single) / count;
    let shares: Vec<f64> = single
        .iter()
        .zip(y)
        .map(|(s, y)| if *y == 0.0 { 0.0 } else { s / y.abs() })
        .collect();
    let share = norm(&shares) / count;
    single
        .iter()
        .zip(y)
        .map(|(s, y)| s.max(amount.min(share * y.abs())))
        .collect()
}

/// Points of a table of differences.
const POINTS: usize = 7;

/// What a table of differences of y tells.
#[derive(Debug, Clone, PartialEq)]
enum Table {
    /// The noise of each value.
    Noise(Vec<f64>),
    /// y hardly changes from point to point: too close together to tell.
    TooClose,
    /// High differences still fall: y bends too much between the points.
    TooFar,
}

/// The noise of y from its values at [`POINTS`] points that follow each other at equal distances: what is left of
/// high differences, in which what is smooth has vanished.
///
/// # Source
/// Moré & Wild, *Estimating computational noise*, SIAM J. Sci. Comput. 33 (2011).
fn of_table(answers: &[Vec<f64>]) -> Table {
    let (count, m) = (answers.len(), answers.first().map_or(0, Vec::len));
    let moved = |i: usize| answers.windows(2).any(|pair| pair[0][i] != pair[1][i]);
    let alive: Vec<usize> = (0..m).filter(|i| moved(*i)).collect();
    let still = |i: &usize| {
        answers
            .windows(2)
            .filter(|pair| pair[0][*i] == pair[1][*i])
            .count()
            * 2
            >= count
    };
    if alive.is_empty() || alive.iter().filter(|i| still(i)).count() * 2 > alive.len() {
        return Table::TooClose;
    }
    // Root mean squares of each order, which for noise are all alike.
    let mut table: Vec<Vec<f64>> = answers.to_vec();
    let mut levels: Vec<Vec<f64>> = Vec::new();
    let mut gamma = 1.0;
    for order in 1..count {
        for k in 0..count - order {
            let next: Vec<f64> = table[k + 1]
                .iter()
                .zip(&table[k])
                .map(|(b, a)| b - a)
                .collect();
            table[k] = next;
        }
        // (k!)² / (2k)!, the inverse of the variance that differences give to noise.
        gamma *= order as f64 / (2.0 * (2.0 * order as f64 - 1.0));
        let of = |i: usize| {
            let squares = (0..count - order)
                .map(|k| table[k][i] * table[k][i])
                .sum::<f64>();
            (gamma * squares / (count - order) as f64).sqrt()
        };
        levels.push((0..m).map(of).collect());
    }
    let middle = |k: usize| norm(&levels[k]);
    let (third, fourth, fifth) = (count - 5, count - 4, count - 3);
    let (a, b, c) = (middle(third), middle(fourth), middle(fifth));
    if a.max(b).max(c) > 4.0 * a.min(b).min(c).max(f64::MIN_POSITIVE) && c < b && b < a {
        return Table::TooFar;
    }
    Table::Noise(
        (0..m)
            .map(|i| levels[fourth][i].max(levels[fifth][i]))
            .collect(),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn scatter(seed: usize) -> f64 {
        let v = (seed as f64 * 12.9898).sin() * 43_758.545_3;
        2.0 * (v - v.floor()) - 1.0
    }

    #[test]
    fn rounded_answers_are_known_by_their_digits() {
        let exact: Vec<f64> = (1..20).map(|i| (f64::from(i)).sqrt().exp()).collect();
        assert_eq!(of_rounding(&[&exact]), None);
        let single: Vec<f64> = exact.iter().map(|v| f64::from(*v as f32)).collect();
        let noise = of_rounding(&[&single]).unwrap();
        assert!(
            (noise[3] / (single[3] * 6e-8) - 1.0).abs() < 0.1,
            "{noise:?}"
        );
        let decimals: Vec<f64> = exact.iter().map(|v| (v * 1e4).round() / 1e4).collect();
        let noise = of_rounding(&[&decimals]).unwrap();
        assert!(
            noise.iter().all(|n| (n / 0.29e-4 - 1.0).abs() < 0.1),
            "{noise:?}"
        );
        let digits: Vec<f64> = exact
            .iter()
            .map(|v| format!("{v:.5e}").parse().unwrap())
            .collect();
        let noise = of_rounding(&[&digits]).unwrap();
        for (noise, v) in noise.iter().zip(&digits) {
            let place = 10_f64.powi(v.log10().floor() as i32 - 5);
            assert!((noise / (0.29 * place) - 1.0).abs() < 0.1, "{noise} {v}");
        }
        // Whole numbers that other answers are not.
        assert_eq!(
            of_rounding(&[&[1.0, 2.0], &[1.0, 2.000_006_055_454_45]]),
            None
        );
        assert_eq!(of_rounding(&[&[0.0, 0.0]]), None);
    }

    #[test]
    fn tables_of_differences_tell_the_noise_of_a_smooth_curve() {
        for (level, step) in [(1e-6, 1e-3), (1e-10, 1e-3), (1e-13, 1e-4)] {
            let answers: Vec<Vec<f64>> = (0..POINTS)
                .map(|k| {
                    (0..20)
                        .map(|i| {
                            let x = 1.0 + step * k as f64;
                            (0.1 * i as f64 * x).exp() + level * scatter(31 * k + i)
                        })
                        .collect()
                })
                .collect();
            let Table::Noise(noise) = of_table(&answers) else {
                panic!("{level}: {:?}", of_table(&answers));
            };
            let found = norm(&noise) / 20_f64.sqrt();
            assert!(
                (0.2..3.0).contains(&(found / (0.58 * level))),
                "{level}: {found}"
            );
        }
        let still = vec![vec![1.0, 2.0]; POINTS];
        assert_eq!(of_table(&still), Table::TooClose);
        let bent: Vec<Vec<f64>> = (0..POINTS).map(|k| vec![(0.2 * k as f64).exp()]).collect();
        assert_eq!(of_table(&bent), Table::TooFar);
    }
}
