//! What can be named is listed and explained: on the screen, as JSON, as a page, to a shell and as a manual.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Output;

use crate::binary::retrodict;
use tempfile::tempdir;

fn run(folder: &Path, words: &str) -> Output {
    retrodict(folder)
        .args(words.split_whitespace())
        .output()
        .unwrap()
}

/// One list, one entry, a part of a description: as text, as JSON with a schema, as a page; a name that is misspelt is guessed.
#[test]
fn a_list_an_entry_and_its_options_are_shown() {
    let folder = tempdir().unwrap();
    let said = |words: &str| {
        let done = run(folder.path(), words);
        assert_eq!(done.status.code(), Some(0), "{words}");
        String::from_utf8(done.stdout).unwrap()
    };
    let simulators = said("list simulators");
    assert!(simulators.contains("sir") && !simulators.contains("gradient-descent"));
    assert_eq!(simulators, said("list simulator"));
    let sir = said("list sir");
    for part in [
        "sir (simulator)",
        "also epidemic",
        "contact",
        "ln contact",
        "tolerance",
        "[default: ",
        "number",
    ] {
        let words: Vec<&str> = sir.split_whitespace().collect();
        assert!(words.join(" ").contains(part), "{sir} lacks {part}");
    }
    assert_eq!(sir, said("help sir"));
    assert_eq!(sir, said("list epidemic"));
    // A name of several kinds.
    let newton = said("list newton");
    assert!(newton.contains("newton (rule)") && newton.contains("newton (local inverse)"));
    assert!(said("list stop").contains("residual_below"));
    assert!(said("list inversion").contains("simulator"));
    for (name, keys) in [
        ("training", &["network", "stop", "method"][..]),
        ("training-method", &["strategy", "batch", "clip"]),
        ("training-stop", &["patience", "loss_below", "time"]),
        ("draw", &["power-law", "exponent (number)", "arrays"]),
        ("experiment", &["problem", "method", "seed"]),
        ("truth", &["photograph", "no keys"]),
    ] {
        let shown = said(&format!("list {name}"));
        assert!(keys.iter().all(|key| shown.contains(key)), "{shown}");
        let json: serde_json::Value =
            serde_json::from_str(&said(&format!("list {name} --json"))).unwrap();
        let schema = &json[0]["schema"];
        assert!(
            schema["properties"].is_object() || schema["oneOf"].is_array(),
            "{schema}"
        );
    }
    assert!(said("list experiments").contains("lotka-volterra"));
    let json: serde_json::Value = serde_json::from_str(&said("list adam --json")).unwrap();
    assert_eq!(json[0]["options"][0]["key"], "learning_rate");
    assert_eq!(json[0]["options"][0]["default"], 0.01);
    assert_eq!(
        json[0]["schema"]["properties"]["learning_rate"]["type"],
        "number"
    );
    let page = said("list losses --markdown");
    assert!(
        page.contains("### `huber`") && page.contains("| `delta` |"),
        "{page}"
    );
    let wrong = run(folder.path(), "list haet");
    assert_eq!(wrong.status.code(), Some(2));
    let wrong = String::from_utf8(wrong.stderr).unwrap();
    assert!(wrong.contains("did you mean 'heat'"), "{wrong}");
    // Help of commands stays what it was.
    assert!(said("help solve").contains("--target"));
    assert!(said("help").contains("completions"));
}

/// Completions know the names of the registry; manual pages are those of the commands.
#[test]
fn shells_and_man_are_served() {
    let folder = tempdir().unwrap();
    let said = |words: &str| {
        let done = run(folder.path(), words);
        assert_eq!(done.status.code(), Some(0), "{words}");
        String::from_utf8(done.stdout).unwrap()
    };
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&format!("completions {shell}"));
        assert!(
            script.contains("retrodict") && script.len() > 1000,
            "{shell}"
        );
    }
    let bash = said("completions bash");
    assert!(bash.contains("lotka-volterra") && bash.contains("half-inverse"));
    assert!(said("man").contains(".TH"));
    assert!(said("man solve").contains("target"));
    assert_eq!(run(folder.path(), "man solv").status.code(), Some(2));
}
