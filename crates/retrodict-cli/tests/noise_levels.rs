//! Standard deviations that are none, and data that are missing, from the command line.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;

use crate::binary::{fail, succeed};
use tempfile::tempdir;

fn assert_says(message: &str, parts: &[&str]) {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(message.contains(part), "no '{part}' in: {message}");
    }
}

#[test]
fn a_level_that_is_none_is_refused() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("y.csv"), "0.1\n0.2\n0.8\n1.1\n").unwrap();
    for (words, key) in [("--noise-std", "noise.std"), ("--noise", "noise.relative")] {
        let said = fail(
            f,
            &format!("solve heat --target y.csv {words} 0 -o x.csv"),
            2,
        );
        assert_says(
            &said,
            &[key, "= 0 is not allowed", "no measurement is exact"],
        );
    }
    let said = fail(f, "solve heat --target y.csv --noise-std inf -o x.csv", 2);
    assert_says(&said, &["= inf is not allowed", "to ignore a datum"]);
    for (level, why) in [
        ("0", "no measurement is exact"),
        ("inf", "to ignore a datum"),
        ("-1", "must be greater than 0"),
    ] {
        fs::write(f.join("sigma.csv"), format!("0.1\n0.2\n{level}\n0.1\n")).unwrap();
        fs::write(
            f.join("fit.toml"),
            "target = \"y.csv\"\n[simulator]\nname = \"heat\"\n[noise]\nstd_file = \"sigma.csv\"\n",
        )
        .unwrap();
        let said = fail(f, "solve fit.toml -o x.csv", 2);
        assert_says(
            &said,
            &["sigma.csv", "deviations[2]", "is not allowed", why],
        );
    }
    assert!(!f.join("x.csv").exists());
}

#[test]
fn the_level_of_a_datum_that_is_missing_does_not_matter() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("y.csv"), "0.1\n0.2\nnan\n1.1\n").unwrap();
    let fitted = |levels: &str| {
        fs::write(f.join("sigma.csv"), levels).unwrap();
        fs::write(
            f.join("fit.toml"),
            "target = \"y.csv\"\n[simulator]\nname = \"heat\"\nnu_t = 0.1\n[noise]\nstd_file = \"sigma.csv\"\nmissing = true\n",
        )
        .unwrap();
        succeed(f, "solve fit.toml -o x.csv");
        fs::read(f.join("x.csv")).unwrap()
    };
    let right = fitted("0.1\n0.2\n0.5\n0.1\n");
    for level in ["0", "inf", "nan", "-1"] {
        assert_eq!(
            fitted(&format!("0.1\n0.2\n{level}\n0.1\n")),
            right,
            "{level}"
        );
    }
}
