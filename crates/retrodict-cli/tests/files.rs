//! Files that users have, through the doors of the binary: what each is taken for, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::binary::{fail, run, succeed};
use tempfile::tempdir;

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    fs::write(folder.join(name), content).unwrap();
}

fn numbers(folder: &Path, name: &str) -> Vec<f64> {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    text.split([',', '\n'])
        .filter(|cell| !cell.is_empty())
        .map(|cell| cell.parse().unwrap())
        .collect()
}

#[test]
fn a_byte_order_mark_costs_no_number() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    write(f, "plain.csv", "0.4\n0.1\n0.2\n0.8\n");
    write(f, "marked.csv", "\u{feff}0.4\r\n0.1\r\n0.2\r\n0.8\r\n");
    let solve = |name: &str| {
        succeed(
            f,
            &format!("solve heat --set nu_t=0.3 --target {name} -o x.csv"),
        );
        numbers(f, "x.csv")
    };
    let plain = solve("plain.csv");
    assert_eq!(plain.len(), 4);
    assert_eq!(solve("marked.csv"), plain);
}

#[test]
fn a_table_is_not_cut_across_its_columns_at_any_door() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    write(f, "ty.csv", "time,y\n0,0.5\n1,0.25\n2,0.125\n3,0.5\n");
    write(f, "y.csv", "0.5\n0.25\n0.125\n0.5\n");
    write(f, "two.csv", "1,2\n3,4\n5,6\n7,8\n");
    write(
        f,
        "sweep.toml",
        "[inversion]\ntarget = 'ty.csv'\nsimulator = { name = 'exp', size = 4 }\n[sweep.over]\n'stop.steps' = [1, 2]\n",
    );
    for words in [
        "solve exp --set size=4 --target ty.csv -o x.csv",
        "solve exp --target ty.csv -o x.csv",
        "solve heat --target ty.csv -o x.csv",
        "simulate exp --set size=4 --input ty.csv -o x.csv",
        "solve exp --set size=4 --target y.csv --start ty.csv -o x.csv",
        "solve exp --set size=4 --target y.csv --set noise.std_file=ty.csv -o x.csv",
        "solve exp --set size=4 --target y.csv --bounds two.csv, -o x.csv",
        "check exp --set size=4 --at ty.csv",
    ] {
        let message = fail(f, words, 2);
        assert!(message.contains("select one of its 2 columns"), "{message}");
        assert!(!f.join("x.csv").exists(), "{words}");
    }
    let message = fail(f, "batch sweep.toml --out b", 3);
    assert!(
        message.contains("as ") && message.contains("ty.csv:y"),
        "{message}"
    );
    // A column that is picked is what stands in a file of its own.
    succeed(f, "solve exp --target y.csv -o own.csv");
    for name in ["ty.csv:y", "ty.csv:2"] {
        succeed(f, &format!("solve exp --target {name} -o x.csv"));
        assert_eq!(numbers(f, "x.csv"), numbers(f, "own.csv"));
    }
    assert!(run(f, "solve exp --target ty.csv:y").status.success());
    assert!(f.join("ty-solved.csv").exists());
    let message = fail(f, "solve exp --target ty.csv:tyme", 2);
    assert!(message.contains("did you mean 'time'?"), "{message}");
    // Rows of the simulator's length are fields.
    write(f, "rows.csv", "1,2,3,4\n5,6,7,8\n");
    succeed(f, "solve exp --set size=4 --target rows.csv -o rows-x.csv");
    assert_eq!(numbers(f, "rows-x.csv").len(), 8);
}

#[test]
fn a_column_of_times_sets_those_of_the_simulator() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    write(f, "rates.csv", "0.1\n-0.2\n0.3\n-0.1\n");
    let times = "--set times=[0.5,1.0,2.5]";
    succeed(
        f,
        &format!("simulate lotka-volterra {times} --input rates.csv -o y.csv"),
    );
    let y = numbers(f, "y.csv");
    let mut table = "Time [years];prey;predators\n".to_owned();
    for (t, row) in ["0.5", "1.0", "2.5"].iter().zip(y.chunks(2)) {
        writeln!(table, "{t};{};{}", row[0], row[1]).unwrap();
    }
    write(f, "pelts.csv", table);
    let solve = "solve lotka-volterra --target";
    succeed(f, &format!("{solve} y.csv {times} -o told.csv"));
    let output = run(f, &format!("{solve} pelts.csv -o read.csv"));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    assert!(errors.contains("'Time [years]' of pelts.csv"), "{errors}");
    assert_eq!(numbers(f, "read.csv"), numbers(f, "told.csv"));
    let message = fail(
        f,
        &format!("{solve} pelts.csv --set times=[1.0,2.0,3.0]"),
        2,
    );
    assert!(message.contains("gives other times"), "{message}");
}

#[test]
fn a_deviation_of_nothing_or_without_end_is_refused_and_explained() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    write(f, "y.csv", "0.1\n0.2\n0.8\n1.1\n");
    write(f, "infinite.csv", "0.1\ninf\n0.1\n0.1\n");
    for (noise, parts) in [
        (
            "--noise-std 0",
            ["noise.std = 0", "no measurement is exact"],
        ),
        ("--noise 0", ["noise.relative = 0", "greater than 0"]),
        ("--noise-std inf", ["noise.std = inf", "missing"]),
        ("--noise-std=-1", ["noise.std = -1", "greater than 0"]),
        (
            "--set noise.std_file=infinite.csv",
            ["deviations[1] = inf", "missing"],
        ),
    ] {
        let message = fail(f, &format!("solve heat --target y.csv {noise} -o x.csv"), 2);
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
}

#[test]
fn what_is_no_file_of_data_is_not_read() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::create_dir(f.join("folder.npy")).unwrap();
    for name in ["folder.npy", "zero.npy", "zero.toml"] {
        #[cfg(unix)]
        if name.starts_with("zero") {
            std::os::unix::fs::symlink("/dev/zero", f.join(name)).unwrap();
        }
        if !f.join(name).exists() {
            continue;
        }
        let message = match name.ends_with("toml") {
            true => fail(f, &format!("run {name}"), 2),
            false => fail(f, &format!("solve heat --target {name}"), 2),
        };
        assert!(
            message.contains(name) && message.contains("not a regular file"),
            "{message}"
        );
    }
}

#[test]
fn counts_beyond_their_limit_are_refused() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    write(f, "t.csv", "1,2,3,4\n");
    write(
        f,
        "b.toml",
        "[inversion]\ntarget = 't.csv'\nsimulator = { name = 'exp', size = 4 }\n[sweep]\nkind = 'random'\n\
         count = 9223372036854775807\n[sweep.over]\n'noise.relative' = { from = 1e-3, to = 1.0 }\n",
    );
    let message = fail(f, "batch b.toml --out b", 2);
    assert!(message.contains("at most 100000"), "{message}");
    let message = fail(
        f,
        "solve exp --target t.csv --starts 4611686018427387904",
        2,
    );
    assert!(message.contains("start.count"), "{message}");
    for (set, part) in [
        ("data.train=9223372036854775807", "at most 10000000 samples"),
        ("data.test=9223372036854775807", "at most 10000000 samples"),
        ("until.seconds=1e300", "less than 1e19"),
    ] {
        let message = fail(f, &format!("train exp --set {set} --out t"), 2);
        assert!(message.contains(part), "{message}");
    }
}
