//! What a profile says, in a sentence.

use super::{Identifiability, Profile, Side};

impl Profile {
    /// Whether the data identify the quantity of this name, and what they leave open.
    pub fn in_words(&self, name: &str) -> String {
        let how_far = |side: Side| match side {
            Side::Crosses(value) => format!("{value:.4e}"),
            Side::Bound(value) => format!("its bound {value:.4e}"),
            Side::Open(value) => format!("{value:.4e}, where the profile ends"),
            Side::Failed(value) => format!("{value:.4e}, beyond which the simulation failed"),
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
