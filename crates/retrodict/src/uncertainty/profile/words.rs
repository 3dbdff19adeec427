//! What a profile says, in a sentence.

use super::{Identifiability, Profile, Side};

impl Profile {
    /// Whether the data identify the quantity of this name, and what they leave open.
    pub fn in_words(&self, name: &str) -> String {
        let how_far = |side: Side| match side {
            Side::Crosses(value) => short(value),
            Side::Bound(value) => format!("its bound {}", short(value)),
            Side::Open(value) => format!("{}, where the profile ends", short(value)),
            Side::Failed(value) => format!("{}, beyond which the simulation failed", short(value)),
        };
        let (low, high) = (how_far(self.low), how_far(self.high));
        let text = match self.identifiability {
            Identifiability::Identifiable => {
                format!("{name} is identifiable: from {low} to {high}")
            }
            Identifiability::BoundedBelow => format!(
                "{name} is only bounded from below: at least {low}; the data do not exclude larger values (up to {high})"
            ),
            Identifiability::BoundedAbove => format!(
                "{name} is only bounded from above: at most {high}; the data do not exclude smaller values (down to {low})"
            ),
            Identifiability::Unbounded => format!(
                "{name} is bounded by the data to neither side: its profile stays below the threshold from {low} to {high}"
            ),
            Identifiability::Flat => format!(
                "the profile of {name} is flat: all values from {low} to {high} fit as well, so it is not identifiable"
            ),
        };
        match &self.better {
            None => text,
            Some(_) => format!(
                "{text}; on its profile there is a better fit than the one that the run found: start there"
            ),
        }
    }
}

/// Five digits, with a power of ten where it would be long.
fn short(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e5).contains(&size) {
        return format!("{value:.4e}").replace('-', "−");
    }
    let before = size.max(1.0).log10().floor() as usize + 1;
    let leading = if (1e-3..1.0).contains(&size) {
        (-size.log10()).floor() as usize
    } else {
        0
    };
    let digits = if size < 1.0 {
        5 + leading
    } else {
        5_usize.saturating_sub(before)
    };
    format!("{value:.digits$}").replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn numbers_have_five_digits() {
        for (value, text) in [
            (0.782_44, "0.78244"),
            (3.106_94, "3.1069"),
            (-12_345.6, "−12346"),
            (0.006_764_45, "0.0067644"),
            (1.234e-7, "1.2340e−7"),
            (0.0, "0.00000"),
            (2.5e9, "2.5000e9"),
        ] {
            assert_eq!(short(value), text);
        }
    }
}
