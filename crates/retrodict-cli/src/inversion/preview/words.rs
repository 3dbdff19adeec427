//! The preview in words.

use retrodict::{Counts, Transform};

use super::data::{DataFacts, NoiseFacts, Range};
use super::method::PriorFacts;
use super::unknowns::ParameterFacts;
use super::{Preview, SetFacts, SimulatorFacts};
use crate::inversion::answer::summary::asked;
use crate::terminal::text::{aligned, duration, number, wrapped};

/// The room of the words that lines begin with.
const LEAD: usize = 13;
/// Numbers of a list that are shown.
const SHOWN: usize = 4;

fn line(lead: &str, text: &str) -> String {
    let mut line = wrapped(&format!("{lead:<LEAD$}"), text);
    line.push('\n');
    line
}

impl Preview {
    /// All of it, for people.
    pub fn words(&self) -> String {
        let mut text = "dry run: nothing is solved, and nothing is written\n\n".to_owned();
        text.push_str(&self.simulator_words());
        text.push_str(&self.unknown_words());
        for quantity in &self.derived {
            let what = format!(
                "{} = {}{}",
                quantity.name,
                quantity.formula,
                unit(&quantity.unit)
            );
            text.push_str(&line("derived", &what));
        }
        for constraint in &self.constraints.0 {
            text.push_str(&line("constraint", constraint));
        }
        match self.data_sets.is_empty() {
            true => text.push_str(&data_words(&self.data, &self.noise)),
            false => self
                .data_sets
                .iter()
                .for_each(|set| text.push_str(&set_words(set))),
        }
        text.push_str(&line("loss", &self.loss));
        for prior in &self.priors {
            text.push_str(&line("prior", &prior.words()));
        }
        text.push_str(&self.method_words());
        text.push_str(&line("stop", &self.stop.words.join("; ")));
        text.push_str(&line("afterwards", &self.after_words()));
        text.push_str(&self.cost_words());
        text.push_str(&line("output", &self.output_words()));
        text
    }

    fn simulator_words(&self) -> String {
        let simulator = &self.simulator;
        let mut text = simulator_words(simulator);
        if let Some(inverse) = &simulator.inverse {
            text.push_str(&line("", &format!("local inverse: {inverse}")));
        }
        text
    }

    fn unknown_words(&self) -> String {
        let facts = &self.unknowns;
        let listed = facts
            .parameters
            .iter()
            .filter(|line| line.role == "free")
            .count();
        let mut what = match facts.count {
            1 => "1".to_owned(),
            count => format!("{count}"),
        };
        if listed < facts.count {
            what.push_str(&format!(
                ": {} of shape {}{}; start {}; lower bound {}; upper bound {}",
                facts.name,
                extents(&facts.shape),
                unit(&facts.unit),
                facts.start.map_or("none".to_owned(), Range::words),
                facts.lower.map_or("none".to_owned(), Range::words),
                facts.upper.map_or("none".to_owned(), Range::words),
            ));
            if let Some(transform) = facts.transform {
                what.push_str(&format!("; optimised as {}", seen(transform)));
            }
        }
        if self.starts.count > 1 {
            let spread = match self.starts.spread {
                Some(spread) => format!("with a spread of {spread}"),
                None => "as far around it as each value's own size".to_owned(),
            };
            what.push_str(&format!(
                "; from {} starts: the first, and others drawn {spread}, seed {}",
                self.starts.count, self.starts.seed
            ));
        }
        let mut text = line("unknowns", &what);
        if !facts.parameters.is_empty() {
            for row in aligned(&table(&facts.parameters), 1).lines() {
                text.push_str(&format!("{:LEAD$}{row}\n", ""));
            }
        }
        text
    }

    fn method_words(&self) -> String {
        let method = &self.method;
        let why = method.reason.map_or_else(
            || "given".to_owned(),
            |reason| format!("chosen because {reason}"),
        );
        let mut text = line("method", &format!("{}: {why}", method.name));
        let options = options(&method.options);
        if !options.is_empty() {
            text.push_str(&line("", &format!("options set: {options}")));
        }
        let whose = match method.search_given {
            true => " (given)",
            false => "",
        };
        text.push_str(&line("search", &format!("{}{whose}", method.search)));
        text
    }

    fn after_words(&self) -> String {
        let after = &self.after;
        let mut parts = Vec::new();
        if after.statistics {
            let level = 100.0 * after.level;
            parts.push(format!(
                "{level:.0} % confidence intervals, correlations and what is not identifiable"
            ));
        } else if let Some(why) = &after.no_statistics {
            parts.push(why.clone());
        } else if after.statistics_given_up {
            parts.push("no statistics, as was asked for".to_owned());
        }
        if !after.profiles.is_empty() {
            let level = 100.0 * after.profile_level;
            let names = after.profiles.join(", ");
            parts.push(format!("profile likelihoods of {names} at {level} %"));
        }
        if let Some((rank, samples)) = after.posterior {
            parts.push(format!(
                "the posterior from {rank} eigenvectors, and {samples} samples of it"
            ));
        }
        parts.join("; ")
    }

    fn cost_words(&self) -> String {
        let cost = &self.cost;
        let mut text = line(
            "cost",
            &format!(
                "{} unknowns, {} data; J: {}",
                cost.unknowns, cost.data, cost.jacobian
            ),
        );
        let mut measured = format!("one evaluation {}", duration(cost.forward_seconds));
        for (what, seconds) in [("J", cost.jvp_seconds), ("Jᵀ", cost.vjp_seconds)] {
            if let Some(seconds) = seconds {
                measured.push_str(&format!(", one product with {what} {}", duration(seconds)));
            }
        }
        text.push_str(&line("", &format!("measured at the start: {measured}")));
        match (&cost.update, cost.step_seconds) {
            (Some(counts), Some(seconds)) => text.push_str(&line(
                "",
                &format!(
                    "estimate of a step, from the first update ({}) and one evaluation: {}",
                    needed(counts),
                    duration(seconds)
                ),
            )),
            _ => text.push_str(&line("", cost.no_update.as_deref().unwrap_or_default())),
        }
        let loss = match cost.start_loss.is_finite() {
            true => number(cost.start_loss),
            false => "not finite".to_owned(),
        };
        text.push_str(&line("", &format!("loss at the start: {loss}")));
        text
    }

    fn output_words(&self) -> String {
        let file = self.output.file.as_ref();
        let folder = self.output.folder.as_ref();
        let x = file.map(|file| match file.as_os_str() == "-" {
            true => "x to standard output".to_owned(),
            false => format!("x to {}", file.display()),
        });
        let all = folder.map(|folder| format!("everything to the folder {}", folder.display()));
        let parts: Vec<String> = all.into_iter().chain(x).collect();
        parts.join("; ")
    }
}

fn simulator_words(simulator: &SimulatorFacts) -> String {
    let mut text = line(
        "simulator",
        &format!("{}: {}", simulator.name, simulator.sentence),
    );
    let options = options(&simulator.options);
    if !options.is_empty() {
        text.push_str(&line("", &format!("options set: {options}")));
    }
    text
}

/// A data set: its simulator, its data, its noise and its loss.
fn set_words(set: &SetFacts) -> String {
    let mut text = line("data set", &set.name);
    text.push_str(&simulator_words(&set.simulator));
    text.push_str(&data_words(&set.data, &set.noise));
    text
}

/// What the data are, and their noise.
fn data_words(data: &DataFacts, level: &NoiseFacts) -> String {
    let fields = match data.fields {
        1 => String::new(),
        count => format!("{count} fields of "),
    };
    let mut what = format!(
        "{}: {fields}{}, shape {}{}; {} observed, {} missing",
        data.source,
        data.name,
        extents(&data.shape),
        unit(&data.unit),
        data.observed,
        data.missing
    );
    if let Some(range) = data.range {
        what.push_str(&format!(
            "; from {} to {}",
            number(range.least),
            number(range.greatest)
        ));
    }
    if !data.columns.is_empty() {
        what.push_str(&format!("; columns {}", data.columns.join(", ")));
    }
    if let Some(times) = &data.times {
        what.push_str(&format!(
            "; times from {} to {}{}",
            number(times.range.least),
            number(times.range.greatest),
            unit(&times.unit)
        ));
    }
    let mut text = line("data", &what);
    let mut noise = level.sentence.clone();
    if let Some(std) = level.std {
        noise.push_str(&format!("; σ {}", std.words()));
    }
    text.push_str(&line("noise level", &noise));
    text
}

impl Range {
    fn words(self) -> String {
        match self.least == self.greatest {
            true => number(self.least),
            false => format!("{} to {}", number(self.least), number(self.greatest)),
        }
    }
}

impl PriorFacts {
    fn words(&self) -> String {
        let weight = match (self.weight, self.chosen_by) {
            (Some(weight), _) => format!("regularisation parameter {weight}, given"),
            (None, rule) => format!(
                "regularisation parameter chosen from the data by {} before the fit",
                rule.unwrap_or_default()
            ),
        };
        match options(&self.options).as_str() {
            "" => format!("{}; {weight}", self.name),
            options => format!("{} with {options}; {weight}", self.name),
        }
    }
}

/// The columns that have something to say, under a head.
fn table(parameters: &[ParameterFacts]) -> Vec<Vec<String>> {
    let head = [
        "name",
        "start",
        "lower",
        "upper",
        "unit",
        "optimised as",
        "prior",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for parameter in parameters {
        let end = |value: Option<f64>| value.map(number).unwrap_or_default();
        let prior = parameter.prior.map(|prior| {
            match (prior.mean, prior.std, prior.median, prior.log_std) {
                (Some(mean), Some(std), ..) => format!("mean {mean}, std {std}"),
                (.., Some(median), Some(log)) => format!("median {median}, log_std {log}"),
                _ => String::new(),
            }
        });
        let stands = match (parameter.role, &parameter.formula) {
            ("fixed", _) => "fixed".to_owned(),
            ("tied", Some(formula)) => format!("tied: {formula}"),
            _ => parameter.transform.map(seen).unwrap_or_default(),
        };
        let constant = parameter.lower.is_some() && parameter.lower == parameter.upper;
        rows.push(vec![
            parameter.name.clone(),
            end(parameter.start),
            end(parameter.lower),
            end(parameter.upper),
            parameter.unit.clone(),
            match constant {
                true => "fixed by its bounds".to_owned(),
                false => stands,
            },
            prior.unwrap_or_default(),
        ]);
        if let Some(own) = &parameter.own {
            let mut row = vec![String::new(); head.len()];
            (row[0], row[1], row[4]) = (own.name.clone(), number(own.start), own.unit.clone());
            rows.push(row);
        }
    }
    for column in (0..head.len()).rev() {
        if rows[1..].iter().all(|row| row[column].is_empty()) {
            rows.iter_mut().for_each(|row| drop(row.remove(column)));
        }
    }
    rows
}

/// What rules see in place of a value.
fn seen(transform: Transform) -> String {
    match transform {
        Transform::None => "itself".to_owned(),
        Transform::Log => "log".to_owned(),
        Transform::Log10 => "log10".to_owned(),
        Transform::Relative(unit) => format!("log of multiples of {}", number(unit)),
        Transform::Bounds(low, high) => {
            format!("logit between {} and {}", number(low), number(high))
        }
        Transform::Scale(unit) => format!("multiples of {}", number(unit)),
    }
}

/// `key = value, …`, long lists cut short.
fn options(table: &toml::Table) -> String {
    let one = |(key, value): (&String, &toml::Value)| format!("{key} = {}", shortened(value));
    table.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn shortened(value: &toml::Value) -> String {
    match value.as_array() {
        Some(all) if all.len() > SHOWN + 1 => {
            let first: Vec<String> = all.iter().take(SHOWN).map(ToString::to_string).collect();
            format!("[{}, …] ({} values)", first.join(", "), all.len())
        }
        _ => value.to_string(),
    }
}

/// `64 × 64`.
fn extents(shape: &[usize]) -> String {
    let extents: Vec<String> = shape.iter().map(ToString::to_string).collect();
    extents.join(" × ")
}

fn unit(unit: &str) -> String {
    match unit {
        "" | "1" => String::new(),
        unit => format!(" [{unit}]"),
    }
}

fn needed(counts: &Counts) -> String {
    let text = asked(counts);
    match counts.second_order {
        0 if text.is_empty() => "no further evaluation".to_owned(),
        0 => text,
        count => format!("{text}, {count} second-order"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_short_and_counted() {
        let shown = |text: &str| options(&text.parse().unwrap());
        assert_eq!(
            shown("t = [1, 2, 3, 4, 5, 6]"),
            "t = [1, 2, 3, 4, …] (6 values)"
        );
        assert_eq!(shown("s = [1, 2, 3, 4, 5]"), "s = [1, 2, 3, 4, 5]");
        assert_eq!(shown("k = \"a\""), "k = \"a\"");
    }

    #[test]
    fn columns_without_a_word_are_left_out() {
        let one = ParameterFacts {
            name: "k".to_owned(),
            unit: "1/s".to_owned(),
            role: "free",
            start: Some(1.5),
            lower: None,
            upper: None,
            transform: None,
            formula: None,
            prior: None,
            own: None,
        };
        let rows = table(&[one]);
        assert_eq!(rows, [["name", "start", "unit"], ["k", "1.500", "1/s"]]);
    }
}
