//! How the methods ended, for people.

use super::folder::Contents;
use super::standing::{Judged, Standing, equal_times, standings};
use crate::results::quartiles::{Quartiles, median};
use crate::terminal::text::{aligned, duration, wrapped};

/// A line for each method, with medians over the seeds; what its columns mean; with several seeds the quartiles.
pub fn results(contents: &Contents) -> String {
    let all = standings(contents);
    let mut text = aligned(&overview(contents, &all), 3);
    for sentence in meanings(contents) {
        text.push_str(&wrapped("", &sentence));
        text.push('\n');
    }
    if contents.manifest.seeds > 1 {
        text.push_str(&format!(
            "\nover {} seeds:\n{}",
            contents.manifest.seeds,
            aligned(&over_seeds(contents, &all), 2)
        ));
    }
    text
}

fn overview(contents: &Contents, all: &[Standing]) -> Vec<Vec<String>> {
    let judged = Judged::of(contents);
    // Those that say nothing in this training are left out.
    let train = judged != Judged::Train && all.iter().any(|s| s.train.is_some());
    let known = all.iter().any(|s| s.x_half_square.is_some());
    let timed = equal_times(contents).is_some();
    let head = [
        (true, "method"),
        (true, "strategy"),
        (true, "rule"),
        (true, "batch"),
        (true, "status"),
        (true, "epochs"),
        (true, "steps"),
        (true, "time"),
        (true, "per step"),
        (true, "network"),
        (true, "physics"),
        (true, "inversion"),
        (true, "best epoch"),
        (true, judged.name()),
        (train, "train loss"),
        (timed, "at equal time"),
        (known, "½‖x−x*‖²"),
        (known, "‖x−x*‖"),
    ];
    let pick = |cells: Vec<String>| -> Vec<String> {
        let shown = head.iter().map(|(shown, _)| *shown);
        let cells = cells.into_iter().zip(shown);
        cells
            .filter_map(|(cell, shown)| shown.then_some(cell))
            .collect()
    };
    let mut lines = vec![pick(head.map(|(_, name)| name.to_owned()).to_vec())];
    for s in all {
        let Some(first) = contents.of(&s.method).first().copied() else {
            continue;
        };
        let share = |i: usize| format!("{:.0} %", 100.0 * s.shares[i]);
        lines.push(pick(vec![
            s.method.clone(),
            first.strategy.clone(),
            first.rule.clone(),
            first.batch.to_string(),
            statuses(s),
            s.epochs.to_string(),
            s.steps.to_string(),
            duration(s.seconds),
            duration(s.seconds_per_step),
            share(0),
            share(1),
            share(2),
            s.best_epoch.to_string(),
            middle(s.judged),
            middle(s.train),
            s.at_equal_time.map_or(String::new(), scientific),
            middle(s.x_half_square),
            middle(s.x_distance),
        ]));
    }
    lines
}

fn over_seeds(contents: &Contents, all: &[Standing]) -> Vec<Vec<String>> {
    let head = [
        "quantity",
        "method",
        "seeds",
        "lower quartile",
        "median",
        "upper quartile",
        "worst",
    ];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    type Quantity = fn(&Standing) -> Option<Quartiles>;
    let quantities: [(&str, Quantity); 3] = [
        (Judged::of(contents).name(), |s| s.judged),
        ("½‖x−x*‖²", |s| s.x_half_square),
        ("‖x−x*‖", |s| s.x_distance),
    ];
    for (name, value) in quantities {
        for s in all {
            if let Some(q) = value(s) {
                lines.push(vec![
                    name.to_owned(),
                    s.method.clone(),
                    q.count.to_string(),
                    scientific(q.lower),
                    scientific(q.median),
                    scientific(q.upper),
                    scientific(q.worst),
                ]);
            }
        }
    }
    lines
}

/// How the seeds ended: a word, or several with their counts.
pub fn statuses(standing: &Standing) -> String {
    let failed = (standing.failed > 0).then_some(("failed", standing.failed));
    let ended = standing.statuses.iter();
    let ended = ended.map(|(status, count)| (status.name(), *count));
    let all: Vec<_> = ended.chain(failed).collect();
    match all.as_slice() {
        [(one, _)] => (*one).to_owned(),
        several => {
            let words = several
                .iter()
                .map(|(word, count)| format!("{word} ({count})"));
            words.collect::<Vec<_>>().join(", ")
        }
    }
}

fn scientific(value: f64) -> String {
    format!("{value:.3e}")
}

fn middle(quartiles: Option<Quartiles>) -> String {
    quartiles.map_or(String::new(), |q| scientific(q.median))
}

/// What the losses of the table are: in which space, on which samples, of which weights.
pub fn meanings(contents: &Contents) -> Vec<String> {
    let judged = Judged::of(contents);
    let fixed = contents.lines.iter().any(|l| l.train_loss.is_some());
    let train = "train loss: the same on the training samples";
    let what = match (judged, fixed) {
        (Judged::Test, true) => {
            format!("test loss: in y, the mean over the held-out samples; {train}")
        }
        (Judged::Test, false) => {
            "test loss: in y, the mean over the held-out samples; no train loss, since each \
             training sample is drawn anew"
                .to_owned()
        }
        (Judged::Train, _) => {
            "train loss: in y, the mean over the training samples; none are held out".to_owned()
        }
        (Judged::Steps, _) => {
            "loss of the steps: that of the strategy on mini-batches that are drawn anew, the mean \
             over an epoch; none are held out"
                .to_owned()
        }
    };
    let mut all = vec![format!(
        "{what}. All losses and errors are those of the weights that are kept, after the best epoch{}.",
        match contents.manifest.seeds {
            0 | 1 => "",
            _ => "; medians over the seeds",
        }
    )];
    if let Some(times) = equal_times(contents) {
        let time = median(times.into_iter().map(|(_, time)| time)).unwrap_or(0.0);
        all.push(format!(
            "At equal time: the lowest {} of the epochs done after {} of steps, when the fastest method finished.",
            judged.name(),
            duration(time)
        ));
    }
    all
}

/// What the table cannot say: which engine was used, what went wrong, steps that were taken back, saturated layers.
pub fn remarks(contents: &Contents) -> Vec<String> {
    let mut remarks = Vec::new();
    for failure in &contents.manifest.failures {
        remarks.push(format!(
            "{} failed: {}; `retrodict resume` tries again",
            failure.label(contents.manifest.seeds),
            failure.message
        ));
    }
    for (method, seed) in contents.unfinished() {
        let who = match contents.manifest.seeds {
            0 | 1 => method.to_owned(),
            _ => format!("{method} · seed {seed}"),
        };
        let far = contents
            .lines
            .iter()
            .rfind(|l| l.method == method && l.seed == seed);
        remarks.push(match far {
            Some(line) => format!("{who} is not finished: {} epochs are done", line.epoch),
            None => format!("{who} is not finished: no epoch is done"),
        });
    }
    for o in &contents.outcomes {
        let who = if contents.manifest.seeds > 1 {
            format!("{} · seed {}", o.method, o.seed)
        } else {
            o.method.clone()
        };
        // The same for all seeds.
        if let Some(engine) = o.engine.as_ref().filter(|_| o.seed == 0) {
            remarks.push(format!("{}: {}: {engine}", o.method, o.rule));
        }
        if let Some(search) = o.search.as_ref().filter(|_| o.seed == 0) {
            remarks.push(format!("{}: {} with the search {search}", o.method, o.rule));
        }
        if !o.status.is_regular() && o.status != retrodict::StatusKind::Interrupted {
            remarks.push(format!("{who}: {}: {}", o.status, o.message));
        }
        if o.rollbacks > 0 {
            remarks.push(format!(
                "{who}: {} steps increased the loss sharply and were shortened or rejected",
                o.rollbacks
            ));
        }
        for (notice, count) in &o.notices {
            remarks.push(format!("{who}: {notice} ({count} times)"));
        }
        if let Some(first_error) = &o.first_error {
            remarks.push(format!("{who}: first caused by: {first_error}"));
        }
        for layer in o.diagnosis.saturated() {
            remarks.push(format!(
                "{who}: the layer {} is saturated: at {:.0} % of its values the slope of the activation is almost \
                 zero",
                layer.name,
                100.0 * layer.saturated
            ));
        }
    }
    remarks
}
