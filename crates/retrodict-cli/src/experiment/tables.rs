//! The results of a run as a table, and what the table cannot say.

use crate::results::folder::{MethodSummary, Summary};
use crate::results::survey;
use crate::terminal::text::{aligned, duration};
use retrodict::StatusKind;

/// How the methods ended.
pub fn results(summary: &Summary) -> String {
    let mut lines = vec![
        [
            "problem", "method", "status", "steps", "time", "loss", "x error", "forward", "jvp",
            "vjp", "inverse",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for m in &summary.methods {
        lines.push(vec![
            m.problem.clone(),
            m.method.clone(),
            status(m),
            m.steps.to_string(),
            duration(m.seconds),
            format!("{:.4e}", m.loss),
            m.x_error.map(|e| format!("{e:.4e}")).unwrap_or_default(),
            m.counts.forward.to_string(),
            m.counts.jvp.to_string(),
            m.counts.vjp.to_string(),
            m.counts.inverse.to_string(),
        ]);
    }
    // A column in which nobody has a value says nothing.
    let silent = |c: usize| lines[1..].iter().all(|line| line[c].is_empty());
    let spoken: Vec<usize> = (0..lines[0].len()).filter(|c| !silent(*c)).collect();
    let lines: Vec<Vec<String>> = lines
        .iter()
        .map(|line| spoken.iter().map(|c| line[*c].clone()).collect())
        .collect();
    aligned(&lines, 3)
}

fn status(m: &MethodSummary) -> String {
    match (m.converged_count, m.count) {
        (_, 1) | (0, _) => m.status.to_string(),
        (some, all) if some == all => format!("{} ({some} of {all})", m.status),
        (some, all) => format!("{} ({some} of {all} converged)", m.status),
    }
}

/// The distinct solutions of methods that were run from many starts; of a batch, those of its
/// first member.
pub fn surveys(summary: &Summary) -> String {
    let mut text = String::new();
    for m in &summary.methods {
        if let Some(found) = m.solutions.first() {
            text.push_str(&format!("\n{} · {}\n", m.problem, m.method));
            text.push_str(&survey::table(found));
        }
    }
    text
}

/// What the table cannot say: where a rule fell back, and what went wrong.
pub fn remarks(summary: &Summary) -> Vec<String> {
    let mut remarks = Vec::new();
    for m in &summary.methods {
        let who = format!("{} · {}", m.problem, m.method);
        if !matches!(m.status, StatusKind::Converged | StatusKind::StepLimit) {
            remarks.push(format!("{who}: {}: {}", m.status, m.message));
        }
        remarks.extend(m.notices.iter().map(|notice| format!("{who}: {notice}")));
    }
    remarks
}
