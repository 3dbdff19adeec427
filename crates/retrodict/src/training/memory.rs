//! Whether the rule's engine has room: said before a training starts, not by the system in the middle.

use std::fs;

use crate::error::{Error, Result};
use crate::linalg::Engine;
use crate::network::Network;

/// Lanczos' iteration where its usual settings have no room either.
const FEW_STEPS: Engine = Engine::Krylov {
    steps: 30,
    tolerance: 0.0,
};

/// The bytes that programs may still take, where the system tells: `MemAvailable` on Linux.
pub fn available() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Refuses an engine that needs more than is available for the J of a mini-batch, m rows of as many
/// columns as the network has parameters, and names those that fit.
///
/// # Errors
/// [`Error::Config`] with what it needs, and the engines that fit.
pub fn check(engine: Engine, m: usize, network: &dyn Network, available: u64) -> Result<()> {
    let n = network.parameters();
    let bytes = |engine: Engine| {
        let own = engine.bytes(m, n);
        if engine == Engine::Gram && network.gram_needs_jacobian() {
            own.saturating_add(8 * (m as u64).saturating_mul(n as u64))
        } else {
            own
        }
    };
    let needed = bytes(engine);
    if needed <= available {
        return Ok(());
    }
    let fitting: Vec<String> = [Engine::Gram, Engine::KRYLOV, FEW_STEPS]
        .into_iter()
        .filter(|other| bytes(*other) <= available)
        .take(2)
        .map(|other| format!("{} with {}", option(other), size(bytes(other))))
        .collect();
    let advice = if fitting.is_empty() {
        "no engine fits; use a smaller batch or a smaller network".to_owned()
    } else {
        format!(
            "set the rule's {}, or use a smaller batch",
            fitting.join(" or ")
        )
    };
    let what = match engine {
        Engine::Auto | Engine::Dense => {
            format!("a J of {m} × {n} (m × |θ|) and its singular vectors need")
        }
        Engine::Gram => {
            format!("J Jᵀ of {m} × {m} for a J of {m} × {n} (m × |θ|) and its eigenvectors need")
        }
        Engine::Krylov { .. } => format!("two vectors of {m} values per step need"),
    };
    Err(Error::Config {
        what: format!("engine {engine}"),
        message: format!(
            "{what} {}, but {} of memory are available; {advice}",
            size(needed),
            size(available)
        ),
    })
}

/// The engine as an experiment sets it.
fn option(engine: Engine) -> String {
    match engine {
        Engine::Krylov { steps, tolerance } if tolerance > 0.0 => {
            format!("engine = {{ krylov = {{ steps = {steps}, tolerance = {tolerance} }} }}")
        }
        Engine::Krylov { steps, .. } => format!("engine = {{ krylov = {{ steps = {steps} }} }}"),
        named => format!("engine = \"{named}\""),
    }
}

/// In units of 1024 bytes, of 1024 of those, and so on.
fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "bytes";
    for larger in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    format!("{value:.1} {unit}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::core::space::Space;
    use crate::network::{Architecture, Dense};

    use super::*;

    #[test]
    fn an_engine_is_refused_where_it_does_not_fit_and_others_are_named() {
        let space = |n: usize| Space::new("values", &[n], "1");
        let dense = Dense::default().with_hidden([1000]);
        let network = dense.between(&space(10), &space(10)).unwrap();
        // |θ| = 21010; J of 100 rows and what its SVD takes are 64.6 MiB.
        let check = |engine, available| check(engine, 100, &*network, available);
        assert!(check(Engine::Dense, 1 << 27).is_ok());
        let message = check(Engine::Dense, 1 << 20).unwrap_err().to_string();
        for part in [
            "engine dense: a J of 100 × 21010 (m × |θ|) and its singular vectors need 6",
            " MiB, but 1.0 MiB of memory are available; set the rule's engine = \"gram\" with 2",
            " KiB or engine = { krylov = { steps = 300, tolerance = 0.05 } } with 156.2 KiB, or use a",
        ] {
            assert!(message.contains(part), "no '{part}' in: {message}");
        }
        let message = check(Engine::Gram, 100 << 10).unwrap_err().to_string();
        assert!(message.contains("and its eigenvectors need 2"), "{message}");
        assert!(
            !message.contains("engine = \"gram\"")
                && message.contains("engine = { krylov = { steps = 30 } } with 46.9 KiB"),
            "{message}"
        );
        let message = check(Engine::Dense, 0).unwrap_err().to_string();
        assert!(message.contains("no engine fits"), "{message}");
    }
}
