//! Between the places of a staggered grid: component 0 of the velocity lies half a cell before
//! each cell along axis 0, component 1 half a cell before it along axis 1.

use std::ops::Range;

use crate::linalg::axpy;

/// Calls `work` with each row and the ones before and after it, round the grid.
pub(super) fn rows(
    [n0, n1]: [usize; 2],
    mut work: impl FnMut(Range<usize>, Range<usize>, Range<usize>),
) {
    let row = |i: usize| i % n0 * n1..(i % n0 + 1) * n1;
    for i in 0..n0 {
        work(row(i), row(i + n0 - 1), row(i + 1));
    }
}

/// out += f(value, the next one) along a row, round its end.
pub(super) fn ahead(row: &[f64], out: &mut [f64], f: impl Fn(f64, f64) -> f64) {
    let end = row.len() - 1;
    for ((out, here), next) in out[..end].iter_mut().zip(row).zip(&row[1..]) {
        *out += f(*here, *next);
    }
    out[end] += f(row[end], row[0]);
}

/// out += f(value, the last one) along a row, round its start.
pub(super) fn behind(row: &[f64], out: &mut [f64], f: impl Fn(f64, f64) -> f64) {
    let end = row.len() - 1;
    out[0] += f(row[0], row[end]);
    for ((out, here), last) in out[1..].iter_mut().zip(&row[1..]).zip(row) {
        *out += f(*here, *last);
    }
}

/// out += the mean of the four values of the other component around each face of component c.
///
/// The transpose is the mean around the faces of the other component.
fn around(extents: [usize; 2], c: usize, scale: f64, other: &[f64], out: &mut [f64]) {
    let quarter = 0.25 * scale;
    rows(extents, |line, last, next| {
        let here = &other[line.clone()];
        let out = &mut out[line];
        if c == 0 {
            let above = &other[last];
            ahead(here, out, |here, right| quarter * (here + right));
            ahead(above, out, |here, right| quarter * (here + right));
        } else {
            let below = &other[next];
            behind(here, out, |here, left| quarter * (left + here));
            behind(below, out, |here, left| quarter * (left + here));
        }
    });
}

/// d = the displacement in one step at the faces of component c.
pub(super) fn at_faces(extents: [usize; 2], c: usize, scale: f64, v: &[f64], d: &mut [f64]) {
    let cells = v.len() / 2;
    d.fill(0.0);
    let (own, other) = (c * cells, (1 - c) * cells);
    axpy(scale, &v[own..][..cells], &mut d[own..][..cells]);
    let (from, to) = (&v[other..][..cells], &mut d[other..][..cells]);
    around(extents, c, scale, from, to);
}

/// v += the transpose of [`at_faces`].
pub(super) fn from_faces(extents: [usize; 2], c: usize, scale: f64, d: &[f64], v: &mut [f64]) {
    let cells = v.len() / 2;
    let (own, other) = (c * cells, (1 - c) * cells);
    axpy(scale, &d[own..][..cells], &mut v[own..][..cells]);
    let (from, to) = (&d[other..][..cells], &mut v[other..][..cells]);
    around(extents, 1 - c, scale, from, to);
}

/// d = the displacement in one step at the cells: the means of the faces on both sides.
pub(super) fn at_cells(extents: [usize; 2], scale: f64, v: &[f64], d: &mut [f64]) {
    let half = 0.5 * scale;
    d.fill(0.0);
    let ([v0, v1], [d0, d1]) = (both(v), both_mut(d));
    rows(extents, |line, _, next| {
        let pairs = v0[line.clone()].iter().zip(&v0[next]);
        for (d, (here, below)) in d0[line.clone()].iter_mut().zip(pairs) {
            *d = half * (here + below);
        }
        ahead(&v1[line.clone()], &mut d1[line], |here, right| {
            half * (here + right)
        });
    });
}

/// v += the transpose of [`at_cells`].
pub(super) fn from_cells(extents: [usize; 2], scale: f64, d: &[f64], v: &mut [f64]) {
    let half = 0.5 * scale;
    let ([d0, d1], [v0, v1]) = (both(d), both_mut(v));
    rows(extents, |line, last, _| {
        let pairs = d0[line.clone()].iter().zip(&d0[last]);
        for (v, (here, above)) in v0[line.clone()].iter_mut().zip(pairs) {
            *v += half * (here + above);
        }
        behind(&d1[line.clone()], &mut v1[line], |here, left| {
            half * (here + left)
        });
    });
}

/// Both components of a pair of fields.
pub(super) fn both(pair: &[f64]) -> [&[f64]; 2] {
    let (first, second) = pair.split_at(pair.len() / 2);
    [first, second]
}

/// Both components of a pair of fields, to be written.
pub(super) fn both_mut(pair: &mut [f64]) -> [&mut [f64]; 2] {
    let (first, second) = pair.split_at_mut(pair.len() / 2);
    [first, second]
}
