//! Unknowns that bounds hold, whose derivatives are 0.

/// Sets the entries of held unknowns to 0.
pub(crate) fn silence(held: &[bool], v: &mut [f64]) {
    for (v, held) in v.iter_mut().zip(held) {
        if *held {
            *v = 0.0;
        }
    }
}

/// The same of a copy.
pub(super) fn silenced(held: &[bool], v: &[f64]) -> Vec<f64> {
    let mut v = v.to_vec();
    silence(held, &mut v);
    v
}
