//! The ranking of the methods on a problem.

use super::style::{colour, escape, number};
use crate::results::folder::{MethodSummary, ProblemFacts};
use crate::results::survey::sentence;
use retrodict::StatusKind;

/// How good a result is, for ranking: the error in x where the truth is known and the only one,
/// else the loss.
/// What is not a number comes last.
fn merit(method: &MethodSummary) -> f64 {
    let merit = method.x_error.unwrap_or(method.loss);
    if merit.is_finite() {
        merit
    } else {
        f64::INFINITY
    }
}

/// ✓ converged, ○ ended for another reason, ✗ went wrong: the mark, not the colour, says it.
fn mark(method: &MethodSummary) -> &'static str {
    match method.status {
        StatusKind::Converged => "✓",
        status if status.is_broken() => "✗",
        _ => "○",
    }
}

/// The table; `order` gives each method's colour.
pub fn ranking(problem: &ProblemFacts, methods: &[&MethodSummary], order: &[String]) -> String {
    let mut ranked = methods.to_vec();
    ranked.sort_by(|a, b| merit(a).total_cmp(&merit(b)));
    // Where many x serve as well, there is no error in x to speak of.
    let measured = !problem.error.is_empty();
    let error = |m: &MethodSummary| match m.x_error {
        Some(error) => format!("<td>{}</td>", number(error)),
        None if measured => "<td>–</td>".to_owned(),
        None => String::new(),
    };
    let (mut rows, mut meanings) = (String::new(), String::new());
    for (i, m) in ranked.iter().enumerate() {
        let index = order.iter().position(|o| *o == m.method).unwrap_or(0);
        let members = if m.count > 1 {
            match m.status {
                StatusKind::Converged => format!(" ({} of {})", m.converged_count, m.count),
                _ => format!(" ({} of {} converged)", m.converged_count, m.count),
            }
        } else {
            String::new()
        };
        let notices = m
            .notices
            .iter()
            .map(|n| format!("; {}", escape(n)))
            .collect::<String>();
        let solutions = m
            .solutions
            .iter()
            .take(1)
            .map(|found| format!("; {}", escape(&sentence(found))))
            .collect::<String>();
        rows.push_str(&format!(
            "<tr><td>{}</td><td class=left><span class=swatch style=\"background:{}\"></span>{}</td>\
             {}<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td class=ended>{} {}{members}</td></tr>\n",
            i + 1,
            colour(index),
            escape(&m.method),
            error(m),
            number(m.loss),
            m.steps,
            number(m.seconds),
            m.counts.forward,
            m.counts.jvp,
            m.counts.vjp,
            m.counts.inverse,
            mark(m),
            m.status,
        ));
        meanings.push_str(&format!(
            "<li><span class=swatch style=\"background:{}\"></span><b>{}</b>: {}{notices}{solutions}</li>\n",
            colour(index),
            escape(&m.method),
            escape(&m.message),
        ));
    }
    let heading = if measured {
        format!("<th>error {}</th>", escape(&problem.error))
    } else {
        String::new()
    };
    format!(
        "<div class=scroll><table class=ranking><thead><tr><th>#</th><th class=left>method</th>\
         {heading}<th>loss</th><th>steps</th><th>seconds</th>\
         <th>forward</th><th>jvp</th><th>vjp</th><th>inverse</th>\
         <th class=left>ended</th></tr></thead>\
         <tbody>\n{rows}</tbody></table></div>\n<ul class=meanings>\n{meanings}</ul>\n\
         <p class=soft>Best first. forward, jvp, vjp and inverse count evaluations of the simulator, products with \
         its Jacobian and with the transpose, and local inversions{}. The loss is {}.</p>\n",
        if problem.count > 1 {
            format!(
                ", summed over {} problems; errors and losses are means",
                problem.count
            )
        } else {
            String::new()
        },
        escape(&problem.loss)
    )
}
