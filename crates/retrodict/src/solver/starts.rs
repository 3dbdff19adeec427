//! Many starts for problems with many solutions.
//!
//! A rule finds one solution, usually the one nearest to its start. From starts spread over a [`Region`], [`solve_from`]
//! finds more, and reports which starts led to which.
//!
//! ```
//! use std::sync::Arc;
//! use retrodict::losses::SquaredError;
//! use retrodict::prelude::*;
//! use retrodict::simulators::SineOptions;
//! use retrodict::solver::starts::{Region, solve_from};
//! use retrodict::updates::LevenbergMarquardt;
//!
//! # fn main() -> retrodict::Result<()> {
//! // sin x₀ = ½ has four solutions in [0, 10].
//! let sine = Arc::new(SineOptions::default().with_xi(1.0).with_phi(0.0).build()?);
//! let problem = Problem::new(sine, Arc::new(SquaredError::half()), vec![0.5, 0.0])?;
//! let region = Region::new(vec![0.0, -1.0], vec![10.0, 1.0])?;
//! let starts = region.latin_hypercube(40, 7);
//! let survey = solve_from(&problem, &starts, &region, |_| {
//!     Ok(Solver::new(LevenbergMarquardt::default(), StopWhen::after(50)))
//! })?;
//! assert!(survey.basins.len() >= 4);
//! assert!(survey.best().is_some_and(|best| best.loss < 1e-20));
//! # Ok(())
//! # }
//! ```

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use rayon::prelude::*;

use crate::compose::bounds::Bounds;
use crate::error::{Error, Result, expect_finite, expect_length};
use crate::interrupt::Interrupt;
use crate::options::require;
use crate::problem::Problem;
use crate::solver::solution::Solution;
use crate::solver::solve::Solver;

/// Two ends are the same solution if no value of x differs by more than this share of the region.
const SAME: f64 = 1e-3;

/// A box in x, from which starts are drawn, and which says what is near.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    lower: Vec<f64>,
    upper: Vec<f64>,
}

impl Region {
    /// From `lower` to `upper` in each value of x.
    ///
    /// # Errors
    /// If the lengths differ, a bound is not finite, or a lower one is not below the upper.
    pub fn new(lower: Vec<f64>, upper: Vec<f64>) -> Result<Self> {
        expect_length("the upper bounds", upper.len(), lower.len())?;
        expect_finite("the lower bounds", &lower)?;
        expect_finite("the upper bounds", &upper)?;
        let mut pairs = lower.iter().zip(&upper);
        if let Some(i) = pairs.position(|(low, high)| low >= high) {
            require(
                false,
                "upper",
                format!("{} at index {i}", upper[i]),
                &format!("it must be above the lower bound, {}", lower[i]),
            )?;
        }
        Ok(Self { lower, upper })
    }

    /// Around a start: x ± `spread`; where none is given, each value ± its own size, or ± 1 if
    /// it is 0.
    ///
    /// # Errors
    /// If the start or the spread is not finite, or the spread is not above 0.
    pub fn around(start: &[f64], spread: Option<f64>) -> Result<Self> {
        if let Some(spread) = spread {
            crate::options::positive("spread", spread)?;
        }
        let width = |x: f64| match spread {
            Some(spread) => spread,
            None if x == 0.0 => 1.0,
            None => x.abs(),
        };
        Self::new(
            start.iter().map(|x| x - width(*x)).collect(),
            start.iter().map(|x| x + width(*x)).collect(),
        )
    }

    /// A Latin hypercube: each value of x falls once into each of `count` equal intervals, so that
    /// few starts cover the whole of every axis.
    ///
    /// # Source
    /// McKay, Beckman & Conover, *Technometrics* 21 (1979).
    pub fn latin_hypercube(&self, count: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut random = Pcg64::seed_from_u64(seed);
        let mut starts = vec![Vec::with_capacity(self.lower.len()); count];
        let mut order: Vec<usize> = (0..count).collect();
        for (low, high) in self.lower.iter().zip(&self.upper) {
            for i in (1..count).rev() {
                order.swap(i, random.random_range(0..=i));
            }
            for (start, interval) in starts.iter_mut().zip(&order) {
                let place = (*interval as f64 + random.random_range(0.0..1.0)) / count as f64;
                start.push(low + place * (high - low));
            }
        }
        starts
    }

    /// The start itself and `count` − 1 more, drawn around it.
    ///
    /// # Errors
    /// If `count` is 0, or as [`around`](Region::around).
    pub fn starts(
        start: &[f64],
        spread: Option<f64>,
        count: usize,
        seed: u64,
    ) -> Result<(Self, Vec<Vec<f64>>)> {
        require(count > 0, "starts", count, "it must be at least 1")?;
        let region = Self::around(start, spread)?;
        let mut starts = vec![start.to_vec()];
        starts.extend(region.latin_hypercube(count - 1, seed));
        Ok((region, starts))
    }

    /// Moves starts that were drawn from the region into the part of it that lies within bounds, evenly along each
    /// axis; an unknown that bounds fix has its value in all of them.
    ///
    /// The bounds stand [`for_each`](Bounds::for_each) unknown.
    pub fn draw_within(&self, bounds: &Bounds, starts: &mut [Vec<f64>]) {
        for start in starts {
            for (i, x) in start.iter_mut().enumerate() {
                let (low, high) = (self.lower[i], self.upper[i]);
                let (least, greatest) = (low.max(bounds.lower[i]), high.min(bounds.upper[i]));
                if least < greatest && (least > low || greatest < high) {
                    *x = least + (*x - low) / (high - low) * (greatest - least);
                }
            }
            bounds.project(start);
        }
    }

    /// Whether two values of an unknown are the same to within a thousandth of the region.
    fn near(&self, i: usize, a: f64, b: f64) -> bool {
        (a - b).abs() <= SAME * (self.upper[i] - self.lower[i])
    }
}

/// Where a run ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct End<'a> {
    /// x.
    pub x: &'a [f64],
    /// L there.
    pub loss: f64,
    /// The unknowns that do not change y there, as [`Solution::without_effect`].
    pub without_effect: &'a [usize],
}

impl<'a> End<'a> {
    /// x and L there, and the unknowns that have no effect on y.
    pub fn new(x: &'a [f64], loss: f64, without_effect: &'a [usize]) -> Self {
        Self {
            x,
            loss,
            without_effect,
        }
    }

    /// The end of a run that is over.
    pub fn of(solution: &'a Solution) -> Self {
        Self {
            x: &solution.x,
            loss: solution.loss,
            without_effect: &solution.without_effect,
        }
    }

    /// Whether two runs ended at the same solution: unknowns that change nothing at either may differ.
    fn same(&self, other: &Self, region: &Region) -> bool {
        let open = |i: usize| {
            [self, other]
                .iter()
                .all(|end| end.without_effect.contains(&i))
        };
        (0..self.x.len()).all(|i| region.near(i, self.x[i], other.x[i]) || open(i))
    }
}

/// A solution, and the starts that led to it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Basin {
    /// The run with the lowest loss.
    pub best: usize,
    /// All runs that ended there, in order.
    pub starts: Vec<usize>,
}

/// Sorts ends of runs: the lowest loss first, one basin for each distinct x.
///
/// Runs that ended with NaN or infinity are left out.
pub fn basins(ends: &[End<'_>], region: &Region) -> Vec<Basin> {
    let mut order: Vec<usize> = (0..ends.len())
        .filter(|i| ends[*i].loss.is_finite())
        .collect();
    // A stable sort: of equals the first start stays first.
    order.sort_by(|a, b| ends[*a].loss.total_cmp(&ends[*b].loss));
    let mut basins: Vec<Basin> = Vec::new();
    for run in order {
        let here = |basin: &&mut Basin| ends[basin.best].same(&ends[run], region);
        match basins.iter_mut().find(here) {
            Some(basin) => basin.starts.push(run),
            None => basins.push(Basin {
                best: run,
                starts: vec![run],
            }),
        }
    }
    for basin in &mut basins {
        basin.starts.sort_unstable();
    }
    basins
}

/// The solutions found from many starts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Survey {
    /// The run of each start, or why there is none.
    pub runs: Vec<Result<Solution>>,
    /// The distinct solutions, lowest loss first; indices are those of the starts.
    pub basins: Vec<Basin>,
}

impl Survey {
    /// The solution with the lowest loss.
    pub fn best(&self) -> Option<&Solution> {
        self.solution(self.basins.first()?)
    }

    /// The solution of a basin.
    pub fn solution(&self, basin: &Basin) -> Option<&Solution> {
        self.runs.get(basin.best)?.as_ref().ok()
    }
}

/// Solves a problem from many starts, over all cores; `solver` makes a fresh solver for each.
///
/// The result does not depend on the number of threads.
///
/// # Errors
/// If no start leads to a run: the first start's error.
///
/// # Cost
/// That of a run for each start.
pub fn solve_from(
    problem: &Problem,
    starts: &[Vec<f64>],
    region: &Region,
    solver: impl Fn(usize) -> Result<Solver> + Sync,
) -> Result<Survey> {
    require(
        !starts.is_empty(),
        "starts",
        starts.len(),
        "there must be at least one",
    )?;
    let interrupt = Interrupt::current();
    let runs: Vec<Result<Solution>> = starts
        .par_iter()
        .enumerate()
        .map(|(i, start)| interrupt.within(|| solver(i)?.solve(problem, start)))
        .collect();
    let indices: Vec<usize> = (0..runs.len()).filter(|i| runs[*i].is_ok()).collect();
    let done: Vec<End<'_>> = runs.iter().flatten().map(End::of).collect();
    if done.is_empty() {
        let first: Option<&Error> = runs.iter().find_map(|run| run.as_ref().err());
        return first.map_or_else(|| Ok(empty()), |error| Err(error.clone()));
    }
    let mut basins = basins(&done, region);
    for basin in &mut basins {
        basin.best = indices[basin.best];
        for start in &mut basin.starts {
            *start = indices[*start];
        }
    }
    Ok(Survey { runs, basins })
}

fn empty() -> Survey {
    Survey {
        runs: Vec::new(),
        basins: Vec::new(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_interval_of_each_axis_holds_one_start() {
        let region = Region::new(vec![-1.0, 10.0, 0.0], vec![1.0, 20.0, 1e-3]).unwrap();
        let starts = region.latin_hypercube(16, 3);
        for axis in 0..3 {
            let mut intervals: Vec<usize> = starts
                .iter()
                .map(|x| (x[axis] - region.lower[axis]) / (region.upper[axis] - region.lower[axis]))
                .map(|share| (16.0 * share) as usize)
                .collect();
            intervals.sort_unstable();
            assert_eq!(intervals, (0..16).collect::<Vec<_>>());
        }
        assert_eq!(starts, region.latin_hypercube(16, 3));
        assert_ne!(starts, region.latin_hypercube(16, 4));
    }

    #[test]
    fn starts_within_bounds_fill_what_they_leave() {
        let region = Region::new(vec![-1.0, 10.0, 0.0, 2.0], vec![1.0, 20.0, 4.0, 4.0]).unwrap();
        let infinite = f64::INFINITY;
        let bounds = Bounds {
            lower: vec![0.5, -infinite, 1.5, 7.0],
            upper: vec![infinite, infinite, 1.5, 9.0],
        };
        let drawn = region.latin_hypercube(8, 5);
        let mut starts = drawn.clone();
        region.draw_within(&bounds, &mut starts);
        for (start, drawn) in starts.iter().zip(&drawn) {
            assert!(
                (start[0] - (0.75 + 0.25 * drawn[0])).abs() < 1e-12,
                "{start:?}"
            );
            assert_eq!((start[1], start[2], start[3]), (drawn[1], 1.5, 7.0));
        }
    }

    #[test]
    fn a_region_around_a_start_takes_its_size() {
        let region = Region::around(&[2.0, 0.0, -3.0], None).unwrap();
        let expected = Region::new(vec![0.0, -1.0, -6.0], vec![4.0, 1.0, 0.0]).unwrap();
        assert_eq!(region, expected);
        let region = Region::around(&[2.0], Some(0.5)).unwrap();
        assert_eq!(region, Region::new(vec![1.5], vec![2.5]).unwrap());
        assert!(Region::around(&[2.0], Some(-1.0)).is_err());
        let message = Region::new(vec![0.0, 1.0], vec![1.0, 1.0])
            .unwrap_err()
            .to_string();
        assert!(message.contains("1 at index 1"), "{message}");
        assert!(Region::starts(&[2.0], None, 0, 0).is_err());
    }
}
