//! Progress on standard error: a bar for each method on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// The progress of one method.
pub struct Progress {
    bar: Option<ProgressBar>,
    label: String,
    total: u64,
    begun: Instant,
    /// The minutes that have passed when the last line was printed.
    told: AtomicU64,
}

impl Progress {
    /// Starts a bar of `total` steps.
    pub fn start(label: &str, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let style = "{prefix:<34} {bar:24} {pos:>6}/{len:<6} {elapsed:>4} {msg}";
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style.progress_chars("━╸─"));
            }
            bar.set_prefix(label.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self {
            bar,
            label: label.to_owned(),
            total,
            begun: Instant::now(),
            told: AtomicU64::new(0),
        }
    }

    /// One step more, with the loss and the error at it.
    pub fn step(&self, loss: f64, error: Option<f64>) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
            let error = error
                .map(|e| format!("  error {e:.3e}"))
                .unwrap_or_default();
            bar.set_message(format!("loss {loss:.3e}{error}"));
        }
    }

    /// So many steps are done; `message` is made only where it can be seen: on a terminal always, elsewhere once a
    /// minute.
    pub fn show(&self, steps: u64, message: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_position(steps);
            bar.set_message(message());
        } else if self.minute_began() {
            let of = match self.total {
                0 => String::new(),
                total => format!("/{total}"),
            };
            eprintln!("{:<34} {steps}{of} steps, {}", self.label, message());
        }
    }

    /// Whether a minute has begun since a line was printed.
    fn minute_began(&self) -> bool {
        let minutes = self.begun.elapsed().as_secs() / 60;
        self.told.fetch_max(minutes, Ordering::Relaxed) < minutes
    }

    /// It has ended, and what it led to is told elsewhere.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// The method has ended.
    pub fn finish(&self, message: &str) {
        match &self.bar {
            Some(bar) => bar.finish_with_message(message.to_owned()),
            None => eprintln!("{:<34} {message}", self.label),
        }
    }
}
