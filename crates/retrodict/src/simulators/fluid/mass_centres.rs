//! The inverse that compares where the marker's mass lies.

use std::f64::consts::PI;

use super::Fluid;
use crate::error::{Error, Result};
use crate::linalg::{axpy, dot};
use crate::models::rollout::{RolledOut, TimeStep};

/// P⁻¹(y; x₀): the flow from x₀ is run to its end, its velocity there is corrected by a uniform
/// velocity and a swirl, and run backwards.
///
/// What running backwards loses (interpolation smooths both ways) it loses with the correction
/// and without it, so it is the difference of both that is added to x₀: P⁻¹(P(x₀); x₀) = x₀.
///
/// Unless the rest is to be `kept`, it is added to what x₀ has of a uniform velocity and a swirl only:
/// the marker does not tell of anything else, and a network's x₀ holds a lot of it at first.
///
/// # Source
/// Holl, Koltun & Thuerey 2022, section 4.4 and its appendix, for the idea, without the rest; the swirl
/// here comes from the second moments of mass.
pub(super) fn invert(
    fluid: &Fluid,
    keep_rest: bool,
    y: &[f64],
    x0: &[f64],
    x: &mut [f64],
) -> Result<()> {
    let rollout = fluid.rollout().options();
    let flow = &rollout.step;
    let cells = flow.cells();
    let steps = rollout.observe.steps.last().copied().unwrap_or(0);
    let mut state = rollout.initial.clone();
    state[cells..].copy_from_slice(x0);
    let mut work = flow.scratch();
    let mut record = vec![0.0; flow.record()];
    for n in 0..steps {
        flow.step(n, &[], &mut state, &mut record, &mut work)?;
    }
    let fields = rollout.observe.places.len();
    let seen = &y[y.len() - fields..][..cells];
    let here = Mass::of(&state[..cells], flow.extents)?;
    let there = Mass::of(seen, flow.extents)?;
    let time = steps.max(1) as f64;

    let mut kept = state[cells..].to_vec();
    let mut corrected = kept.clone();
    add_motion(
        flow.extents,
        &here,
        &there,
        flow.cell / (flow.dt * time),
        &mut corrected,
    );
    for velocity in [&mut kept, &mut corrected] {
        for _ in 0..steps {
            flow.step_velocity_back(velocity, &mut work)?;
        }
    }
    if keep_rest {
        x.copy_from_slice(x0);
    } else {
        let start = Mass::of(&rollout.initial[..cells], flow.extents)?;
        motion_of(flow.extents, &start, x0, x);
    }
    axpy(1.0, &corrected, x);
    axpy(-1.0, &kept, x);
    Ok(())
}

/// Where the mass of a marker lies.
struct Mass {
    /// Its centre, in cells.
    centre: [f64; 2],
    /// The orientation of its second moments, as (cos 2φ, sin 2φ) times their anisotropy.
    orientation: [f64; 2],
    /// The root of the mean square distance from the centre, in cells.
    radius: f64,
}

impl Mass {
    fn of(marker: &[f64], extents: [usize; 2]) -> Result<Self> {
        let total: f64 = marker.iter().sum();
        let mut centre = [0.0; 2];
        for axis in 0..2 {
            let turn = 2.0 * PI / extents[axis] as f64;
            let (mut cos, mut sin) = (0.0, 0.0);
            for (cell, m) in marker.iter().enumerate() {
                let angle = turn * index(cell, axis, extents);
                cos += m * angle.cos();
                sin += m * angle.sin();
            }
            // A mass spread evenly round the box has no centre there.
            if cos.hypot(sin) <= 0.02 * total.abs() {
                return Err(Error::simulation(
                    "fluid",
                    format!(
                        "the marker is spread so evenly along axis {axis} that it has no centre \
                         of mass in a periodic box; take a marker in one piece (pattern 'blob') \
                         or the inverse 'least-squares'"
                    ),
                ));
            }
            centre[axis] = sin.atan2(cos) / turn;
        }
        let mut moments = [0.0; 3];
        for (cell, m) in marker.iter().enumerate() {
            let [a, b] = from(centre, cell, extents);
            moments[0] += m * a * a;
            moments[1] += m * b * b;
            moments[2] += m * a * b;
        }
        let spread = (moments[0] + moments[1]).max(f64::MIN_POSITIVE);
        Ok(Self {
            centre,
            orientation: [
                (moments[0] - moments[1]) / spread,
                2.0 * moments[2] / spread,
            ],
            radius: (spread / total.abs()).sqrt(),
        })
    }
}

fn index(cell: usize, axis: usize, extents: [usize; 2]) -> f64 {
    let index = if axis == 0 {
        cell / extents[1]
    } else {
        cell % extents[1]
    };
    index as f64
}

/// The shortest way from the centre to a cell, round the box.
fn from(centre: [f64; 2], cell: usize, extents: [usize; 2]) -> [f64; 2] {
    [0, 1].map(|axis| nearest(index(cell, axis, extents) - centre[axis], extents[axis]))
}

fn nearest(distance: f64, extent: usize) -> f64 {
    let n = extent as f64;
    distance - n * (distance / n).round()
}

/// Adds the uniform velocity and the swirl that move one mass onto the other; `speed` is that of
/// a cell in the whole time.
fn add_motion(extents: [usize; 2], here: &Mass, there: &Mass, speed: f64, velocity: &mut [f64]) {
    let shift = [0, 1].map(|axis| nearest(there.centre[axis] - here.centre[axis], extents[axis]));
    let ([a, b], [c, d]) = (here.orientation, there.orientation);
    // A mass that is nearly round does not show how far it was turned.
    let turned = a.hypot(b).min(c.hypot(d)) > 0.05;
    let angle = if turned {
        0.5 * (a * d - b * c).atan2(a * c + b * d)
    } else {
        0.0
    };
    let swirl = swirl(extents, here);
    for (axis, component) in velocity.chunks_mut(extents[0] * extents[1]).enumerate() {
        component.iter_mut().for_each(|v| *v += speed * shift[axis]);
    }
    axpy(speed * angle, &swirl, velocity);
}

/// What a velocity has of a uniform one and of a swirl around a mass.
fn motion_of(extents: [usize; 2], mass: &Mass, velocity: &[f64], motion: &mut [f64]) {
    let cells = extents[0] * extents[1];
    let (mut swirl, mut rest) = (swirl(extents, mass), velocity.to_vec());
    for (axis, motion) in motion.chunks_mut(cells).enumerate() {
        let part = axis * cells..(axis + 1) * cells;
        motion.fill(take_mean(&mut rest[part.clone()]));
        take_mean(&mut swirl[part]);
    }
    let strength = dot(&swirl, &rest) / dot(&swirl, &swirl);
    axpy(strength, &swirl, motion);
}

/// Subtracts the mean and returns it.
fn take_mean(values: &mut [f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|v| *v -= mean);
    mean
}

/// A turn by one radian in a unit of time around a mass, which falls off over twice its radius.
fn swirl(extents: [usize; 2], mass: &Mass) -> Vec<f64> {
    let cells = extents[0] * extents[1];
    let reach = 2.0 * mass.radius;
    let fall = |x: f64, y: f64| (-0.5 * (x * x + y * y) / (reach * reach)).exp();
    let mut velocity = vec![0.0; 2 * cells];
    let (first, second) = velocity.split_at_mut(cells);
    for cell in 0..cells {
        let [x, y] = from(mass.centre, cell, extents);
        first[cell] = -y * fall(x - 0.5, y);
        second[cell] = x * fall(x, y - 0.5);
    }
    velocity
}
