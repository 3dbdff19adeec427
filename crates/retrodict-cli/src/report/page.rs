//! The page as a whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::curves::{self, Figure};
use super::style::{SCRIPT, SHEET, colour, escape, number};
use super::{filmstrip, parameters, paths, pictures, series, table};
use crate::results::folder::{MethodSummary, ProblemFacts, Row, RunContents};
use crate::results::verdict::verdicts;

/// The HTML of the report.
pub fn build(contents: &RunContents) -> String {
    let manifest = &contents.manifest;
    let mut figures = Vec::new();
    let mut body = format!("<h1>{}</h1>\n", escape(&manifest.title));
    let verdicts = verdicts(contents);
    for (problem, sentence) in &verdicts {
        let lead = match verdicts.len() {
            1 => String::new(),
            _ => format!("<b>{}</b>: ", escape(problem)),
        };
        body.push_str(&format!("<p class=lead>{lead}{}.</p>\n", escape(sentence)));
    }
    body.push_str(&format!("<p>{}</p>\n", escape(&manifest.sentence)));
    if !manifest.source.is_empty() {
        body.push_str(&format!("<p class=soft>{}</p>\n", escape(&manifest.source)));
    }
    if manifest.interrupted {
        body.push_str("<p class=note>The run was interrupted; the results so far are shown.</p>\n");
    }
    for (i, problem) in manifest.problems.iter().enumerate() {
        body.push_str(&section(contents, problem, &format!("p{i}"), &mut figures));
    }
    body.push_str(&provenance(contents));
    document(&manifest.title, &body, &figures)
}

/// A page with everything that its figures need.
pub(super) fn document(title: &str, body: &str, figures: &[Figure]) -> String {
    let figures: Vec<_> = figures
        .iter()
        .map(|f| json!({ "id": f.id, "data": f.data, "layout": f.layout }))
        .collect();
    // A closing tag inside a string would end the script.
    let figures = json!(figures).to_string().replace("</", "<\\/");
    format!(
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n\
         <meta name=viewport content=\"width=device-width, initial-scale=1\">\n\
         <title>{} · retrodict</title>\n<style>{SHEET}</style>\n{}\n</head>\n\
         <body>\n<noscript><p class=note>The plots need JavaScript.</p></noscript>\n\
         <main>\n{body}</main>\n<script>\nconst figures = {figures};\n{SCRIPT}</script>\n\
         </body>\n</html>\n",
        escape(title),
        plotly()
    )
}

/// What draws plots: scatter and contour plots of plotly.js, deflated (`build.rs`).
const PLOTLY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plotly.js.gz"));

/// plotly.js as text that a page can hold; [`SCRIPT`] unpacks it.
fn plotly() -> String {
    format!(
        "<script type=\"application/gzip;base64\" id=plotly>{}</script>",
        STANDARD.encode(PLOTLY)
    )
}

fn section(
    contents: &RunContents,
    problem: &ProblemFacts,
    key: &str,
    figures: &mut Vec<Figure>,
) -> String {
    let methods: Vec<&MethodSummary> = contents
        .summary
        .methods
        .iter()
        .filter(|m| m.problem == problem.name)
        .collect();
    let order: Vec<String> = methods.iter().map(|m| m.method.clone()).collect();
    let rows: Vec<&Row> = contents
        .rows
        .iter()
        .filter(|r| r.problem == problem.name)
        .collect();
    let mut html = format!(
        "<section>\n<h2>{}</h2>\n<p>{}: {}.{}</p>\n",
        escape(&problem.name),
        escape(&problem.simulator),
        escape(&problem.sentence),
        setting(problem)
    );
    if methods.is_empty() {
        html.push_str("<p class=note>No method was run on this problem.</p></section>\n");
        return html;
    }
    html.push_str(&table::ranking(problem, &methods, &order));
    let (fit, more) = series::section(contents, problem, &order, key);
    html.push_str(&fit);
    figures.extend(more);
    html.push_str(&parameters::section(contents, problem, &order));
    let (pictures, more) = pictures::section(contents, problem, &order, key);
    html.push_str(&pictures);
    figures.extend(more);
    html.push_str(&filmstrip::section(contents, problem, &order));

    html.push_str("<h3>Convergence</h3>\n");
    html.push_str(
        "<p class=soft>Lower and further left is better. Click a method to hide it.</p>\n",
    );
    html.push_str(&chips(&order));
    let (curves, note) = curves::figures(key, problem, &rows, &order);
    html.push_str(&pairs(&curves));
    if let Some(note) = note {
        html.push_str(&format!("<p class=soft>{}</p>\n", escape(&note)));
    }
    figures.extend(curves);

    let (paths, more) = paths::section(contents, problem, &order, key);
    html.push_str(&paths);
    figures.extend(more);
    html.push_str("</section>\n");
    html
}

/// A button for each method, which hides it in all figures of the section.
pub(super) fn chips(order: &[String]) -> String {
    let mut html = "<div class=chips>".to_owned();
    for (i, method) in order.iter().enumerate() {
        html.push_str(&format!(
            "<button class=chip aria-pressed=true data-method=\"{0}\">\
             <span class=swatch style=\"background:{1}\"></span>{0}</button>",
            escape(method),
            colour(i)
        ));
    }
    html.push_str("</div>\n");
    html
}

/// Figures side by side.
pub(super) fn pairs(figures: &[Figure]) -> String {
    let plots = figures
        .iter()
        .map(|f| format!("<div class=plot id=\"{}\"></div>\n", f.id));
    format!("<div class=pair>\n{}</div>\n", plots.collect::<String>())
}

fn setting(problem: &ProblemFacts) -> String {
    let mut text = String::new();
    let values: usize = problem.x.shape.iter().product();
    text.push_str(&format!(" {values} unknowns"));
    if problem.count > 1 {
        let what = if problem.colour {
            "colour channels"
        } else {
            "independent problems"
        };
        text.push_str(&format!(", {} {what}", problem.count));
    }
    if problem.noise > 0.0 {
        text.push_str(&format!(
            ", noise level {} of the signal's root mean square",
            number(problem.noise)
        ));
    }
    text.push('.');
    escape(&text)
}

/// Version, settings and command line.
pub(super) fn provenance(contents: &RunContents) -> String {
    let manifest = &contents.manifest;
    let configuration = serde_json::to_string_pretty(&manifest.configuration).unwrap_or_default();
    format!(
        "<details><summary>How to reproduce this</summary>\n<p class=soft>retrodict {}, seed {}, {} \
         threads, {} s. Command: <code>{}</code></p>\n<pre>{}</pre></details>\n",
        escape(&manifest.version),
        manifest.seed,
        manifest.threads,
        number(manifest.seconds),
        escape(&manifest.command),
        escape(&configuration)
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::results::folder::RunManifest;
    use retrodict::Counts;
    use std::io::Read;

    fn contents() -> RunContents {
        let problem = ProblemFacts {
            name: "p<script>".into(),
            count: 1,
            ..Default::default()
        };
        let row = |method: &str, step: usize, loss: f64| Row {
            method: method.into(),
            step,
            seconds: step as f64,
            loss,
            x_error: None,
            step_norm: 0.0,
            counts: Counts::default(),
            problem: "p<script>".into(),
        };
        let mut contents = RunContents {
            manifest: RunManifest {
                title: "a & b".into(),
                problems: vec![problem],
                ..Default::default()
            },
            rows: vec![
                row("one", 0, 1.0),
                row("one", 1, 0.0),
                row("two", 0, f64::NAN),
            ],
            ..Default::default()
        };
        for method in ["one", "two"] {
            contents.summary.methods.push(MethodSummary {
                method: method.into(),
                rule: "newton".into(),
                problem: "p<script>".into(),
                status: retrodict::StatusKind::Diverged,
                message: "lost".into(),
                converged: false,
                converged_count: 0,
                count: 1,
                steps: 1,
                seconds: 0.1,
                loss: f64::NAN,
                x_error: None,
                counts: Counts::default(),
                notices: vec!["fell back".into()],
                solutions: Vec::new(),
                iterates: None,
            });
        }
        contents
    }

    #[test]
    fn the_page_is_self_contained_and_safe() {
        let page = build(&contents());
        let own = page.replace(&plotly(), "");
        assert!(!own.contains("p<script>"), "names are escaped");
        assert!(own.contains("p&lt;script&gt;") && own.contains("a &amp; b"));
        assert!(
            !own.contains("http://") && !own.contains("https://"),
            "nothing is loaded"
        );
        assert!(!own.contains(" src=\"/"), "nothing is loaded");
        for method in ["one", "two"] {
            assert!(own.contains(&format!("data-method=\"{method}\"")));
        }
        assert!(own.contains("lower edge"), "the zero loss is mentioned");
    }

    #[test]
    fn plotting_is_embedded_with_the_kinds_of_plots_that_reports_use() {
        let mut script = String::new();
        flate2::read::GzDecoder::new(PLOTLY)
            .read_to_string(&mut script)
            .unwrap();
        assert!(script.contains("plotly.js v") && script.contains("name:\"contour\""));
        assert!(!script.contains("name:\"scattermap\""), "maps are left out");
        assert!(plotly().len() < 500_000, "{}", plotly().len());
    }
}
