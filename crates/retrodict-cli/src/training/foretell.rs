//! How long it takes: what is left of a training, and a step whose decomposition is large.

use std::time::{Duration, Instant};

use retrodict::linalg::{Engine, Matrix, symmetric_eigen};
use retrodict::spec::Training;

/// Decompositions with fewer rows are quick, and nothing is said of them.
const LARGE: usize = 2048;

/// Steps that take less than this are not worth a word.
const LONG: f64 = 5.0;

/// The rows of the decomposition that is timed.
const PROBE: usize = 512;

/// A sentence on the time of a step, where it goes into the decomposition of a large matrix: estimated from one of
/// [`PROBE`] rows that is timed here, since the number of operations grows with the cube of the rows.
pub fn long_step(training: &Training) -> Option<String> {
    let engine = training.engine()?;
    let (rows, weights) = (training.rows, training.network.parameters());
    if operations(engine, rows, weights) < (LARGE as f64).powi(3) {
        return None;
    }
    let seconds = operations(engine, rows, weights) / (PROBE as f64).powi(3) * probe()?;
    (seconds >= LONG).then(|| {
        let all = training.most_steps();
        sentence(engine, rows, weights, seconds, all)
    })
}

fn sentence(
    engine: Engine,
    rows: usize,
    weights: usize,
    seconds: f64,
    steps: Option<u64>,
) -> String {
    let what = match engine {
        Engine::Gram => format!("J Jᵀ of {rows} × {rows}"),
        _ => format!("J of {rows} × {weights}"),
    };
    let several = steps.filter(|steps| *steps > 1);
    let all = several.map_or(String::new(), |steps| {
        format!(", so {steps} steps about {}", rough(steps as f64 * seconds))
    });
    format!(
        "each step decomposes {what}, which will take about {}{all} (estimated from a decomposition of {PROBE} × {PROBE} \
         that was timed now, and the cube of the rows); a smaller batch or the rule's engine = \
         {{ krylov = {{ steps = 30 }} }} is faster",
        rough(seconds)
    )
}

/// In units of those of a symmetric decomposition of as many rows as the cube root says; none of Krylov steps.
fn operations(engine: Engine, rows: usize, weights: usize) -> f64 {
    let (rows, weights) = (rows as f64, weights as f64);
    match engine {
        Engine::Gram => rows.powi(3),
        Engine::Dense => rows.max(weights) * rows.min(weights).powi(2),
        _ => 0.0,
    }
}

/// Seconds that the decomposition of a matrix of [`PROBE`] rows takes.
fn probe() -> Option<f64> {
    let values = (0..PROBE * PROBE).map(|i| ((i * i % 7919) as f64).sin());
    let matrix = Matrix::from_vec(PROBE, PROBE, values.collect()).gram();
    // The fastest of three: the first one wakes threads, and other programs may run beside it.
    let mut fastest = f64::INFINITY;
    for _ in 0..3 {
        let begun = Instant::now();
        symmetric_eigen(&matrix).ok()?;
        fastest = fastest.min(begun.elapsed().as_secs_f64());
    }
    Some(fastest)
}

/// What limits a training, and how far it is.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Steps since it began or was resumed, and since the start of the training.
    pub steps: (u64, u64),
    /// Seconds in these steps, likewise.
    pub seconds: (f64, f64),
    /// Time that passed on the clock since it began or was resumed.
    pub elapsed: Duration,
    /// The most steps.
    pub most_steps: Option<u64>,
    /// The most time in steps.
    pub limit: Option<Duration>,
}

impl Pace {
    /// Seconds that are left until the first limit at the pace so far, evaluations after epochs included; nothing before
    /// the first step.
    pub fn left(&self) -> Option<f64> {
        let elapsed = self.elapsed.as_secs_f64();
        let by_steps = self
            .most_steps
            .filter(|_| self.steps.0 > 0)
            .map(|most| most.saturating_sub(self.steps.1) as f64 * elapsed / self.steps.0 as f64);
        let by_time = self.limit.filter(|_| self.seconds.0 > 0.0).map(|limit| {
            (limit.as_secs_f64() - self.seconds.1).max(0.0) * elapsed / self.seconds.0
        });
        by_steps.into_iter().chain(by_time).reduce(f64::min)
    }
}

/// A duration for people who wait.
pub fn rough(seconds: f64) -> String {
    match seconds {
        s if s < 0.95 => "1 s".to_owned(),
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.0} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_goes_by_the_clock_and_the_first_limit() {
        // 20 of 100 steps were done before; 20 more took 10 s on the clock, 4 s of it in steps.
        let pace = Pace {
            steps: (20, 40),
            seconds: (4.0, 8.0),
            elapsed: Duration::from_secs(10),
            most_steps: Some(100),
            limit: None,
        };
        assert_eq!(pace.left(), Some(30.0));
        let limited = |seconds| Pace {
            limit: Some(Duration::from_secs(seconds)),
            ..pace
        };
        assert_eq!(limited(10).left(), Some(5.0));
        assert_eq!(limited(1000).left(), Some(30.0));
        assert_eq!(
            Pace {
                steps: (0, 20),
                ..pace
            }
            .left(),
            None
        );
        assert_eq!(rough(30.0), "30 s");
        assert_eq!(rough(3599.0), "60 min");
        assert_eq!(rough(4e5), "5 days");
    }

    #[test]
    fn a_large_step_is_foretold_as_an_estimate() {
        let ratio = operations(Engine::Gram, 16_384, 5000) / operations(Engine::Gram, 512, 5000);
        assert_eq!(ratio, 32_768.0);
        let said = sentence(Engine::Gram, 16_384, 5000, 240.0, Some(40));
        assert!(
            said.starts_with(
                "each step decomposes J Jᵀ of 16384 × 16384, which will take about 4 min, so 40 steps about 2.7 h (estimated"
            ),
            "{said}"
        );
        assert_eq!(operations(Engine::KRYLOV, 16_384, 5000), 0.0);
    }
}
