//! Where the next fit is likely to be: the curve through the last ones.

/// The last fits, z at u, in the order in which they were made.
pub(super) struct Trail {
    /// How z follows u before anything is known.
    direction: Vec<f64>,
    fits: Vec<(f64, Vec<f64>)>,
}

/// Fits that a curve is laid through.
const NODES: usize = 3;

impl Trail {
    pub(super) fn new(u: f64, z: &[f64], direction: &[f64]) -> Self {
        Self {
            direction: direction.to_vec(),
            fits: vec![(u, z.to_vec())],
        }
    }

    pub(super) fn push(&mut self, u: f64, z: &[f64]) {
        if self.fits.len() == NODES {
            self.fits.remove(0);
        }
        self.fits.push((u, z.to_vec()));
    }

    /// z at u by the polynomial through the last fits.
    pub(super) fn curve(&self, u: f64) -> Vec<f64> {
        let Some((last, rest)) = self.fits.split_last().filter(|(_, rest)| !rest.is_empty()) else {
            return self.line(u);
        };
        // Lagrange's form, about the last fit, so that what is near it stays near.
        let mut z = last.1.clone();
        for (i, (ui, zi)) in rest.iter().enumerate() {
            let others = rest.iter().enumerate().filter(|(j, _)| *j != i);
            let mut weight = (u - last.0) / (ui - last.0);
            others.for_each(|(_, (uj, _))| weight *= (u - uj) / (ui - uj));
            for ((z, zi), zl) in z.iter_mut().zip(zi).zip(&last.1) {
                *z += weight * (zi - zl);
            }
        }
        z
    }

    /// z at u on the line through the last two.
    pub(super) fn line(&self, u: f64) -> Vec<f64> {
        match &self.fits[..] {
            [.., (ua, za), (ub, zb)] => {
                let share = (u - ub) / (ub - ua);
                let pairs = za.iter().zip(zb);
                pairs.map(|(a, b)| b + share * (b - a)).collect()
            }
            [(ua, za)] => {
                let pairs = za.iter().zip(&self.direction);
                pairs.map(|(z, d)| z + d * (u - ua)).collect()
            }
            [] => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parabola_is_continued_exactly() {
        let at = |u: f64| vec![1.0 - 2.0 * u + 3.0 * u * u, u];
        let mut trail = Trail::new(0.0, &at(0.0), &[-2.0, 1.0]);
        assert_eq!(trail.curve(0.5), [0.0, 0.5]);
        trail.push(0.5, &at(0.5));
        assert!((trail.line(1.0)[0] - 0.5).abs() < 1e-12);
        for u in [0.7, 1.5, 1.4] {
            trail.push(u, &at(u));
            for u in [1.0, 2.0] {
                let (found, expected) = (trail.curve(u), at(u));
                assert!(
                    (found[0] - expected[0]).abs() < 1e-12
                        && (found[1] - expected[1]).abs() < 1e-12
                );
            }
        }
    }
}
