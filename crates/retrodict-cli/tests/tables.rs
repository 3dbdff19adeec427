//! Tables of practitioners through the real binary: columns, times, standard deviations, groups; and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::binary::{fail, run, succeed};
use tempfile::{TempDir, tempdir};

/// Populations at known rates with times, standard deviations and a site, as a spreadsheet has them.
fn pelts() -> TempDir {
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("rates.csv"), "0.1\n-0.2\n0.3\n-0.1\n").unwrap();
    let times = ["0.5", "1.0", "2.5", "3.0"];
    let list = times.join(",");
    succeed(
        f,
        &format!("simulate lotka-volterra --times [{list}] --input rates.csv -o y.csv"),
    );
    let y = numbers(f, "y.csv");
    let mut table = "# counted by hand\nt [years],prey (1/km²),predators,sigma,site\n".to_owned();
    for (t, row) in times.iter().zip(y.chunks(2)) {
        writeln!(table, "{t},{},{},0.1,north", row[0], row[1]).unwrap();
        writeln!(table, "{t},{},{},0.2,south", row[0], 2.0 * row[1]).unwrap();
    }
    fs::write(f.join("pelts.csv"), table).unwrap();
    folder
}

fn numbers(folder: &Path, name: &str) -> Vec<f64> {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let cells = text.split([',', '\n', '\t']);
    cells
        .filter(|cell| !cell.is_empty())
        .map(|cell| cell.parse().unwrap())
        .collect()
}

/// What was said on standard error, in one line.
fn said(folder: &Path, words: &str) -> String {
    let output = run(folder, words);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}: {errors}");
    errors.split_whitespace().collect::<Vec<_>>().join(" ")
}

const NORTH: &str = "--target pelts.csv:prey,predators?site=north --times pelts.csv:t?site=north \
                     --noise-std pelts.csv:sigma,sigma?site=north";

#[test]
fn columns_times_deviations_and_groups_in_flags_and_in_a_file() {
    let folder = pelts();
    let f = folder.path();
    let errors = said(
        f,
        &format!("solve lotka-volterra {NORTH} -o x.csv --out north"),
    );
    assert!(!errors.contains("not used"), "{errors}");
    for (x, truth) in numbers(f, "x.csv").iter().zip([0.1, -0.2, 0.3, -0.1]) {
        assert!((x - truth).abs() < 1e-5, "{x} {truth}");
    }
    // The folder holds the names of the files, seen from anywhere; resuming reads them again.
    let kept = fs::read_to_string(f.join("north/inversion.toml")).unwrap();
    let place = f.canonicalize().unwrap().join("pelts.csv:t?site=north");
    assert!(
        kept.contains(&format!("times = \"{}\"", place.display())),
        "{kept}"
    );
    succeed(f, "resume north --steps 1");
    // The same as a description, seen from its folder.
    fs::create_dir(f.join("below")).unwrap();
    fs::write(
        f.join("below/fit.toml"),
        "target = '../pelts.csv:prey,predators?site=north'\n\
         simulator = { name = 'lotka-volterra', times = '../pelts.csv:t?site=north' }\n\
         noise = { std = '../pelts.csv:sigma,sigma?site=north' }\n",
    )
    .unwrap();
    succeed(f, "solve below/fit.toml -o again.csv");
    assert_eq!(numbers(f, "again.csv"), numbers(f, "x.csv"));
    // A batch over the sites.
    fs::write(
        f.join("sites.toml"),
        "[inversion]\ntarget = ''\nsimulator = { name = 'lotka-volterra' }\n[[problem]]\nname = 'north'\n\
         set = { target = 'pelts.csv:prey,predators?site=north', times = 'pelts.csv:t?site=north' }\n\
         [[problem]]\nname = 'south'\n\
         set = { target = 'pelts.csv:prey,predators?site=south', times = 'pelts.csv:t?site=south' }\n",
    )
    .unwrap();
    succeed(f, "batch sites.toml --out sites");
}

#[test]
fn what_a_table_holds_beside_the_data_is_said() {
    let folder = pelts();
    let f = folder.path();
    let message = said(
        f,
        "solve lotka-volterra --target pelts.csv:prey,predators?site=north --set times=[0.5,1,2.5,3] -o x.csv",
    );
    assert!(
        message.contains("'sigma' of the data is not used"),
        "{message}"
    );
    assert!(
        message.contains("--noise-std 'pelts.csv:sigma?site=north'"),
        "{message}"
    );
    let message = fail(
        f,
        "solve lotka-volterra --target pelts.csv:prey,predators?site=north -o x.csv",
        2,
    );
    assert!(
        !f.join("x.csv").exists() || message.contains("[4, 2]"),
        "{message}"
    );
    // Whole, it is never cut into fits: times are taken, and deviations are no predators.
    let table = fs::read_to_string(f.join("pelts.csv")).unwrap();
    let cut: String = table
        .lines()
        .filter(|line| !line.ends_with("south"))
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            match cells.len() {
                1 => format!("{line}\n"),
                _ => format!("{},{},{}\n", cells[0], cells[1], cells[3]),
            }
        })
        .collect();
    fs::write(f.join("prey.csv"), cut).unwrap();
    let message = fail(f, "solve lotka-volterra --target prey.csv -o x2.csv", 2);
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(message.contains("--noise-std prey.csv:sigma"), "{message}");
    assert!(!f.join("x2.csv").exists());
}

#[test]
fn what_excel_writes_is_solved_as_what_it_means() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("plain.csv"), "1.5\n2.25\n0.5\n").unwrap();
    fs::write(
        f.join("excel.csv"),
        "\u{feff}t [s];counts (1/s);;\r\n0;1,5;;\r\n0,5;2,25;;\r\n1;0,5;;\r\n;;;\r\n",
    )
    .unwrap();
    succeed(f, "solve exp --target plain.csv -o plain-x.csv");
    succeed(f, "solve exp --target excel.csv:counts -o excel-x.csv");
    assert_eq!(numbers(f, "plain-x.csv"), numbers(f, "excel-x.csv"));
    fs::copy(f.join("plain.csv"), f.join("plain.tsv")).unwrap();
    succeed(f, "solve exp --target plain.tsv");
    assert_eq!(numbers(f, "plain-solved.tsv"), numbers(f, "plain-x.csv"));
}

#[test]
fn what_is_wrong_with_a_table_is_told() {
    let folder = pelts();
    let f = folder.path();
    let write = |name: &str, text: &str| fs::write(f.join(name), text).unwrap();
    write("y.csv", "0.4\n0.7\n");
    write("mixed.csv", "a;b\n1,5;2\n1.5;2\n");
    write("thousands.csv", "a;b\n1.234,5;2\n");
    write("dates.csv", "t,y\n2024-01-31,1\n2024-02-01,2\n");
    write("gap.csv", "t,y\n0,1\n,2\n");
    write("matrix.csv", "1,2\n3,4\n");
    write(
        "fit.toml",
        "target = 'pelts.csv:prey,predators?site=north'\nsimulator = { name = 'lotka-volterra',\ntimes = 'pelts.csv:tt' }\n",
    );
    for (words, part) in [
        (
            "solve exp --target mixed.csv:a",
            "line 2: '1,5' has a decimal comma, but line 3: '1.5'",
        ),
        (
            "solve exp --target thousands.csv:a",
            "line 2: '1.234,5' is not a number; write it without separators",
        ),
        (
            "solve exp --target dates.csv:t",
            "line 2: '2024-01-31' is not a number but a date",
        ),
        (
            "solve exp --target dates.csv",
            "line 2: '2024-01-31' is not a number but a date",
        ),
        (
            "solve exp --target gap.csv:t",
            "line 3, column 1 (t): the cell is empty",
        ),
        (
            "solve exp --target pelts.csv",
            "'north' is not a number (column site); select columns of numbers",
        ),
        (
            "solve exp --target pelts.csv:prey?site=west",
            "no row of those selected has site = 'west'",
        ),
        (
            "solve exp --target pelts.csv:pray",
            "no column 'pray' (did you mean 'prey'?)",
        ),
        (
            "solve exp --target y.csv --times pelts.csv:t",
            "--times pelts.csv:t: exp has no option times or at; its options: size",
        ),
        (
            "simulate exp --input y.csv --times pelts.csv:t",
            "exp has no option times",
        ),
        (
            "solve pendulum --target y.csv --times gone.csv:t",
            "times = gone.csv:t is not allowed: cannot read gone.csv",
        ),
        (
            "solve pendulum --target y.csv --times matrix.csv",
            "one list of numbers is needed; select one of its 2 columns, as matrix.csv:2",
        ),
        (
            "solve pendulum --target y.csv --times pelts.csv:site",
            "line 3: 'north' is not a number",
        ),
        (
            "solve pendulum --target y.csv --set times=gap.csv:t",
            "the cell is empty",
        ),
        (
            "solve exp --target y.csv --noise-std pelts.csv:sigma",
            "pelts.csv:sigma",
        ),
        (
            "solve exp --target y.csv --noise-std nothing.csv",
            "cannot read nothing.csv",
        ),
        ("solve fit.toml", "fit.toml, line 3: "),
        ("solve fit.toml", "no column 'tt' (did you mean 't'?)"),
    ] {
        let message = fail(f, &format!("{words} -o never.csv"), 2);
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(message.contains(part), "{words}: {message}");
        assert!(!f.join("never.csv").exists());
    }
}
