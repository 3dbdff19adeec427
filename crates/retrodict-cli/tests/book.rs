//! Every command of the book and the README, page by page and in order, in a folder that holds nothing else.
//!
//! Blocks of files whose first line is `# NAME.ending` are written under that name. Commands that take longer than a
//! test may are marked on the page and listed here.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::tempdir;

/// Commands that are not run, by their beginning, and why.
const LEFT_OUT: [(&str, &str); 14] = [
    ("cargo install", "builds everything anew"),
    ("cargo test", "runs this test"),
    (
        "cargo run --release -p retrodict --example",
        "tables that take minutes",
    ),
    ("pip install", "needs a network"),
    ("peers/run", "needs SciPy and others; takes minutes"),
    (
        "peers/fitbenchmarking/run",
        "needs FitBenchmarking; takes minutes",
    ),
    ("RAYON_NUM_THREADS=1 cargo bench", "a benchmark"),
    (
        "retrodict train heat",
        "U-Nets: minutes, marked so on the page",
    ),
    (
        "retrodict train sine",
        "20 000 steps: minutes, marked so on the page",
    ),
    (
        "retrodict run heat",
        "gradient descent on a photograph: seconds in release, a minute in debug",
    ),
    (
        "retrodict train exp",
        "400 epochs: seconds in release, a minute in debug",
    ),
    (
        "retrodict train oscillators --method hig --seeds 3",
        "three seeds: a minute in debug",
    ),
    ("srun ", "needs Slurm"),
    ("#", "a comment of a script"),
];

/// No command may hang.
const LIMIT: Duration = Duration::from_secs(300);

/// The folder of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    let mut folders = vec![root().join("docs/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    // Last: what it shows, the book mostly shows too.
    pages.push(root().join("README.md"));
    pages
}

/// The blocks of a page, each with its language.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let fenced = page.split("```").skip(1).step_by(2);
    fenced.filter_map(|block| block.split_once('\n')).collect()
}

/// The commands of a block; a line that ends with `\` goes on.
fn commands(block: &str) -> Vec<String> {
    let joined = block.replace("\\\n", " ");
    let lines = joined
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

fn left_out(command: &str) -> Option<usize> {
    LEFT_OUT
        .iter()
        .position(|(beginning, _)| command.starts_with(beginning))
}

/// A folder with what a page may take for granted: pages that show the checkout's files have them.
fn prepare(folder: &Path, page: &str) {
    if page.contains("crates/retrodict-cli/experiments/data/") {
        let data = folder.join("crates/retrodict-cli/experiments/data");
        fs::create_dir_all(&data).unwrap();
        fs::copy(
            root().join("crates/retrodict-cli/experiments/data/chelsea.png"),
            data.join("chelsea.png"),
        )
        .unwrap();
    }
}

/// `retrodict` and `python` as a reader would call them.
fn path(tools: &Path) -> String {
    use std::os::unix::fs::symlink;
    symlink(env!("CARGO_BIN_EXE_retrodict"), tools.join("retrodict")).unwrap();
    if let Some(python) = python() {
        // A link would lose the packages that stand beside the interpreter.
        let called = tools.join("python");
        fs::write(&called, format!("#!/bin/sh\nexec '{python}' \"$@\"\n")).unwrap();
        fs::set_permissions(&called, fs::Permissions::from_mode(0o755)).unwrap();
    }
    format!(
        "{}:{}",
        tools.display(),
        env::var("PATH").unwrap_or_default()
    )
}

/// An interpreter with the packages `umbridge` and `numpy`.
fn python() -> Option<String> {
    env::var("RETRODICT_PYTHON").ok()
}

/// A server of a page; ended with the test of the page.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serving(command: &mut Command, port: u16) -> Server {
    let child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut server = Server(child);
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = server.0.try_wait().unwrap();
        assert!(ended.is_none(), "{command:?} ended with {ended:?}");
        assert!(start.elapsed() < LIMIT, "{command:?} does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    server
}

/// Runs a command as a shell reads it.
fn run(folder: &Path, path: &str, command: &str) -> Result<(), String> {
    let log = fs::File::create(folder.join(".printed")).unwrap();
    let mut child = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .env("PATH", path)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > LIMIT {
            let _ = Command::new("kill")
                .args(["-9", &format!("-{}", child.id())])
                .status();
            let _ = child.wait();
            return Err(format!("did not end within {LIMIT:?}"));
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let printed = fs::read(folder.join(".printed")).unwrap();
    match status.success() {
        true => Ok(()),
        false => Err(format!("{status}: {}", String::from_utf8_lossy(&printed))),
    }
}

#[test]
fn every_command_works_where_nothing_else_is() {
    let tools = tempdir().unwrap();
    let path = path(tools.path());
    let (mut ran, mut unused): (BTreeSet<String>, BTreeSet<usize>) =
        (BTreeSet::new(), (0..LEFT_OUT.len()).collect());
    let mut failed = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        if !text.contains("```sh") {
            continue;
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let text = text.replace("4242", &port.to_string());
        let folder = tempdir().unwrap();
        prepare(folder.path(), &text);
        let name = page.strip_prefix(root()).unwrap().display().to_string();
        let mut servers = Vec::new();
        for (language, block) in blocks(&text) {
            let file = block
                .lines()
                .next()
                .and_then(|line| line.strip_prefix("# "));
            if let Some(file) = file
                .filter(|_| language.starts_with("toml") || ["python", "csv"].contains(&language))
            {
                fs::write(folder.path().join(file), block).unwrap();
                if let (true, Some(python)) = (block.contains("serve_models"), python()) {
                    let mut server = Command::new(python);
                    servers.push(serving(server.arg(file).current_dir(folder.path()), port));
                }
            }
            if language != "sh" {
                continue;
            }
            for command in commands(block) {
                let command = command.replace("cargo run --release -- ", "retrodict ");
                if let Some(i) = left_out(&command) {
                    unused.remove(&i);
                    continue;
                }
                let needs_python = command.contains("--umbridge") || command.contains("python ");
                if needs_python && python().is_none() {
                    eprintln!("left out: RETRODICT_PYTHON names no interpreter: {command}");
                    continue;
                }
                // What takes long and stands on several pages is run once; no later line of the page needs it.
                let plain = command
                    .split(" #")
                    .next()
                    .unwrap_or(&command)
                    .trim()
                    .to_owned();
                let long = ["retrodict run", "retrodict train"]
                    .iter()
                    .any(|b| plain.starts_with(b));
                if long && !ran.insert(plain) {
                    continue;
                }
                let start = Instant::now();
                let done = if command.starts_with("retrodict serve") {
                    servers.clear();
                    let words = command.split_whitespace().skip(1);
                    let port = TcpListener::bind("127.0.0.1:0")
                        .unwrap()
                        .local_addr()
                        .unwrap()
                        .port();
                    let mut server = Command::new(env!("CARGO_BIN_EXE_retrodict"));
                    drop(serving(
                        server.args(words).args(["--port", &port.to_string()]),
                        port,
                    ));
                    Ok(())
                } else {
                    run(folder.path(), &path, &command)
                };
                eprintln!("{name}: {:.1} s: {command}", start.elapsed().as_secs_f64());
                if let Err(why) = done {
                    failed.push(format!("{name}: {command}: {why}"));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let unused: Vec<&str> = unused.into_iter().map(|i| LEFT_OUT[i].0).collect();
    assert!(
        unused.is_empty(),
        "no page shows what is left out here: {unused:?}"
    );
}

/// What is left out for its time says so to readers too.
#[test]
fn commands_that_take_minutes_are_marked() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let shell = blocks(&text)
            .into_iter()
            .filter(|(language, _)| *language == "sh");
        for command in shell.flat_map(|(_, block)| commands(block)) {
            let slow = left_out(&command).is_some_and(|i| LEFT_OUT[i].1.contains("marked so"));
            assert!(
                !slow || command.contains("minutes"),
                "{}: {command}",
                page.display()
            );
        }
    }
}
