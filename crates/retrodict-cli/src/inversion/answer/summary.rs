//! What is printed of an answer beside how it ended: weight, intervals, posterior.

use retrodict::Counts;
use retrodict::StatusKind;
use retrodict::uncertainty::profile::Identifiability;
use retrodict::uncertainty::statistics::Noise;

use crate::inversion::answer::data_sets;
use crate::inversion::{Answer, Chosen, Parameter, PosteriorFacts, ProfileFacts, Statistics};
use crate::results::folder::MethodSummary;
use crate::terminal::text::{aligned, duration, wrapped};

/// So many unknowns that are not identifiable are named in a line.
const NAMED: usize = 5;

/// What was chosen, in a sentence.
pub fn chosen(chosen: &Chosen) -> String {
    let settled = match chosen.settled {
        true => "",
        false => ", not yet settled",
    };
    format!(
        "the regularisation parameter (weight) of {} is {:.4e} by {}; effective degrees of freedom of the fit: \
         {:.1}; {} linearisation{}{settled}; {}",
        chosen.prior,
        chosen.weight,
        chosen.rule.name(),
        chosen.freedom,
        chosen.rounds,
        if chosen.rounds == 1 { "" } else { "s" },
        asked(&chosen.counts)
    )
}

/// What speaks against the weight, and against those of rules that were tried before.
pub fn doubts(chosen: &Chosen) -> Vec<String> {
    let passed = chosen
        .passed
        .iter()
        .map(|(rule, why)| format!("{} found no reliable weight: {why}", rule.name()));
    let own = chosen.doubt.as_ref().map(|why| {
        format!(
            "the weight of {} is doubtful: {why}; try another rule (discrepancy if the noise level is known, \
             cross-validation, l-curve), or give a number",
            chosen.prior
        )
    });
    passed.chain(own).collect()
}

/// What came out, in a sentence: of one field how well it fits and what is identifiable, of several how they ended.
pub fn headline(methods: &[MethodSummary], answers: &[Answer]) -> String {
    let rule = methods.first().map_or("", |m| m.rule.as_str());
    format!("{rule}: {}", ending(answers))
}

/// As [`headline`], without the rule.
pub fn ending(answers: &[Answer]) -> String {
    match answers {
        [] => "nothing was solved".to_owned(),
        [answer] => one(answer),
        several => {
            let mut statuses: Vec<(StatusKind, usize)> = Vec::new();
            for answer in several {
                match statuses
                    .iter_mut()
                    .find(|(status, _)| *status == answer.status)
                {
                    Some((_, count)) => *count += 1,
                    None => statuses.push((answer.status, 1)),
                }
            }
            let each = statuses
                .iter()
                .map(|(status, count)| format!("{count} {status}"));
            format!(
                "{} fields: {}",
                several.len(),
                each.collect::<Vec<_>>().join(", ")
            )
        }
    }
}

fn one(answer: &Answer) -> String {
    let plural = if answer.steps == 1 { "" } else { "s" };
    let (steps, time) = (answer.steps, duration(answer.seconds));
    let mut text = match answer.converged {
        true => format!("{} in {steps} step{plural} and {time}", answer.status),
        false => format!("{} after {steps} step{plural} and {time}", answer.status),
    };
    let statistics = answer.statistics.as_ref();
    let test = statistics.and_then(|s| s.reduced_chi_squared.zip(s.goodness_of_fit));
    match (test, answer.chi_squared) {
        (Some((reduced, p)), _) => {
            let means = match p {
                p if p < 0.01 => "the model does not fit the data to within their noise level",
                p if p > 0.99 => "the residuals are smaller than the noise level",
                _ => "the fit is consistent with the noise level",
            };
            text.push_str(&format!(
                "; reduced χ² = {reduced:.3}, p {}: {means}",
                share(p)
            ));
        }
        (None, Some(chi)) => text.push_str(&format!("; χ²/N = {chi:.3}")),
        (None, None) if answer.loss.is_nan() => {}
        (None, None) => text.push_str(&format!("; loss {:.4e}", answer.loss)),
    }
    if let Some(found) = statistics {
        let free = found.unknowns - found.fixed.len();
        let from = if found.priors {
            " from data and prior"
        } else {
            ""
        };
        text.push_str(&match (found.rank, free) {
            (1, 1) => format!("; the unknown is identifiable{from}"),
            (rank, free) if rank == free => format!("; all {free} unknowns are identifiable{from}"),
            (rank, free) => {
                let named = undetermined(found);
                format!("; rank {rank} of {free}: not all unknowns are identifiable{from}{named}")
            }
        });
    }
    text
}

/// The unknowns whose intervals are infinite, where a few are.
fn undetermined(found: &Statistics) -> String {
    let open = |parameter: &&Parameter| {
        parameter.deviation.is_none() && !found.fixed.contains(&parameter.name)
    };
    let names: Vec<&str> = found
        .parameters
        .iter()
        .filter(open)
        .map(|parameter| parameter.name.as_str())
        .collect();
    match names.len() == found.undetermined && (1..=NAMED).contains(&names.len()) {
        true => format!(" (not {})", names.join(", ")),
        false => String::new(),
    }
}

/// `2 forward, 24 jvp`.
pub fn asked(counts: &Counts) -> String {
    let kinds = [
        (counts.forward, "forward"),
        (counts.jvp, "jvp"),
        (counts.vjp, "vjp"),
        (counts.inverse, "inverse"),
    ];
    let some: Vec<String> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
    some.join(", ")
}

/// All of it, line by line; nothing where nothing was asked for.
pub fn summary(answer: &Answer) -> String {
    let mut text = String::new();
    if let Some(weight) = &answer.weight {
        text.push_str(&wrapped("weight: ", &chosen(weight)));
        text.push('\n');
        for words in doubts(weight) {
            text.push_str(&wrapped("note: ", &words));
            text.push('\n');
        }
    }
    if !answer.data_sets.is_empty() {
        text.push('\n');
        text.push_str(&data_sets::table(&answer.data_sets));
    }
    if let Some(found) = &answer.statistics {
        text.push_str(&statistics(found));
    }
    if !answer.profiles.is_empty() {
        text.push_str(&profiles(&answer.profiles));
    }
    if let Some(found) = &answer.posterior {
        text.push_str(&posterior(found));
    }
    for remark in &answer.remarks {
        text.push_str(&wrapped("note: ", remark));
        text.push('\n');
    }
    text
}

fn statistics(found: &Statistics) -> String {
    let mut text = format!("\n{}\n", found.heading());
    text.push_str(&aligned(&table(found), 1));
    for sentence in found.sentences() {
        text.push_str(&wrapped("  ", &sentence));
        text.push('\n');
    }
    for words in &found.words {
        text.push_str(&wrapped("note: ", words));
        text.push('\n');
    }
    text
}

fn profiles(found: &[ProfileFacts]) -> String {
    let level = found.first().map_or(0.95, |found| found.level);
    let mut text = format!(
        "\n{:.0} % intervals by profile likelihood:\n",
        100.0 * level
    );
    let head = ["", "value", "lower", "upper", "unit", ""];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    let mut notes = Vec::new();
    for facts in found {
        let interval = facts.profile.interval();
        let end = |value: f64| match value {
            f64::INFINITY => "∞".to_owned(),
            f64::NEG_INFINITY => "−∞".to_owned(),
            value => format!("{value:.5e}"),
        };
        let is = match facts.profile.identifiability {
            Identifiability::Identifiable => "identifiable",
            Identifiability::BoundedBelow => "only bounded from below",
            Identifiability::BoundedAbove => "only bounded from above",
            Identifiability::Flat => "flat: not identifiable",
            _ => "not bounded",
        };
        lines.push(vec![
            facts.name.clone(),
            format!("{:.5e}", facts.profile.value),
            end(interval.low),
            end(interval.high),
            facts.unit.clone(),
            is.to_owned(),
        ]);
        let plain = facts.profile.identifiability == Identifiability::Identifiable;
        if !plain || facts.profile.better.is_some() {
            notes.push(&facts.sentence);
        }
    }
    text.push_str(&aligned(&lines, 1));
    for sentence in notes {
        text.push_str(&wrapped("note: ", sentence));
        text.push('\n');
    }
    let mut counts = Counts::default();
    found
        .iter()
        .for_each(|facts| counts.add(&facts.profile.counts));
    text.push_str(&format!(
        "  evaluations for these profiles: {}\n",
        asked(&counts)
    ));
    text
}

fn table(found: &Statistics) -> Vec<Vec<String>> {
    let head = ["unknown", "value", "std. dev.", "lower", "upper", "unit"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    let finite = |value: Option<f64>, infinite: &str| {
        value.map_or_else(|| infinite.to_owned(), |v| format!("{v:.5e}"))
    };
    for parameter in &found.parameters {
        let fixed = found.fixed.contains(&parameter.name);
        lines.push(vec![
            parameter.name.clone(),
            format!("{:.5e}", parameter.value),
            match fixed {
                true => "fixed".to_owned(),
                false => finite(parameter.deviation, "∞"),
            },
            finite(parameter.low, "−∞"),
            finite(parameter.high, "∞"),
            parameter.unit.clone(),
        ]);
        if let Some(own) = &parameter.own {
            lines.push(vec![
                own.name.clone(),
                format!("{:.5e}", own.value),
                String::new(),
                finite(own.low, "−∞"),
                finite(own.high, "∞"),
                own.unit.clone(),
            ]);
        }
    }
    for quantity in &found.quantities {
        let constant = quantity.formula.is_none();
        lines.push(vec![
            quantity.label(),
            format!("{:.5e}", quantity.value),
            match constant {
                true => "fixed".to_owned(),
                false => finite(quantity.deviation, "∞"),
            },
            finite(quantity.low, "−∞"),
            finite(quantity.high, "∞"),
            quantity.unit.clone(),
        ]);
    }
    lines
}

impl Statistics {
    /// What the intervals are.
    pub fn heading(&self) -> String {
        let noise = match self.noise {
            Noise::Known => "noise level given",
            Noise::Estimated => "noise level estimated from the residuals",
            Noise::Fitted => "noise level fitted, by maximum likelihood",
        };
        let priors = if self.priors {
            " from data and prior"
        } else {
            ""
        };
        let shown = self.parameters.len();
        let some = match shown < self.unknowns {
            true => format!(
                "; the {} most and the {} least certain of {} unknowns",
                shown / 2,
                shown - shown / 2,
                self.unknowns
            ),
            false => String::new(),
        };
        format!(
            "{:.0} % confidence intervals{priors} ({noise}){some}:",
            100.0 * self.level
        )
    }

    /// Everything that is no table, in sentences.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = vec![format!(
            "{} data, {} degrees of freedom; rank {} of {}, condition number {:.2e}",
            self.data,
            self.degrees_of_freedom,
            self.rank,
            self.unknowns - self.fixed.len(),
            self.condition
        )];
        if let Some(chi_squared) = self.chi_squared {
            let mut text = format!(
                "χ² = {chi_squared:.4}, χ²/N = {:.3}",
                chi_squared / self.data.max(1) as f64
            );
            if let (Some(reduced), Some(probability)) =
                (self.reduced_chi_squared, self.goodness_of_fit)
            {
                text.push_str(&format!(
                    ", reduced χ² = {reduced:.3}; p {} (probability of a larger χ²)",
                    share(probability)
                ));
            }
            sentences.push(text);
        }
        if let Some(found) = &self.criteria {
            let levels = match (found.estimated, self.noise) {
                (0, Noise::Fitted) => " with fitted noise levels",
                (0, _) => "",
                _ => " with the noise level",
            };
            let aicc = found
                .aicc
                .map_or_else(String::new, |aicc| format!("AICc {aicc:.3}, "));
            sentences.push(format!(
                "ln L = {:.4}; AIC {:.3}, {aicc}BIC {:.3} ({} parameters{levels}, {} data)",
                found.log_likelihood, found.aic, found.bic, found.parameters, found.data
            ));
        }
        sentences.push(format!(
            "residuals y* − P(x): root mean square {:.3e}, largest {:.3e} at {}",
            self.residual,
            self.worst.1,
            self.worst_place
                .clone()
                .unwrap_or_else(|| format!("y[{}]", self.worst.0))
        ));
        if !self.correlations.is_empty() {
            let pairs = self.correlations.iter().map(|pair| {
                let (a, b) = &pair.between;
                format!("{a} and {b} {:.3}", pair.correlation).replace(" -", " −")
            });
            sentences.push(format!(
                "strongest correlations: {}",
                pairs.collect::<Vec<_>>().join(", ")
            ));
        }
        if self.undetermined > 0 {
            sentences.push(format!(
                "{} of {} unknowns have infinite confidence intervals",
                self.undetermined, self.unknowns
            ));
        }
        sentences.push(format!(
            "evaluations for these statistics: {}",
            asked(&self.counts)
        ));
        sentences
    }
}

/// A probability, of which the smallest say no more than that they are small.
fn share(probability: f64) -> String {
    if probability < 1e-4 {
        "< 0.0001".to_owned()
    } else {
        format!("= {probability:.2}")
    }
}

fn posterior(found: &PosteriorFacts) -> String {
    let mut text = format!("\n{}\n", wrapped("posterior: ", &found.sentence()));
    for words in &found.words {
        text.push_str(&wrapped("note: ", words));
        text.push('\n');
    }
    text
}

impl PosteriorFacts {
    /// What the data narrowed down, and from what that was found.
    pub fn sentence(&self) -> String {
        format!(
            "the data reduce the mean standard deviation from {:.3e} (prior) to {:.3e} (posterior); {} \
             eigenvalues from {:.2e} to {:.2e}; \
             {} sample{} with seed {}; {}",
            self.before,
            self.after,
            self.rank,
            self.eigenvalues.0,
            self.eigenvalues.1,
            self.samples,
            if self.samples == 1 { "" } else { "s" },
            self.seed,
            asked(&self.counts)
        )
    }
}
