//! Whether one method beats another over seeds, or is as likely to lose: the sign test.

/// How often one of two paired values was the lower one, over the seeds that both have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignTest {
    /// Seeds with the first value below the second.
    pub lower: usize,
    /// Seeds with different values.
    pub of: usize,
}

/// The level below which a difference is called clear.
pub const LEVEL: f64 = 0.05;

/// With fewer seeds than this no outcome is below the level.
pub const FEWEST: usize = 6;

impl SignTest {
    /// Of pairs; equal ones say nothing, and what is not a number is larger than any number.
    pub fn of(pairs: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let number = |v: f64| if v.is_nan() { f64::INFINITY } else { v };
        let mut test = Self { lower: 0, of: 0 };
        for (a, b) in pairs {
            let (a, b) = (number(a), number(b));
            test.lower += usize::from(a < b);
            test.of += usize::from(a != b);
        }
        test
    }

    /// The probability of a count that lies as far from one half, or further, if both were equally likely to be lower:
    /// two-sided, from the binomial distribution.
    pub fn p(self) -> f64 {
        let n = self.of;
        let few = self.lower.min(n - self.lower);
        // From term to term by ratios: no factorial overflows.
        let (mut term, mut sum) = (0.5_f64.powi(n as i32), 0.0);
        for k in 0..=few {
            sum += term;
            term *= (n - k) as f64 / (k + 1) as f64;
        }
        (2.0 * sum).min(1.0)
    }

    /// Whether the first is lower on more seeds than chance would explain.
    pub fn is_clear(self) -> bool {
        2 * self.lower > self.of && self.p() <= LEVEL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.binomtest(k, n).pvalue`.
    #[test]
    fn p_is_that_of_the_binomial_test() {
        for (lower, of, p) in [
            (8, 8, 0.0078125),
            (7, 8, 0.0703125),
            (6, 6, 0.03125),
            (5, 5, 0.0625),
            (2, 4, 1.0),
            (3, 16, 0.02127075),
        ] {
            let found = SignTest { lower, of }.p();
            assert!((found - p).abs() < 1e-7, "{lower} of {of}: {found}");
        }
    }

    #[test]
    fn the_fewest_seeds_that_decide_are_as_many_as_said() {
        let all = |of| SignTest { lower: of, of };
        assert!(all(FEWEST).is_clear() && !all(FEWEST - 1).is_clear());
        assert!(!SignTest { lower: 0, of: 16 }.is_clear(), "it is the other");
        let test = SignTest::of([(1.0, f64::NAN), (2.0, 2.0), (3.0, 1.0)]);
        assert_eq!(test, SignTest { lower: 1, of: 2 });
    }
}
