//! How each method did over its seeds: what tables, report and the first sentence are made of.

use std::fmt::Write;

use retrodict::StatusKind;
use serde::{Deserialize, Serialize};

use super::folder::{Contents, Line, MethodOutcome};
use crate::results::folder::quoted;
use crate::results::quartiles::{Quartiles, median};

/// Times in `epochs.csv` have so many seconds less than they had.
const ROUNDED: f64 = 1e-6;

/// The loss by which weights are kept and methods are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// On held-out samples.
    Test,
    /// On the training samples, where none are held out.
    Train,
    /// At the steps of an epoch, where samples are drawn on the fly and none are held out.
    Steps,
}

impl Judged {
    /// Which it is in a training.
    pub fn of(contents: &Contents) -> Self {
        let any =
            |value: fn(&Line) -> Option<f64>| contents.lines.iter().any(|l| value(l).is_some());
        match (any(|l| l.test_loss), any(|l| l.train_loss)) {
            (true, _) => Self::Test,
            (false, true) => Self::Train,
            (false, false) => Self::Steps,
        }
    }

    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test loss",
            Self::Train => "train loss",
            Self::Steps => "loss of the steps",
        }
    }

    /// Its value after an epoch.
    pub fn value(self, line: &Line) -> Option<f64> {
        match self {
            Self::Test => line.test_loss,
            Self::Train => line.train_loss,
            Self::Steps => line.running_loss,
        }
    }
}

/// A method over its seeds. Losses and errors are those of the weights that are kept: after the best epoch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Standing {
    /// Its name.
    pub method: String,
    /// How many seeds have an outcome.
    pub seeds: usize,
    /// How many seeds failed before they had one.
    pub failed: usize,
    /// How the seeds ended.
    pub statuses: Vec<(StatusKind, usize)>,
    /// The epoch after which the weights were kept; the median over the seeds, as are all single numbers.
    pub best_epoch: f64,
    /// Epochs done.
    pub epochs: f64,
    /// Steps taken.
    pub steps: f64,
    /// Seconds spent in steps.
    pub seconds: f64,
    /// Seconds a step.
    pub seconds_per_step: f64,
    /// The shares of network, physics and inversion in them.
    pub shares: [f64; 3],
    /// The loss by which methods are compared.
    pub judged: Option<Quartiles>,
    /// The loss in y on the fixed training samples, where there are any.
    pub train: Option<Quartiles>,
    /// ½‖x − x*‖² a held-out sample.
    pub x_half_square: Option<Quartiles>,
    /// ‖x − x*‖, the mean over held-out samples.
    pub x_distance: Option<Quartiles>,
    /// The lowest loss by the time when the fastest method finished.
    pub at_equal_time: Option<f64>,
}

/// Every method that has an outcome, in order.
pub fn standings(contents: &Contents) -> Vec<Standing> {
    let methods = contents.manifest.methods.iter();
    methods.filter_map(|m| standing(contents, m)).collect()
}

fn standing(contents: &Contents, method: &str) -> Option<Standing> {
    let all = contents.of(method);
    let judged = Judged::of(contents);
    let middle = |value: &dyn Fn(&MethodOutcome) -> f64| median(all.iter().map(|o| value(o)));
    let kept: Vec<&Line> = all.iter().filter_map(|o| kept(contents, o)).collect();
    let over =
        |value: fn(&Line) -> Option<f64>| Quartiles::of(kept.iter().filter_map(|l| value(l)));
    let mut statuses: Vec<(StatusKind, usize)> = Vec::new();
    for outcome in &all {
        match statuses.iter_mut().find(|(s, _)| *s == outcome.status) {
            Some((_, count)) => *count += 1,
            None => statuses.push((outcome.status, 1)),
        }
    }
    let failures = contents.manifest.failures.iter();
    Some(Standing {
        method: method.to_owned(),
        seeds: all.len(),
        failed: failures.filter(|f| f.method == method).count(),
        statuses,
        best_epoch: median(kept.iter().map(|l| l.epoch as f64)).unwrap_or(0.0),
        epochs: middle(&|o| o.epochs as f64)?,
        steps: middle(&|o| o.steps as f64)?,
        seconds: middle(&|o| o.seconds)?,
        seconds_per_step: middle(&|o| o.seconds / o.steps.max(1) as f64)?,
        shares: [
            middle(&|o| o.shares[0])?,
            middle(&|o| o.shares[1])?,
            middle(&|o| o.shares[2])?,
        ],
        judged: Quartiles::of(all.iter().map(|o| o.loss)),
        train: over(|l| l.train_loss),
        x_half_square: over(|l| l.x_half_square),
        x_distance: over(|l| l.x_distance),
        at_equal_time: equal_times(contents).and_then(|times| {
            let values = times.iter().filter_map(|(seed, time)| {
                let mut own = contents.lines.iter();
                own.any(|l| l.method == method && l.seed == *seed)
                    .then(|| by_then(contents, method, *seed, *time, judged))
            });
            median(values)
        }),
    })
}

/// The lowest loss of the epochs that a method with a seed had done by a time.
fn by_then(contents: &Contents, method: &str, seed: u64, time: f64, judged: Judged) -> f64 {
    let own = contents
        .lines
        .iter()
        .filter(|l| l.method == method && l.seed == seed && l.seconds <= time + ROUNDED);
    own.filter_map(|l| judged.value(l))
        .fold(f64::INFINITY, f64::min)
}

/// For each seed the time when its fastest method finished; nothing where fewer than two methods can be compared.
pub fn equal_times(contents: &Contents) -> Option<Vec<(u64, f64)>> {
    let trained = contents.manifest.methods.iter();
    if trained.filter(|m| !contents.of(m).is_empty()).count() < 2 {
        return None;
    }
    let times = (0..contents.manifest.seeds).filter_map(|seed| {
        let own = contents.outcomes.iter().filter(|o| o.seed == seed);
        let own = own.filter(|o| !o.status.is_broken() && o.status != StatusKind::Interrupted);
        let fastest = own.map(|o| o.seconds).min_by(f64::total_cmp)?;
        Some((seed, fastest))
    });
    Some(times.collect::<Vec<_>>()).filter(|times| !times.is_empty())
}

/// The epoch after which the weights were kept: the first with the lowest loss.
pub fn kept<'a>(contents: &'a Contents, of: &MethodOutcome) -> Option<&'a Line> {
    let judged = Judged::of(contents);
    let own = contents.lines.iter();
    let own = own.filter(|l| l.method == of.method && l.seed == of.seed);
    let number = |l: &Line| judged.value(l).unwrap_or(f64::INFINITY);
    own.min_by(|a, b| number(a).total_cmp(&number(b)))
}

/// `methods.csv`: a line for each method and quantity.
pub fn csv(contents: &Contents, standings: &[Standing]) -> String {
    let mut text =
        "method,quantity,seeds,median,lower_quartile,upper_quartile,best,worst\n".to_owned();
    let judged = match Judged::of(contents) {
        Judged::Test => "test_loss",
        Judged::Train => "",
        Judged::Steps => "running_loss",
    };
    for s in standings {
        for (name, quartiles) in [
            (judged, s.judged),
            ("train_loss", s.train),
            ("x_half_square", s.x_half_square),
            ("x_distance", s.x_distance),
        ] {
            let Some(q) = quartiles.filter(|_| !name.is_empty()) else {
                continue;
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{},{name},{},{},{},{},{},{}",
                quoted(&s.method),
                q.count,
                q.median,
                q.lower,
                q.upper,
                q.best,
                q.worst
            );
        }
        if let Some(loss) = s.at_equal_time {
            let _ = writeln!(
                text,
                "{},at_equal_time,{},{loss},,,,",
                quoted(&s.method),
                s.seeds
            );
        }
    }
    text
}
