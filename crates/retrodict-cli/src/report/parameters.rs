//! The values of a few named parameters: the true ones and those of each method, in x and in their own units.

use super::style::{escape, number};
use crate::data::Array;
use crate::results::folder::{ProblemFacts, RunContents};

/// A table of the parameters; nothing where x is a field.
pub fn section(contents: &RunContents, problem: &ProblemFacts, order: &[String]) -> String {
    let own = |what: &str| contents.field(&format!("{}/{what}", problem.name));
    let mut columns: Vec<(&str, &Array)> =
        own("truth").map(|x| ("true x", x)).into_iter().collect();
    columns.extend(order.iter().filter_map(|m| Some((m.as_str(), own(m)?))));
    if problem.labels.is_empty() || columns.is_empty() {
        return String::new();
    }
    let mut html = "<h3>Parameters</h3>\n".to_owned();
    if problem.count > 1 {
        html.push_str("<p class=soft>The first example of the batch.</p>\n");
    }
    html.push_str(
        "<div class=scroll><table>\n<tr><th class=left>parameter</th><th class=left>unit</th>",
    );
    for (name, _) in &columns {
        html.push_str(&format!("<th>{}</th>", escape(name)));
    }
    html.push_str("</tr>\n");
    let mut row = |class: &str, name: &str, unit: &str, value: &dyn Fn(&Array) -> Option<f64>| {
        html.push_str(&format!(
            "<tr{class}><td class=left>{}</td><td class=left>{}</td>",
            escape(name),
            escape(unit)
        ));
        for (_, x) in &columns {
            let cell = value(x).map_or_else(|| "–".to_owned(), number);
            html.push_str(&format!("<td>{cell}</td>"));
        }
        html.push_str("</tr>\n");
    };
    for (i, (name, unit)) in problem.labels.iter().enumerate() {
        row("", name, unit, &|x| x.values.get(i).copied());
        if let Some(Some(own)) = problem.own_units.get(i) {
            row(" class=own", &own.name, &own.unit, &|x| {
                x.values.get(i).map(|x| own.of(*x))
            });
        }
    }
    html.push_str("</table></div>\n");
    html
}
