//! All samples in a few numbers.

use serde::Serialize;

use super::sample::SampleLine;

/// All samples in a few numbers.
#[derive(Debug, Default, Serialize)]
pub struct PredictionSummary {
    /// Number of samples.
    pub count: usize,
    /// Number of networks.
    pub networks: usize,
    /// The samples whose simulation failed, by their numbers from 1.
    pub failed: Vec<usize>,
    /// The loss of the network's x.
    pub loss: Option<Extent>,
    /// The loss of the refined x.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refined_loss: Option<Extent>,
    /// χ²/N of the refined x, where the noise level is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chi_squared: Option<Extent>,
    /// ‖x − x*‖ / ‖x*‖ of the network's x, where x* is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_error: Option<Extent>,
    /// The same of the refined x.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refined_x_error: Option<Extent>,
    /// The root mean square of the spread of x over the networks, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
}

/// A figure over samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Extent {
    /// Half of the samples have less.
    pub median: f64,
    /// The largest.
    pub worst: f64,
    /// Of which sample, from 1.
    pub worst_sample: usize,
}

impl Extent {
    /// Of the samples that have a figure.
    fn of(lines: &[SampleLine], figure: impl Fn(&SampleLine) -> Option<f64>) -> Option<Self> {
        let all = lines.iter().map(|line| (line.sample, figure(line)));
        let mut known: Vec<(usize, f64)> = all.filter_map(|(i, v)| Some((i, v?))).collect();
        known.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (worst_sample, worst) = *known.last()?;
        let middle = known.len() / 2;
        let median = match known.len() % 2 {
            0 => known[middle - 1].1 / 2.0 + known[middle].1 / 2.0,
            _ => known[middle].1,
        };
        Some(Self {
            median,
            worst,
            worst_sample,
        })
    }
}

impl PredictionSummary {
    /// Of the lines of samples, of so many networks.
    pub fn of(lines: &[SampleLine], networks: usize, spread: Option<&[f64]>) -> Self {
        let refined = |line: &SampleLine| line.refined.clone();
        let failed = lines.iter().filter(|line| line.error.is_some());
        let mean_square =
            |spread: &[f64]| spread.iter().map(|s| s * s).sum::<f64>() / spread.len().max(1) as f64;
        Self {
            count: lines.len(),
            networks,
            failed: failed.map(|line| line.sample).collect(),
            loss: Extent::of(lines, |line| line.loss),
            refined_loss: Extent::of(lines, |line| refined(line).map(|r| r.loss)),
            chi_squared: Extent::of(lines, |line| refined(line)?.chi_squared),
            x_error: Extent::of(lines, |line| line.x_error),
            refined_x_error: Extent::of(lines, |line| refined(line)?.x_error),
            spread: spread.map(|spread| mean_square(spread).sqrt()),
        }
    }

    /// In lines of text.
    pub fn text(&self) -> String {
        let mut text = format!("samples: {}\n", self.count);
        let lines = [
            ("loss in y", &self.loss),
            ("loss in y, refined", &self.refined_loss),
            ("χ²/N, refined", &self.chi_squared),
            ("error ‖x − x*‖/‖x*‖", &self.x_error),
            ("error of x, refined", &self.refined_x_error),
        ];
        for (what, extent) in lines {
            if let Some(extent) = extent {
                text += &format!(
                    "{what}: median {:.3e}, worst {:.3e} (sample {})\n",
                    extent.median, extent.worst, extent.worst_sample
                );
            }
        }
        if let Some(spread) = self.spread {
            text += &format!(
                "spread of x over {} networks: {spread:.3e} (root mean square)\n",
                self.networks
            );
        }
        if !self.failed.is_empty() {
            text += &format!("failed, x is NaN: {}\n", numbers(&self.failed));
        }
        text
    }
}

/// How many numbers of samples are spelled out.
const SPELLED: usize = 12;

fn numbers(all: &[usize]) -> String {
    let spelled: Vec<String> = all.iter().take(SPELLED).map(usize::to_string).collect();
    let more = all.len() - spelled.len();
    let samples = match all {
        [_] => "sample",
        _ => "samples",
    };
    match more {
        0 => format!("{samples} {}", spelled.join(", ")),
        more => format!("{samples} {} and {more} more", spelled.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_samples_that_have_them() {
        let line = |sample, loss, error: Option<&str>| SampleLine {
            sample,
            loss,
            error: error.map(str::to_owned),
            ..SampleLine::default()
        };
        let lines = [
            line(1, Some(4.0), None),
            line(2, None, Some("no")),
            line(3, Some(1.0), None),
            line(4, Some(9.0), None),
            line(5, Some(2.0), None),
        ];
        let found = PredictionSummary::of(&lines, 2, Some(&[3.0, 4.0, 0.0, 0.0]));
        let expected = Extent {
            median: 3.0,
            worst: 9.0,
            worst_sample: 4,
        };
        assert_eq!((found.loss, found.x_error), (Some(expected), None));
        assert_eq!(found.failed, [2]);
        let text = found.text();
        assert!(text.contains("worst 9.000e0 (sample 4)"), "{text}");
        assert!(text.contains("over 2 networks: 2.500e0"), "{text}");
        assert!(text.contains("x is NaN: sample 2"), "{text}");
        let many: Vec<usize> = (1..=15).collect();
        assert!(numbers(&many).ends_with("12 and 3 more"));
    }
}
