//! One time step of the flow, and its derivatives by hand.

use super::FluidInput;
use super::advection::{Carried, MacCormack};
use super::faces::{at_cells, at_faces, both, both_mut, from_cells, from_faces};
use super::projection::Projection;
use super::torus::Torus;
use crate::core::space::Space;
use crate::error::{Error, Result};
use crate::linalg::{axpy, dot, is_finite};
use crate::models::rollout::TimeStep;

/// One time step: the velocity carries itself and is projected, then it carries the marker.
///
/// The state is the marker and both components of the velocity. Before the first step, what the
/// state holds in place of the velocity is turned into one without divergence.
#[derive(Debug)]
pub struct Flow {
    state: Space,
    pub(super) extents: [usize; 2],
    pub(super) cell: f64,
    pub(super) dt: f64,
    pub(super) input: FluidInput,
    pub(super) limited: bool,
    pub(super) keep_energy: bool,
    pub(super) max_courant: f64,
    pub(super) advection: MacCormack,
    pub(super) projection: Projection,
    /// The projection before the first step, which no viscosity touches.
    pub(super) entry: Projection,
}

/// Work space of a sweep: pairs of fields, and one more.
#[derive(Debug)]
pub struct FlowWork {
    /// A displacement.
    along: Vec<f64>,
    /// Its change, or its adjoint.
    shift: Vec<f64>,
    /// A velocity on its way.
    velocity: Vec<f64>,
    /// What the projection works in.
    corners: Vec<f64>,
    field: Vec<f64>,
}

/// What is kept of a step.
struct StepRecord<'a> {
    /// Marker and velocity before the step.
    marker: &'a [f64],
    before: &'a [f64],
    /// The velocity after it.
    after: &'a [f64],
    /// Semi-Lagrangian predictions and clamps of both components and of the marker.
    predicted: [&'a [f64]; 3],
    clamped: [&'a [f64]; 3],
    /// The factor that kept the energy.
    scale: f64,
}

impl Flow {
    pub(super) fn new(options: &super::FluidOptions) -> Self {
        let extents = [options.shape[0], options.shape[1]];
        let decay = options.viscosity * options.dt / (options.cell * options.cell);
        Self {
            state: Space::new("fluid", &[3, extents[0], extents[1]], "1 and m/s"),
            extents,
            cell: options.cell,
            dt: options.dt,
            input: options.input,
            limited: options.limiter == super::Limiter::Clamp,
            keep_energy: options.keep_energy,
            max_courant: options.max_courant,
            advection: MacCormack {
                torus: Torus::new(extents),
            },
            projection: Projection::new(extents, decay),
            entry: Projection::new(extents, 0.0),
        }
    }

    pub(super) fn cells(&self) -> usize {
        self.extents[0] * self.extents[1]
    }

    /// Displacement in cells for a velocity of 1.
    fn scale(&self) -> f64 {
        self.dt / self.cell
    }

    /// How many numbers of a record belong to the limiter.
    fn clamps(&self) -> usize {
        if self.limited { self.cells() } else { 0 }
    }

    fn kept<'a>(&self, record: &'a [f64]) -> StepRecord<'a> {
        let (n, clamps) = (self.cells(), self.clamps());
        let (marker, rest) = record.split_at(n);
        let (before, rest) = rest.split_at(2 * n);
        let (after, rest) = rest.split_at(2 * n);
        let (predicted, rest) = rest.split_at(3 * n);
        let (clamped, scale) = rest.split_at(3 * clamps);
        StepRecord {
            marker,
            before,
            after,
            predicted: [0, 1, 2].map(|c| &predicted[c * n..(c + 1) * n]),
            clamped: [0, 1, 2].map(|c| &clamped[c * clamps..(c + 1) * clamps]),
            scale: scale[0],
        }
    }

    /// A velocity that crosses too many cells in a step says so, with the step and the time.
    fn expect_courant(&self, n: usize, velocity: &[f64]) -> Result<()> {
        let mut largest = [0.0_f64; 8];
        for v in velocity.chunks(8) {
            for (largest, v) in largest.iter_mut().zip(v) {
                *largest = if v.abs() > *largest {
                    v.abs()
                } else {
                    *largest
                };
            }
        }
        let courant = self.scale() * largest.into_iter().fold(0.0, f64::max);
        // A NaN is not larger than anything, so that it has to be looked for.
        if courant <= self.max_courant && is_finite(velocity) {
            return Ok(());
        }
        let found = if is_finite(velocity) {
            format!(
                "the flow crosses {courant:.3} cells, and max_courant allows {}",
                self.max_courant
            )
        } else {
            "the velocity is no longer finite".to_owned()
        };
        Err(Error::simulation(
            "fluid",
            format!(
                "in step {}, at the time {}, {found}; try a shorter dt, larger cells or a smaller x",
                n + 1,
                n as f64 * self.dt
            ),
        ))
    }

    /// Turns x in place of the velocity into a velocity without divergence. Linear.
    pub(super) fn enter(&self, velocity: &mut [f64], corners: &mut [f64]) {
        match self.input {
            FluidInput::Velocity => self.entry.apply(velocity, corners),
            FluidInput::StreamFunction => {
                let stream = &mut corners[..self.cells()];
                for (s, x) in stream.iter_mut().zip(velocity.iter()) {
                    *s = x / self.cell;
                }
                self.entry.curl(stream, velocity);
            }
        }
    }

    /// The transpose of [`enter`](Self::enter).
    fn leave(&self, adjoint: &mut [f64], corners: &mut [f64]) {
        match self.input {
            FluidInput::Velocity => self.entry.apply(adjoint, corners),
            FluidInput::StreamFunction => {
                let stream = &mut corners[..self.cells()];
                self.entry.vorticity(adjoint, stream);
                adjoint.fill(0.0);
                for (a, s) in adjoint.iter_mut().zip(stream.iter()) {
                    *a = s / self.cell;
                }
            }
        }
    }

    /// The velocity a step earlier, as far as interpolation can tell: carried along −v. What
    /// viscosity took is not put back, as that would be mostly noise.
    pub(super) fn step_velocity_back(
        &self,
        velocity: &mut [f64],
        work: &mut FlowWork,
    ) -> Result<()> {
        self.expect_courant(0, velocity)?;
        let cells = self.cells();
        work.velocity.copy_from_slice(velocity);
        for c in 0..2 {
            let range = c * cells..(c + 1) * cells;
            at_faces(
                self.extents,
                c,
                -self.scale(),
                &work.velocity,
                &mut work.along,
            );
            self.advection.carry(
                both(&work.along),
                &work.velocity[range.clone()],
                &mut work.field,
                &mut [],
                &mut velocity[range],
            );
        }
        self.entry.apply(velocity, &mut work.corners);
        Ok(())
    }

    fn energy(velocity: &[f64]) -> f64 {
        dot(velocity, velocity)
    }
}

impl TimeStep for Flow {
    type Scratch = FlowWork;

    fn state(&self) -> &Space {
        &self.state
    }
    fn record(&self) -> usize {
        8 * self.cells() + 3 * self.clamps() + 1
    }
    fn time_step(&self) -> f64 {
        self.dt
    }
    fn scratch(&self) -> FlowWork {
        let n = self.cells();
        FlowWork {
            along: vec![0.0; 2 * n],
            shift: vec![0.0; 2 * n],
            velocity: vec![0.0; 2 * n],
            corners: vec![0.0; 2 * n],
            field: vec![0.0; n],
        }
    }

    fn step(
        &self,
        n: usize,
        _: &[f64],
        state: &mut [f64],
        record: &mut [f64],
        work: &mut FlowWork,
    ) -> Result<()> {
        let (cells, clamps) = (self.cells(), self.clamps());
        let (marker, velocity) = state.split_at_mut(cells);
        if n == 0 {
            self.enter(velocity, &mut work.corners);
            self.expect_courant(n, velocity)?;
        }
        let (old_marker, rest) = record.split_at_mut(cells);
        let (before, rest) = rest.split_at_mut(2 * cells);
        let (after, rest) = rest.split_at_mut(2 * cells);
        let (predicted, rest) = rest.split_at_mut(3 * cells);
        let (clamped, scale) = rest.split_at_mut(3 * clamps);
        old_marker.copy_from_slice(marker);
        before.copy_from_slice(velocity);
        for c in 0..2 {
            at_faces(self.extents, c, self.scale(), before, &mut work.along);
            let range = c * cells..(c + 1) * cells;
            self.advection.carry(
                both(&work.along),
                &before[range.clone()],
                &mut predicted[range.clone()],
                &mut clamped[c * clamps..(c + 1) * clamps],
                &mut velocity[range],
            );
        }
        self.projection.apply(velocity, &mut work.corners);
        scale[0] = 1.0;
        if self.keep_energy {
            let (old, new) = (Self::energy(before), Self::energy(velocity));
            if new > 0.0 {
                scale[0] = (old / new).sqrt();
                velocity.iter_mut().for_each(|v| *v *= scale[0]);
            }
        }
        self.expect_courant(n, velocity)?;
        after.copy_from_slice(velocity);
        at_cells(self.extents, self.scale(), after, &mut work.along);
        self.advection.carry(
            both(&work.along),
            old_marker,
            &mut predicted[2 * cells..],
            &mut clamped[2 * clamps..],
            marker,
        );
        Ok(())
    }

    fn step_vjp(
        &self,
        n: usize,
        _: &[f64],
        record: &[f64],
        adjoints: &mut [f64],
        _: &mut [f64],
        work: &mut FlowWork,
    ) -> Result<()> {
        let (cells, scale) = (self.cells(), self.scale());
        let kept = self.kept(record);
        for adjoint in adjoints.chunks_mut(3 * cells) {
            let (marker, velocity) = adjoint.split_at_mut(cells);
            work.field.copy_from_slice(marker);
            marker.fill(0.0);
            at_cells(self.extents, scale, kept.after, &mut work.along);
            self.advection.adjoint(
                both(&work.along),
                &kept.carried(2),
                &work.field,
                marker,
                both_mut(&mut work.shift),
                &mut work.corners[..cells],
            );
            from_cells(self.extents, scale, &work.shift, velocity);

            let mut pull = 0.0;
            if self.keep_energy {
                let energy = Self::energy(kept.before);
                if energy > 0.0 {
                    pull = dot(kept.after, velocity) / energy;
                }
                velocity.iter_mut().for_each(|v| *v *= kept.scale);
                axpy(-kept.scale * pull, kept.after, velocity);
            }
            self.projection.apply(velocity, &mut work.corners);
            work.velocity.copy_from_slice(velocity);
            velocity.fill(0.0);
            axpy(pull, kept.before, velocity);
            for c in 0..2 {
                let range = c * cells..(c + 1) * cells;
                at_faces(self.extents, c, scale, kept.before, &mut work.along);
                self.advection.adjoint(
                    both(&work.along),
                    &kept.carried(c),
                    &work.velocity[range.clone()],
                    &mut velocity[range],
                    both_mut(&mut work.shift),
                    &mut work.corners[..cells],
                );
                from_faces(self.extents, c, scale, &work.shift, velocity);
            }
            if n == 0 {
                self.leave(velocity, &mut work.corners);
            }
        }
        Ok(())
    }

    fn step_jvp(
        &self,
        n: usize,
        _: &[f64],
        record: &[f64],
        tangents: &mut [f64],
        _: &[f64],
        work: &mut FlowWork,
    ) -> Result<()> {
        let (cells, scale) = (self.cells(), self.scale());
        let kept = self.kept(record);
        for tangent in tangents.chunks_mut(3 * cells) {
            let (marker, velocity) = tangent.split_at_mut(cells);
            if n == 0 {
                self.enter(velocity, &mut work.corners);
            }
            work.velocity.copy_from_slice(velocity);
            for c in 0..2 {
                let range = c * cells..(c + 1) * cells;
                at_faces(self.extents, c, scale, kept.before, &mut work.along);
                at_faces(self.extents, c, scale, &work.velocity, &mut work.shift);
                self.advection.tangent(
                    both(&work.along),
                    &kept.carried(c),
                    &work.velocity[range.clone()],
                    both(&work.shift),
                    &mut work.field,
                    &mut velocity[range],
                );
            }
            self.projection.apply(velocity, &mut work.corners);
            if self.keep_energy {
                let energy = Self::energy(kept.before);
                if energy > 0.0 {
                    let gain = dot(kept.before, &work.velocity);
                    let loss = kept.scale * dot(kept.after, velocity);
                    velocity.iter_mut().for_each(|v| *v *= kept.scale);
                    axpy((gain - loss) / energy, kept.after, velocity);
                }
            }
            at_cells(self.extents, scale, kept.after, &mut work.along);
            at_cells(self.extents, scale, velocity, &mut work.shift);
            work.velocity[..cells].copy_from_slice(marker);
            self.advection.tangent(
                both(&work.along),
                &kept.carried(2),
                &work.velocity[..cells],
                both(&work.shift),
                &mut work.field,
                marker,
            );
        }
        Ok(())
    }
}

impl<'a> StepRecord<'a> {
    /// What is kept of component 0 or 1, or of the marker.
    fn carried(&self, c: usize) -> Carried<'a> {
        let n = self.marker.len();
        Carried {
            field: if c == 2 {
                self.marker
            } else {
                &self.before[c * n..(c + 1) * n]
            },
            predicted: self.predicted[c],
            clamped: self.clamped[c],
        }
    }
}
