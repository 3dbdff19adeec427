//! Models in Python that keep running, and what they leave behind.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use retrodict::Simulator;
use retrodict::models::external::{External, ProgramOptions};
use retrodict::options::Build;
use tempfile::TempDir;

/// A program of two unknowns: what it offers and returns stands in its first lines, how it answers in its last ones.
pub struct Program {
    pub folder: TempDir,
}

impl Program {
    /// `answer(q)` is Python that returns the keys of an answer.
    pub fn new(python: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let begun = format!(
            "import json, os, sys, time\nHERE = {:?}\nopen(HERE + '/begun', 'a').write(f'{{os.getpid()}}\\n')\n",
            folder.path().to_str().unwrap()
        );
        let rest = "
for line in sys.stdin:
    q = json.loads(line)
    print(json.dumps({'id': q['id'], **answer(q)}), flush=True)
open(HERE + '/left', 'a').write('left\\n')
";
        let text = format!("{begun}{python}{rest}");
        fs::write(folder.path().join("model.py"), text).unwrap();
        Self { folder }
    }

    pub fn options(&self) -> ProgramOptions {
        let model = self.folder.path().join("model.py");
        kept(&format!("python3 '{}'", model.display()))
    }

    pub fn build(&self) -> External {
        self.options().build().unwrap()
    }

    pub fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until nothing of it runs.
    pub fn is_gone(&self) {
        for pid in self.lines("begun").iter().chain(&self.lines("child")) {
            gone(pid);
        }
    }
}

pub fn gone(pid: &str) {
    let stat = Path::new("/proc").join(pid).join("stat");
    let left = || fs::read_to_string(&stat).unwrap_or_default();
    let start = Instant::now();
    while !(left().is_empty() || left().contains(") Z ")) {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{pid} is left: {}",
            left()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn kept(command: &str) -> ProgramOptions {
    ProgramOptions::default()
        .with_command(command)
        .with_keep(true)
        .with_inputs(2)
        .with_outputs(2)
        .with_timeout(60.0)
}

/// y = (x₁ x₂, x₁ + x₂³), with all that may be offered of it.
pub const MODEL: &str = "
OFFERS = ['forward']
def answer(q):
    if q['call'] == 'describe':
        return {'offers': OFFERS}
    a, b = q['x']
    J = [[b, a], [1, 3 * b * b]]
    if q['call'] == 'forward':
        return {'value': [a * b, a + b ** 3]}
    if q['call'] == 'jacobian':
        return {'value': J}
    v = q['dx' if q['call'] == 'jvp' else 'dy']
    J = J if q['call'] == 'jvp' else list(zip(*J))
    return {'value': [sum(j * v for j, v in zip(row, v)) for row in J]}
";

pub fn message(program: &Program) -> String {
    failure(&program.options())
}

pub fn failure(options: &ProgramOptions) -> String {
    let built = options.clone().build();
    let done = built.and_then(|program| program.forward(&[3.0, 0.5], &mut [0.0; 2]));
    done.unwrap_err().to_string()
}

#[track_caller]
pub fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "no '{part}' in: {message}");
    }
}
