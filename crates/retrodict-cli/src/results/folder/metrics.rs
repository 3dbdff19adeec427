//! The course of each method: `metrics.csv` of a run's folder, a line a step.

use std::fmt::Write;

use retrodict::Counts;

/// One line of `metrics.csv`; means over the batch, counts summed over it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The method.
    pub method: String,
    /// The number of steps taken.
    pub step: usize,
    /// Seconds since the method's start.
    pub seconds: f64,
    /// The loss.
    pub loss: f64,
    /// The error in x.
    pub x_error: Option<f64>,
    /// ‖Δx‖₂ of the last step.
    pub step_norm: f64,
    /// Evaluations of the simulator so far.
    pub counts: Counts,
    /// The problem.
    pub problem: String,
}

/// The first line of `metrics.csv`.
const METRICS_HEADER: &str =
    "method,step,seconds,loss,x_error,step_norm,forward,jvp,vjp,inverse,problem";

/// The rows as text.
pub(super) fn metrics(rows: &[Row]) -> String {
    let mut text = format!("{METRICS_HEADER}\n");
    for row in rows {
        let error = row.x_error.map(|e| e.to_string()).unwrap_or_default();
        let Counts {
            forward,
            jvp,
            vjp,
            inverse,
            ..
        } = row.counts;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{},{},{:.9},{},{error},{},{forward},{jvp},{vjp},{inverse},{}",
            quoted(&row.method),
            row.step,
            row.seconds,
            row.loss,
            row.step_norm,
            quoted(&row.problem)
        );
    }
    text
}

/// A field of a CSV file; names may hold commas and quotes.
pub fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// The rows of a text, or the first line that is none.
pub(super) fn parse_metrics(text: &str) -> Result<Vec<Row>, String> {
    let mut lines = text.lines();
    if lines.next() != Some(METRICS_HEADER) {
        return Err(format!("the first line is not {METRICS_HEADER}"));
    }
    lines
        .enumerate()
        .map(|(i, line)| parse_row(line).ok_or_else(|| format!("line {}", i + 2)))
        .collect()
}

fn parse_row(line: &str) -> Option<Row> {
    let fields = split(line);
    let [
        method,
        step,
        seconds,
        loss,
        error,
        norm,
        forward,
        jvp,
        vjp,
        inverse,
        problem,
    ] = fields.as_slice()
    else {
        return None;
    };
    Some(Row {
        method: method.clone(),
        step: step.parse().ok()?,
        seconds: seconds.parse().ok()?,
        loss: loss.parse().ok()?,
        x_error: if error.is_empty() {
            None
        } else {
            Some(error.parse().ok()?)
        },
        step_norm: norm.parse().ok()?,
        counts: Counts::default()
            .with_forward(forward.parse().ok()?)
            .with_jvp(jvp.parse().ok()?)
            .with_vjp(vjp.parse().ok()?)
            .with_inverse(inverse.parse().ok()?),
        problem: problem.clone(),
    })
}

/// Splits a line of a CSV file at commas outside quotes.
pub fn split(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut inside = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if inside && characters.peek() == Some(&'"') => {
                characters.next();
                if let Some(field) = fields.last_mut() {
                    field.push('"');
                }
            }
            '"' => inside = !inside,
            ',' if !inside => fields.push(String::new()),
            c => {
                if let Some(field) = fields.last_mut() {
                    field.push(c);
                }
            }
        }
    }
    fields
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn metrics_come_back_as_they_went() {
        let row = Row {
            method: "a, \"b\"".into(),
            step: 3,
            seconds: 0.5,
            loss: 1e-300,
            x_error: None,
            step_norm: 0.1,
            counts: Counts::default()
                .with_forward(4)
                .with_vjp(3)
                .with_inverse(1),
            problem: "p".into(),
        };
        let rows = [
            row.clone(),
            Row {
                x_error: Some(0.25),
                ..row
            },
        ];
        assert_eq!(parse_metrics(&metrics(&rows)).unwrap(), rows);
        assert!(parse_metrics("nonsense").is_err());
    }
}
