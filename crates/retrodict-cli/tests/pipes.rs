//! `-` for standard input and output, and `inspect`, through the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use crate::binary::{fail, retrodict, run, succeed};
use tempfile::tempdir;

/// Runs the binary with bytes on standard input.
fn piped(folder: &Path, words: &str, input: &[u8]) -> Output {
    let mut child = retrodict(folder)
        .args(words.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn out(folder: &Path, words: &str, input: &[u8]) -> Vec<u8> {
    let output = piped(folder, words, input);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}: {errors}");
    output.stdout
}

#[test]
fn data_go_through_pipes_and_words_beside() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    let x = b"0.5\n-0.25\n1\n0.125\n";
    fs::write(f.join("x.csv"), x).unwrap();
    succeed(f, "simulate heat --set nu_t=0.2 --input x.csv -o y.csv");
    let y = fs::read(f.join("y.csv")).unwrap();
    assert_eq!(out(f, "simulate heat --set nu_t=0.2 --input - -o -", x), y);
    succeed(f, "solve heat --set nu_t=0.2 --target y.csv -o back.csv");
    let back = fs::read(f.join("back.csv")).unwrap();
    let solve = "solve heat --set nu_t=0.2 --target -";
    for words in [solve.to_owned(), format!("{solve} -o -")] {
        let output = piped(f, &words, &y);
        assert_eq!(output.stdout, back, "{words}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("heat with"), "{said}");
    }
    // To a file, words go where they always go.
    let output = piped(f, &format!("{solve} -o other.csv"), &y);
    assert!(String::from_utf8_lossy(&output.stdout).contains("wrote other.csv"));
    assert_eq!(fs::read(f.join("other.csv")).unwrap(), back);
    // NumPy's array is known by its first bytes.
    succeed(f, "simulate heat --set nu_t=0.2 --input x.csv -o y.npy");
    let npy = fs::read(f.join("y.npy")).unwrap();
    assert_eq!(out(f, solve, &npy), back);
    // Columns of what is read once.
    let table = b"t,y,s\n0,0.5,0.1\n1,0.75,0.2\n";
    let one = out(f, "solve exp --target -:y --noise-std -:s", table);
    fs::write(f.join("t.csv"), table).unwrap();
    succeed(
        f,
        "solve exp --target t.csv:y --noise-std t.csv:s -o one.csv",
    );
    assert_eq!(one, fs::read(f.join("one.csv")).unwrap());
    // More than two axes are no table.
    let four: Vec<u8> = out(
        f,
        "simulate heat --set shape=[2,2,2] --input - -o -",
        b"1\n2\n3\n4\n5\n6\n7\n8\n",
    );
    assert!(four.starts_with(b"\x93NUMPY"));
    // A folder keeps what came, to resume from.
    let output = piped(f, &format!("{solve} --out kept"), &y);
    assert!(output.status.success());
    assert_eq!(fs::read(f.join("kept/standard-input.csv")).unwrap(), y);
    succeed(f, "resume kept --steps 1");
}

#[test]
fn what_pipes_cannot_bring_is_told() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    for (words, input, part) in [
        (
            "solve heat --target -",
            &b""[..],
            "cannot read standard input (-): it is empty",
        ),
        ("solve heat --target -", b"a b\nc d\n", "cannot read -: "),
        ("solve heat --target -:y", b"t,z\n1,2\n", "no column 'y'"),
        (
            "solve heat --target - --json",
            b"1\n2\n",
            "both go to standard output",
        ),
        (
            "solve heat --target -",
            b"\x1f\x8b\x08\0\0",
            "compressed by gzip",
        ),
        (
            "simulate heat --input - -o -",
            b"\x93NUMPY\x01\0",
            "it ends within its header",
        ),
        ("inspect -", b"", "it is empty"),
    ] {
        let output = piped(f, words, input);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let errors = errors.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(2), "{words}: {errors}");
        assert!(errors.contains(part), "{words}: {errors}");
        assert!(output.stdout.is_empty(), "{words}");
    }
}

#[test]
fn files_are_inspected() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    let table = "# counted\nt [s];counts (1/s);sigma;site\n0;1,5;0,1;north\n1;NA;0,1;north\n2;3,5;0,2;south\n";
    fs::write(f.join("data.csv"), table).unwrap();
    let said = succeed(f, "inspect data.csv");
    for part in [
        "table of 3 rows and 4 columns between semicolons with decimal commas, UTF-8",
        "1 line is a comment",
        "site: north, south",
        "solve: retrodict solve SIMULATOR --target data.csv:counts --times data.csv:t --noise-std data.csv:sigma --missing",
        "some rows: --target 'data.csv:counts?site=north'",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let row = said
        .lines()
        .find(|line| line.starts_with("counts"))
        .unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(
        &cells[..8],
        ["counts", "data", "1/s", "3", "1", "1.500", "3.500", "2.500"]
    );
    // Without a terminal, what is drawn is plain.
    assert!(
        said.is_ascii() || said.lines().all(|line| !line.contains(['▁', '█', '░'])),
        "{said}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&succeed(f, "inspect data.csv --json")).unwrap();
    let parts = json["parts"].as_array().unwrap();
    assert_eq!(
        (parts[1]["name"].as_str(), parts[1]["missing"].as_u64()),
        (Some("counts"), Some(1))
    );
    assert_eq!(
        (parts[0]["role"].as_str(), parts[3]["role"].as_str()),
        (Some("time"), Some("group"))
    );
    assert_eq!(parts[1]["mean"].as_f64(), Some(2.5));
    // What it says can be given to `solve`.
    let solve = json["solve"][0]
        .as_str()
        .unwrap()
        .replace("solve: retrodict ", "");
    let words = solve
        .replace("SIMULATOR", "exp")
        .replace(" --times data.csv:t", "");
    succeed(f, &words);
    assert!(succeed(f, "inspect data.csv:counts").contains("counts of table"));

    grid(f);
    succeed(f, "simulate heat --input grid.csv -o field.tif");
    let said = succeed(f, "inspect field.tif");
    assert!(said.contains("TIFF") && said.contains("8 × 16"), "{said}");
    assert!(
        said.contains("solve: retrodict solve heat --target field.tif"),
        "{said}"
    );
    assert!(said.lines().any(|line| line.contains('@')), "{said}");
    succeed(f, "solve heat --target grid.csv --out run");
    let said = succeed(f, "inspect run");
    assert!(
        said.contains("inversion: heat from grid.csv") && said.contains("field 1"),
        "{said}"
    );
    assert!(succeed(f, "inspect run/inversion.toml").contains("description of an inversion"));
    assert!(succeed(f, "inspect run/fields.npz").contains("run/fields.npz:heat"));
    for (file, part) in [
        ("gone.csv", "cannot read gone.csv"),
        ("data.xlsx", "save the sheet as CSV"),
        ("bad.toml", "bad.toml, line 1"),
        (".", "manifest.json"),
    ] {
        fs::write(f.join("bad.toml"), "targt = 1\n").unwrap();
        let message = fail(f, &format!("inspect {file}"), 2);
        assert!(message.contains(part), "{message}");
    }
    assert!(run(f, "help inspect").status.success() && run(f, "man inspect").status.success());
}

/// A grid of 8 × 16 values with a hill.
fn grid(folder: &Path) {
    let row = |i: i32| -> String {
        let cells: Vec<String> = (0..16)
            .map(|j| (100 - (i - 4).pow(2) - (j - 8_i32).pow(2)).to_string())
            .collect();
        cells.join(",")
    };
    let rows: Vec<String> = (0..8).map(row).collect();
    fs::write(folder.join("grid.csv"), rows.join("\n")).unwrap();
}
