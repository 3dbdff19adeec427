//! `retrodict serve` as a child of the test.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::binary::retrodict;

/// A server that is ended with the test.
pub struct Serving {
    pub child: Child,
    pub url: String,
}

impl Serving {
    /// Serves at a port that is free; `words` come after `serve --port 0`.
    pub fn start(words: &str) -> Self {
        let mut command = retrodict(Path::new("."));
        command.args(["serve", "--port", "0"]);
        command.args(words.split_whitespace());
        Self::of(command)
    }

    /// As `start`, with no more address space than so many KiB.
    #[cfg(unix)]
    pub fn within(kib: u64, words: &str) -> Self {
        let binary = env!("CARGO_BIN_EXE_retrodict");
        let mut command = Command::new("sh");
        command.args([
            "-c",
            &format!("ulimit -v {kib}; exec '{binary}' serve --port 0 {words}"),
        ]);
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"));
        let url = url
            .unwrap_or_else(|| panic!("no address in: {line}"))
            .trim_end_matches(';');
        Self {
            url: url.to_owned(),
            child,
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
