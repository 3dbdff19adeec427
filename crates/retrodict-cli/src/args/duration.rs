//! Times as people write them: 500ms, 10s, 2m.

use std::time::Duration;

/// 500ms, 10s, 2m, 1h, or seconds without a unit.
pub fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim() {
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("unknown unit '{unit}'; known: ms, s, m, h")),
    };
    let seconds: f64 = number
        .trim()
        .parse()
        .map_err(|_| "expected a number and a unit, such as 500ms, 10s or 2m".to_owned())?;
    Duration::try_from_secs_f64(seconds * factor)
        .map_err(|_| "a time limit must be 0 or greater".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_limits_have_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("1.5"), Ok(Duration::from_millis(1500)));
        assert!(duration("3 weeks").is_err());
        assert!(duration("-1s").is_err());
    }
}
