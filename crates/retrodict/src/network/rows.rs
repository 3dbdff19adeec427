//! Rows of cells, register by register.
//!
//! Plain loops over the lanes of a cell would not do where lanes have factors of their own: compilers take
//! several cells at once instead, and gather them lane by lane.

use pulp::{Arch, Simd, WithSimd};

use super::lanes::{Cell, Real, RegisterPlace};

/// A function of rows, compiled for the widest registers of this processor. Its body runs for each place
/// in a cell that a register covers.
macro_rules! row_function {
    (
        $(#[$doc:meta])*
        $name:ident<$life:lifetime, $real:ident>($($field:ident: $type:ty),* $(,)?),
        |$at:ident| $body:block
    ) => {
        $(#[$doc])*
        pub(super) fn $name<$life, $real: Real>($($field: $type),*) {
            struct Row<$life, $real> {
                $($field: $type),*
            }

            impl<$real: Real> WithSimd for Row<'_, $real> {
                type Output = ();

                #[inline(always)]
                fn with_simd<S: Simd>(self, simd: S) {
                    let Self { $($field),* } = self;
                    for $at in RegisterPlace::all::<$real>(simd) $body
                }
            }

            Arch::new().dispatch(Row { $($field),* });
        }
    };
}

/// What normalisation does to the channels of a cell: ẑ = (z − mean) · inverse, y = γ ẑ + β.
#[derive(Clone, Copy)]
pub(super) struct Affine<R> {
    pub mean: Cell<R>,
    pub inverse: Cell<R>,
    pub gamma: Cell<R>,
    pub beta: Cell<R>,
}

row_function! {
    /// out = ẑ.
    normalise<'a, R>(affine: &'a Affine<R>, z: &'a [Cell<R>], out: &'a mut [Cell<R>]), |at| {
        let (mean, inverse) = (at.of(&affine.mean), at.of(&affine.inverse));
        for (out, z) in out.iter_mut().zip(z) {
            at.write(out, (at.of(z) - mean) * inverse);
        }
    }
}

row_function! {
    /// out = γ ẑ + β, from ẑ.
    scale<'a, R>(affine: &'a Affine<R>, normalised: &'a [Cell<R>], out: &'a mut [Cell<R>]), |at| {
        let (gamma, beta) = (at.of(&affine.gamma), at.of(&affine.beta));
        for (out, z) in out.iter_mut().zip(normalised) {
            at.write(out, at.of(z) * gamma + beta);
        }
    }
}

row_function! {
    /// Each y becomes `value` where it is positive and zero elsewhere, or keeps its own without `value`.
    rectify<'a, R>(y: &'a mut [Cell<R>], value: Option<&'a Cell<R>>), |at| {
        for y in y.iter_mut() {
            let own = at.of(y);
            at.write(y, own.where_positive(value.map_or(own, |cell| at.of(cell))));
        }
    }
}

row_function! {
    /// a = a b.
    multiply<'a, R>(a: &'a mut [Cell<R>], b: &'a [Cell<R>]), |at| {
        for (a, b) in a.iter_mut().zip(b) {
            at.write(a, at.of(a) * at.of(b));
        }
    }
}

/// Sums that are taken side by side.
const CHAINS: usize = 4;

row_function! {
    /// sums = Σ (a − shift) and Σ (a − shift)(b − shift).
    sum<'a, R>(
        a: &'a [Cell<R>],
        b: &'a [Cell<R>],
        shift: &'a Cell<R>,
        sums: &'a mut [Cell<R>; 2],
    ), |at| {
        let (shift, zero) = (at.of(shift), at.of(&Cell::zero()));
        // Four sums of each at once: a chain of additions would wait for every one of them.
        let mut parts = [[zero; 2]; CHAINS];
        let ((a, last_a), (b, last_b)) = (a.as_chunks::<CHAINS>(), b.as_chunks::<CHAINS>());
        for (a, b) in a.iter().zip(b) {
            for chain in 0..CHAINS {
                let own = at.of(&a[chain]) - shift;
                parts[chain][0] = parts[chain][0] + own;
                parts[chain][1] = parts[chain][1] + own * (at.of(&b[chain]) - shift);
            }
        }
        for (a, b) in last_a.iter().zip(last_b) {
            let own = at.of(a) - shift;
            parts[0][0] = parts[0][0] + own;
            parts[0][1] = parts[0][1] + own * (at.of(b) - shift);
        }
        for (i, sum) in sums.iter_mut().enumerate() {
            at.write(sum, (parts[0][i] + parts[1][i]) + (parts[2][i] + parts[3][i]));
        }
    }
}

/// A change of ẑ takes out what is in it of the mean and of ẑ itself, as normalisation does.
#[derive(Clone, Copy)]
pub(super) struct Centre<R> {
    pub mean: Cell<R>,
    pub product: Cell<R>,
    pub factor: Cell<R>,
}

row_function! {
    /// out = factor · (change − mean − ẑ · product), or added to what is there.
    centre<'a, R>(
        centre: &'a Centre<R>,
        normalised: &'a [Cell<R>],
        change: &'a [Cell<R>],
        add: bool,
        out: &'a mut [Cell<R>],
    ), |at| {
        let (mean, product) = (at.of(&centre.mean), at.of(&centre.product));
        let factor = at.of(&centre.factor);
        let pairs = normalised.iter().zip(change);
        for (out, (z, change)) in out.iter_mut().zip(pairs) {
            let own = factor * (at.of(change) - mean - at.of(z) * product);
            at.write(out, if add { at.of(out) + own } else { own });
        }
    }
}

row_function! {
    /// out += a ẑ + b.
    add_affine<'a, R>(
        a: &'a Cell<R>,
        b: &'a Cell<R>,
        normalised: &'a [Cell<R>],
        out: &'a mut [Cell<R>],
    ), |at| {
        let (a, b) = (at.of(a), at.of(b));
        for (out, z) in out.iter_mut().zip(normalised) {
            at.write(out, at.of(out) + a * at.of(z) + b);
        }
    }
}

row_function! {
    /// out = Σ weight · row over both rows.
    blend<'a, R>(rows: [(&'a Cell<R>, &'a [Cell<R>]); 2], out: &'a mut [Cell<R>]), |at| {
        let [(near, a), (far, b)] = rows;
        let (near, far) = (at.of(near), at.of(far));
        for (out, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
            at.write(out, near * at.of(a) + far * at.of(b));
        }
    }
}

row_function! {
    /// out += weight · row.
    add_scaled<'a, R>(weight: &'a Cell<R>, row: &'a [Cell<R>], out: &'a mut [Cell<R>]), |at| {
        let weight = at.of(weight);
        for (out, cell) in out.iter_mut().zip(row) {
            at.write(out, at.of(out) + weight * at.of(cell));
        }
    }
}

row_function! {
    /// out[i] = near · row[a] + far · row[b], where (a, b) are the columns of i.
    widen<'a, R>(
        weights: &'a [Cell<R>; 2],
        columns: &'a [(usize, usize)],
        row: &'a [Cell<R>],
        out: &'a mut [Cell<R>],
    ), |at| {
        let (near, far) = (at.of(&weights[0]), at.of(&weights[1]));
        for (out, (a, b)) in out.iter_mut().zip(columns) {
            at.write(out, near * at.of(&row[*a]) + far * at.of(&row[*b]));
        }
    }
}

row_function! {
    /// The adjoint of [`widen`]: out[a] += near · row[i] and out[b] += far · row[i].
    narrow<'a, R>(
        weights: &'a [Cell<R>; 2],
        columns: &'a [(usize, usize)],
        row: &'a [Cell<R>],
        out: &'a mut [Cell<R>],
    ), |at| {
        let (near, far) = (at.of(&weights[0]), at.of(&weights[1]));
        for (cell, (a, b)) in row.iter().zip(columns) {
            let own = at.of(cell);
            let to = &mut out[*a];
            at.write(to, at.of(to) + near * own);
            let to = &mut out[*b];
            at.write(to, at.of(to) + far * own);
        }
    }
}
