//! MacCormack's advection: a semi-Lagrangian step, corrected by what it fails to undo.

use super::torus::{Displacement, Torus};

/// Carries fields along displacements.
///
/// With S(d) the interpolation at each cell + d: s = S(−d) f, then f ← s + ½ (f − S(d) s).
/// The correction may overshoot; clamped, it stays between the four cells from which s came.
///
/// # Source
/// Selle, Fedkiw, Kim, Liu & Rossignac, *An unconditionally stable MacCormack method* (2008).
#[derive(Debug)]
pub(super) struct MacCormack {
    pub(super) torus: Torus,
}

/// What an advected field leaves for the derivatives.
pub(super) struct Carried<'a> {
    /// The field before.
    pub(super) field: &'a [f64],
    /// s.
    pub(super) predicted: &'a [f64],
    /// 0, or 1 + the corner to which the value was clamped; empty without a limiter.
    pub(super) clamped: &'a [f64],
}

impl Carried<'_> {
    /// The corner of the stencil whose value was taken.
    #[inline(always)]
    fn corner(&self, cell: usize) -> Option<usize> {
        match self.clamped.get(cell) {
            Some(code) if *code > 0.0 => Some(*code as usize - 1),
            _ => None,
        }
    }
}

impl MacCormack {
    /// out = the field, carried along; clamped where `clamped` has room to say so.
    pub(super) fn carry(
        &self,
        along: Displacement<'_>,
        field: &[f64],
        predicted: &mut [f64],
        clamped: &mut [f64],
        out: &mut [f64],
    ) {
        self.torus.each(along, -1.0, |cell, back| {
            predicted[cell] = back.value(field);
        });
        self.torus.each(along, 1.0, |cell, ahead| {
            out[cell] = predicted[cell] + 0.5 * (field[cell] - ahead.value(predicted));
        });
        if clamped.is_empty() {
            return;
        }
        self.torus.each(along, -1.0, |cell, back| {
            let (value, corner) = back.clamp(field, out[cell]);
            out[cell] = value;
            clamped[cell] = corner.map_or(0.0, |corner| (corner + 1) as f64);
        });
    }

    /// out = the change of the carried field with the field and with the displacement.
    pub(super) fn tangent(
        &self,
        along: Displacement<'_>,
        at: &Carried<'_>,
        field: &[f64],
        [d0, d1]: Displacement<'_>,
        predicted: &mut [f64],
        out: &mut [f64],
    ) {
        self.torus.each(along, -1.0, |cell, back| {
            let [slope0, slope1] = back.slope(at.field);
            predicted[cell] = back.value(field) - slope0 * d0[cell] - slope1 * d1[cell];
            // Where the value was clamped, only that corner counts.
            if let Some(corner) = at.corner(cell) {
                out[cell] = field[back.cells[corner]];
            }
        });
        self.torus.each(along, 1.0, |cell, ahead| {
            if at.corner(cell).is_none() {
                let [slope0, slope1] = ahead.slope(at.predicted);
                let undone = ahead.value(predicted) + slope0 * d0[cell] + slope1 * d1[cell];
                out[cell] = predicted[cell] + 0.5 * (field[cell] - undone);
            }
        });
    }

    /// Adds to `field` and writes to `d` what an adjoint of the carried field makes of them.
    pub(super) fn adjoint(
        &self,
        along: Displacement<'_>,
        at: &Carried<'_>,
        adjoint: &[f64],
        field: &mut [f64],
        [d0, d1]: [&mut [f64]; 2],
        predicted: &mut [f64],
    ) {
        predicted.fill(0.0);
        self.torus.each(along, 1.0, |cell, ahead| {
            (d0[cell], d1[cell]) = (0.0, 0.0);
            if at.corner(cell).is_none() {
                let half = 0.5 * adjoint[cell];
                let [slope0, slope1] = ahead.slope(at.predicted);
                (d0[cell], d1[cell]) = (-half * slope0, -half * slope1);
                field[cell] += half;
                predicted[cell] += adjoint[cell];
                ahead.spread(-half, predicted);
            }
        });
        self.torus.each(along, -1.0, |cell, back| {
            let pull = predicted[cell];
            let [slope0, slope1] = back.slope(at.field);
            d0[cell] -= pull * slope0;
            d1[cell] -= pull * slope1;
            back.spread(pull, field);
            if let Some(corner) = at.corner(cell) {
                field[back.cells[corner]] += adjoint[cell];
            }
        });
    }
}
