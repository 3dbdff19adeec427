//! `retrodict serve` as a child of the test.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::binary::retrodict;

/// A server that is ended with the test.
pub struct Serving {
    pub child: Child,
    pub url: String,
}

impl Serving {
    /// Serves at a port that is free; `words` come after `serve --port 0`.
    pub fn start(words: &str) -> Self {
        let mut child = retrodict(Path::new("."))
            .args(["serve", "--port", "0"])
            .args(words.split_whitespace())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
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
