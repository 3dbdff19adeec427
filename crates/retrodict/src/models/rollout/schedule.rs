//! Where to keep states so that a chain of steps is reversed with the fewest steps taken again.

/// How far to go from a kept state to the next one that is kept, when `length` steps have to be
/// reversed and `free` places are left for states.
///
/// # Source
/// Griewank & Walther, *Algorithm 799: Revolve* (2000), section 2: with s states (the one at the
/// start included) and no step taken more than r times, β(s, r) = (s + r)! / (s! r!) steps can be
/// reversed.
pub(super) fn stride(length: usize, free: usize) -> usize {
    if length <= 1 || free == 0 {
        return length.saturating_sub(1);
    }
    let kept = free + 1;
    let repeats = fewest_repeats(kept, length);
    // What lies behind the next state has one state less; what lies before it, one repeat less.
    let longest = reversible(kept, repeats - 1);
    longest
        .min(length.saturating_sub(reversible(kept - 1, repeats - 1)))
        .max(1)
}

/// The least r for which β(s, r) reaches `length`, halving what is in question: chains may be of any length.
fn fewest_repeats(kept: usize, length: usize) -> usize {
    let (mut low, mut high) = (0, length);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if reversible(kept, middle) >= length {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// β(s, r), as large as a `usize` at most; it is the same with s and r exchanged.
fn reversible(kept: usize, repeats: usize) -> usize {
    let (few, many) = (kept.min(repeats), kept.max(repeats));
    let mut value: u128 = 1;
    for i in 1..=few as u128 {
        value = value * (many as u128 + i) / i;
        if value > usize::MAX as u128 {
            return usize::MAX;
        }
    }
    value as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps taken to reverse a chain, each record's own step not counted.
    fn advances(length: usize, free: usize) -> usize {
        if length <= 1 {
            return 0;
        }
        if free == 0 {
            return length * (length - 1) / 2;
        }
        let m = stride(length, free);
        m + advances(length - m, free - 1) + advances(m, free)
    }

    #[test]
    fn chains_of_any_length_are_planned_at_once() {
        for length in [1 << 40, usize::MAX] {
            for free in [1, 2, 3, 1000, 1 << 40] {
                let m = stride(length, free);
                assert!(m >= 1 && m < length, "{length} {free}: {m}");
            }
        }
        assert_eq!(fewest_repeats(2, 6), 2);
        assert_eq!(fewest_repeats(2, 7), 3);
    }

    /// By exhaustion over all strides.
    fn fewest(length: usize, free: usize) -> usize {
        if length <= 1 {
            return 0;
        }
        if free == 0 {
            return length * (length - 1) / 2;
        }
        (1..length)
            .map(|m| m + fewest(length - m, free - 1) + fewest(m, free))
            .min()
            .unwrap_or(0)
    }

    #[test]
    fn no_other_schedule_takes_fewer_steps() {
        for length in 1..=12 {
            for free in 0..4 {
                assert_eq!(
                    advances(length, free),
                    fewest(length, free),
                    "{length} steps, {free} places"
                );
            }
        }
    }

    #[test]
    fn a_tenth_of_the_states_takes_three_runs_at_most() {
        for length in [50, 100, 384, 1000] {
            let steps = advances(length, length / 10 - 1);
            assert!(steps as f64 <= 3.0 * length as f64, "{length}: {steps}");
        }
    }

    #[test]
    fn large_counts_do_not_overflow() {
        assert_eq!(reversible(10_000, 10_000), usize::MAX);
        assert_eq!(reversible(3, 2), 10);
    }
}
