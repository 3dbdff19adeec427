//! Packs what the report needs of plotly.js: scatter and contour plots, 1.0 MB of 4.7, deflated to 0.36.
//!
//! The crate `plotly` ships the bundle with all of its kinds of plots; of that, maps and 3D are the most. The bundle
//! is a list of modules, each a function that is run when it is first asked for, and the last one registers a kind
//! of plot per module. So what is left out is safe to leave out: no module that is still named by another.
use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The kinds of plots of the report, beside scatter, which plotly.js always has.
const KINDS: [&str; 1] = ["contour"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let scripts = plotly::Plot::offline_js_sources();
    // The other script of the crate typesets formulas, of which a report has none.
    let bundle = scripts
        .split("<script")
        .filter_map(|script| Some(script.split_once('>')?.1.rsplit_once("</script>")?.0))
        .find(|script| script.contains("plotly.js v"))
        .ok_or("the crate plotly brings no plotly.js")?;
    let slim = slim(bundle).unwrap_or_else(|| {
        println!(
            "cargo:warning=plotly.js is built in another way than expected: reports hold all of it"
        );
        bundle.to_owned()
    });
    let path = Path::new(&std::env::var("OUT_DIR")?).join("plotly.js.gz");
    let mut encoder = GzEncoder::new(std::fs::File::create(path)?, Compression::best());
    encoder.write_all(slim.as_bytes())?;
    encoder.finish()?;
    Ok(())
}

/// The bundle without the modules that the wanted kinds of plots do not need, if it is a bundle as esbuild makes them.
fn slim(bundle: &str) -> Option<String> {
    let common = wrapper(
        bundle,
        "=(e,t)=>()=>(t||e((t={exports:{}}).exports,t),t.exports)",
    )?;
    let modern = wrapper(bundle, "=(e,t)=>()=>(e&&(t=e(e=0)),t)")?;
    let modules = modules(bundle, common)?;
    let text: HashMap<&str, &str> = modules.iter().copied().collect();
    let (entry, register) = *modules.last()?;
    let (before, rest) = register.split_once(".register([")?;
    let (kinds, after) = rest.split_once("])")?;
    let wanted: Vec<&str> = kinds
        .split(',')
        .filter(|call| {
            // The registered module hands on the one that describes the kind.
            let described = calls(text.get(call.trim_end_matches("()")).unwrap_or(&""));
            KINDS.iter().any(|kind| {
                let name = format!("name:\"{kind}\"");
                described
                    .iter()
                    .any(|m| text.get(m).is_some_and(|t| t.contains(&name)))
            })
        })
        .collect();
    if wanted.len() != KINDS.len() {
        return None;
    }
    let register = format!("{before}.register([{}]){after}", wanted.join(","));

    // What stands between two modules of the first kind belongs to no module, or to one of the second: it stays.
    let marked = format!("={modern}(");
    let mut used: HashSet<&str> = HashSet::new();
    let mut open = calls(&register);
    open.extend(
        modules
            .iter()
            .filter(|(_, t)| t.contains(&marked))
            .map(|(name, _)| *name),
    );
    while let Some(name) = open.pop() {
        if let Some(text) = text.get(name)
            && name != entry
            && used.insert(name)
        {
            open.extend(calls(text));
        }
    }
    let length: usize = modules.iter().map(|(_, text)| text.len()).sum();
    let mut slim = bundle[..bundle.len() - length].to_owned();
    for (name, text) in &modules {
        if used.contains(name) {
            slim.push_str(text);
        }
    }
    slim.push_str(&register);
    Some(slim)
}

/// The name that minifying gave to a function of esbuild's, by its body.
fn wrapper<'a>(bundle: &'a str, body: &str) -> Option<&'a str> {
    Some(name_before(bundle, bundle.find(body)?))
}

/// Each module with its name and its text, which ends where the next one starts.
fn modules<'a>(bundle: &'a str, wrapper: &str) -> Option<Vec<(&'a str, &'a str)>> {
    let mut starts = Vec::new();
    for (at, _) in bundle.match_indices(&format!("={wrapper}(")) {
        let name = name_before(bundle, at);
        let start = (at - name.len()).checked_sub(4)?;
        if !bundle[start..].starts_with("var ") {
            return None;
        }
        starts.push((start, name));
    }
    let ends = starts
        .iter()
        .skip(1)
        .map(|(start, _)| *start)
        .chain([bundle.len()]);
    let modules: Vec<_> = starts
        .iter()
        .zip(ends)
        .map(|((start, name), end)| (*name, &bundle[*start..end]))
        .collect();
    let whole = modules
        .iter()
        .rev()
        .skip(1)
        .all(|(_, text)| text.ends_with("});"));
    (whole && modules.len() > 1).then_some(modules)
}

/// All names that stand before `()`: every module that is used, and functions that are none.
fn calls(text: &str) -> Vec<&str> {
    text.match_indices("()")
        .map(|(at, _)| name_before(text, at))
        .collect()
}

fn name_before(text: &str, at: usize) -> &str {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let start = text[..at].rfind(|c| !part(c)).map_or(0, |last| {
        last + text[last..].chars().next().map_or(1, char::len_utf8)
    });
    &text[start..at]
}
