//! How much work was done, by kind of evaluation: what a cost is measured in, whatever the machine.

/// Number of evaluations, by kind.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    derive_setters::Setters,
)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct Counts {
    /// Evaluations of P.
    pub forward: u64,
    /// Products with J.
    pub jvp: u64,
    /// Products with Jᵀ.
    pub vjp: u64,
    /// Local inversions.
    pub inverse: u64,
    /// Products with second derivatives.
    pub second_order: u64,
}

impl Counts {
    /// Adds other counts.
    pub fn add(&mut self, other: &Self) {
        self.forward += other.forward;
        self.jvp += other.jvp;
        self.vjp += other.vjp;
        self.inverse += other.inverse;
        self.second_order += other.second_order;
    }
}
