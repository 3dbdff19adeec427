//! How much memory options need, and how much this machine has.
//!
//! An allocation that fails ends the process, so it must not be begun. Sizes are counted as `f64`: a product that
//! would overflow a `usize` is only a large number here.

use std::sync::OnceLock;

use crate::error::{Error, Result};

/// Bytes of a number.
const NUMBER: f64 = 8.0;

/// What a machine is taken to have where it cannot be found out: it refuses absurd sizes only.
const UNKNOWN: f64 = 1e12;

/// The bytes of so many numbers.
pub fn numbers(count: f64) -> f64 {
    NUMBER * count
}

/// The product of a shape; infinite rather than wrapped.
pub fn cells(shape: &[usize]) -> f64 {
    shape.iter().map(|n| *n as f64).product()
}

/// The bytes of a simulator that is diagonal after a transform: factors, x, y and derivatives, and what a transform
/// works in, which along one axis takes most. Measured, as are the figures of other simulators.
pub fn transform(shape: &[usize]) -> f64 {
    let longest = shape.iter().max().copied().unwrap_or(0);
    numbers(8.0 * cells(shape) + 16.0 * longest as f64)
}

/// The bytes of the tape of a run of `steps` steps with `record` numbers each, where at most `limit` are allowed.
pub fn tape(steps: usize, record: f64, limit: Option<usize>) -> f64 {
    numbers(steps as f64 * record).min(limit.unwrap_or_else(longest_tape) as f64)
}

/// The bytes that a tape may take where nothing else is said: a quarter of this machine's memory.
pub fn longest_tape() -> usize {
    // Saturates.
    (machine() / 4.0) as usize
}

/// The bytes that this process may use: main memory and swap, or what a limit on it leaves.
pub fn machine() -> f64 {
    static FOUND: OnceLock<f64> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let known = [installed(), group_limit(), process_limit()];
        known
            .into_iter()
            .flatten()
            .reduce(f64::min)
            .unwrap_or(UNKNOWN)
    })
}

/// Fails if something takes more than the machine has.
///
/// # Errors
/// [`Error::Config`] with what it takes and what there is.
pub fn affordable(what: &str, bytes: f64) -> Result<()> {
    within(what, bytes, machine(), "this machine has")
}

/// Fails if something takes more bytes than `limit`; `whose` says whose limit that is.
///
/// # Errors
/// [`Error::Config`] with both.
pub fn within(what: &str, bytes: f64, limit: f64, whose: &str) -> Result<()> {
    if bytes <= limit {
        return Ok(());
    }
    Err(Error::Config {
        what: what.to_owned(),
        message: format!(
            "about {} of memory would be needed, and {whose} {}: take fewer cells, values or steps",
            size(bytes),
            size(limit)
        ),
    })
}

/// A number of bytes in words.
pub fn size(bytes: f64) -> String {
    const UNITS: [&str; 7] = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes;
    for unit in UNITS {
        if value < 1024.0 {
            let digits = usize::from(value < 10.0 && unit != "bytes");
            return format!("{value:.digits$} {unit}");
        }
        value /= 1024.0;
    }
    "more than 1024 EiB".to_owned()
}

/// Main memory and swap, as reported by Linux.
fn installed() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let entry = |key: &str| -> Option<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(1024.0 * kib)
    };
    Some(entry("MemTotal:")? + entry("SwapTotal:").unwrap_or(0.0))
}

/// What a container may use.
fn group_limit() -> Option<f64> {
    let files = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let read = |path| std::fs::read_to_string(path).ok()?.trim().parse().ok();
    files.into_iter().find_map(read)
}

/// What `ulimit -v` leaves.
#[cfg(unix)]
fn process_limit() -> Option<f64> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::As).current.map(|bytes| bytes as f64)
}

#[cfg(not(unix))]
fn process_limit() -> Option<f64> {
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    #[cfg(feature = "network")]
    use crate::registry::NETWORKS;
    use crate::registry::SIMULATORS;

    #[test]
    fn products_that_would_overflow_are_large() {
        assert_eq!(cells(&[1 << 40, 1 << 40]), 2_f64.powi(80));
        assert_eq!(size(1536.0), "1.5 KiB");
        assert_eq!(size(3e9), "2.8 GiB");
        assert_eq!(size(f64::INFINITY), "more than 1024 EiB");
        assert!(machine() > 1e6);
    }

    /// Whatever counts or shape a simulator or network takes: absurd ones are refused before anything is made.
    #[test]
    fn absurd_sizes_are_refused_by_every_entry() {
        let mut tried = 0;
        type Of = Box<dyn Fn(&toml::Table) -> f64>;
        let simulators = SIMULATORS.entries.iter().map(|e| {
            let memory: Of = Box::new(move |options| e.memory(options).unwrap());
            (e.name, e.defaults(), memory)
        });
        #[allow(unused_mut)]
        let mut entries: Vec<_> = simulators.collect();
        #[cfg(feature = "network")]
        entries.extend(NETWORKS.entries.iter().map(|e| {
            let memory: Of = Box::new(move |options| e.memory(options).unwrap());
            (e.name, e.defaults(), memory)
        }));
        for (name, defaults, memory) in entries {
            for (key, value) in defaults {
                let huge = match (&value, key.as_str()) {
                    // Steps that no tape keeps take time and no memory.
                    (_, "steps" | "level" | "observe" | "observe_steps" | "observe_places") => {
                        continue;
                    }
                    (toml::Value::Integer(_), _) => toml::Value::Integer(1 << 60),
                    (toml::Value::Array(a), _)
                        if a.first().is_some_and(toml::Value::is_integer) =>
                    {
                        toml::Value::Array(vec![toml::Value::Integer(1 << 40); a.len()])
                    }
                    _ => continue,
                };
                tried += 1;
                let mut options = toml::Table::new();
                options.insert(key.clone(), huge);
                let bytes = memory(&options);
                assert!(bytes > 1e13, "{name}: {key} asks for {bytes} bytes");
            }
        }
        let least = if cfg!(feature = "network") { 18 } else { 12 };
        assert!(tried >= least, "{tried}");
    }

    #[test]
    fn the_message_says_what_is_asked_and_what_there_is() {
        let options = "shape = [4294967296, 4294967296]".parse().unwrap();
        let message = SIMULATORS
            .build("heat", &options)
            .err()
            .unwrap()
            .to_string();
        assert!(message.starts_with("heat: "), "{message}");
        assert!(message.contains("this machine has"), "{message}");
        // A run whose x is a value for each step.
        let options = "steps = 1000000000000000".parse().unwrap();
        assert!(SIMULATORS.build("oscillators", &options).is_err());
        // What fits is made.
        let options = "shape = [512, 512]".parse().unwrap();
        assert!(SIMULATORS.build("fluid", &options).is_ok());
    }
}
