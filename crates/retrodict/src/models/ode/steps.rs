//! Runge–Kutta steps of equal length.

use super::{Number, RightHandSide};
use crate::error::Result;
use crate::interrupt::Watch;

/// The number of states up to which they lie on the stack, from where the compiler takes them to registers.
const FEW: usize = 8;

/// The state, and workspace for the stages of a step.
struct StageScratch<'a, D> {
    y: &'a mut [D],
    at: &'a mut [D],
    slope: &'a mut [D],
    sum: &'a mut [D],
}

/// Takes steps of length h from time t.
///
/// It is told nothing of who looks at the state afterwards, so that it is compiled once for each kind of number.
pub(super) fn advance<R: RightHandSide, D: Number>(
    equation: &R,
    span: (f64, f64, usize),
    p: &[D],
    state: &mut [D],
    watch: &mut Watch,
) -> Result<()> {
    // Known when this is compiled, where the equation lists its states: loops over them are unrolled.
    let states = equation.states().len();
    let zero = D::from(0.0);
    if states > FEW {
        let mut values = vec![zero; 3 * states];
        let (at, rest) = values.split_at_mut(states);
        let (slope, sum) = rest.split_at_mut(states);
        let y = state;
        return run(equation, span, p, StageScratch { y, at, slope, sum }, watch);
    }
    let [mut y, mut at, mut slope, mut sum] = [[zero; FEW]; 4];
    y[..states].copy_from_slice(state);
    let stages = StageScratch {
        y: &mut y[..states],
        at: &mut at[..states],
        slope: &mut slope[..states],
        sum: &mut sum[..states],
    };
    run(equation, span, p, stages, watch)?;
    state.copy_from_slice(&y[..states]);
    Ok(())
}

/// The steps, within what calls it: else values on the stack would stay there.
#[inline(always)]
fn run<R: RightHandSide, D: Number>(
    equation: &R,
    (t, h, steps): (f64, f64, usize),
    p: &[D],
    mut stages: StageScratch<'_, D>,
    watch: &mut Watch,
) -> Result<()> {
    for n in 0..steps {
        watch.check()?;
        step(equation, t + n as f64 * h, h, p, &mut stages);
    }
    Ok(())
}

/// One step from time t.
#[inline(always)]
fn step<R: RightHandSide, D: Number>(
    equation: &R,
    t: f64,
    h: f64,
    p: &[D],
    stages: &mut StageScratch<'_, D>,
) {
    let StageScratch { y, at, slope, sum } = stages;
    at.copy_from_slice(y);
    sum.copy_from_slice(y);
    for (i, (node, weight)) in [(0.0, 1.0), (0.5, 2.0), (0.5, 2.0), (1.0, 1.0)]
        .into_iter()
        .enumerate()
    {
        equation.rate(t + node * h, at, p, slope);
        let reach = if i < 2 { 0.5 * h } else { h };
        for j in 0..y.len() {
            sum[j] += slope[j] * (weight * h / 6.0);
            at[j] = y[j] + slope[j] * reach;
        }
    }
    y.copy_from_slice(sum);
}
