//! Interpolation on a periodic grid, its derivatives and its transpose.

/// Places on a periodic grid, each a displacement away from its cell.
///
/// Displacements of up to half of the grid are looked up in tables of wrapped indices.
#[derive(Debug)]
pub(super) struct Torus {
    extents: [usize; 2],
    /// Where each row starts, three times round.
    rows: Vec<usize>,
    columns: Vec<usize>,
}

/// The four cells around a place: (i, j), (i, j+1), (i+1, j), (i+1, j+1), and how far from the
/// first one it lies.
pub(super) struct Stencil {
    pub(super) cells: [usize; 4],
    part: [f64; 2],
}

/// Each cell's displacement along both axes, in cells.
pub(super) type Displacement<'a> = [&'a [f64]; 2];

impl Torus {
    pub(super) fn new(extents: [usize; 2]) -> Self {
        let around = |n: usize, width: usize| (0..3 * n).map(move |i| i % n * width).collect();
        Self {
            extents,
            rows: around(extents[0], extents[1]),
            columns: around(extents[1], 1),
        }
    }

    /// Calls `visit` with each cell and the stencil around the cell + sign · displacement.
    #[inline(always)]
    pub(super) fn each(
        &self,
        [d0, d1]: Displacement<'_>,
        sign: f64,
        mut visit: impl FnMut(usize, &Stencil),
    ) {
        let [n0, n1] = self.extents;
        for i in 0..n0 {
            let rows = &self.rows[i..];
            let line = i * n1..(i + 1) * n1;
            for (j, (d0, d1)) in d0[line.clone()].iter().zip(&d1[line]).enumerate() {
                let (k0, part0) = split(sign * d0, n0);
                let (k1, part1) = split(sign * d1, n1);
                let (above, below) = (rows[k0], rows[k0 + 1]);
                let (left, right) = (self.columns[j + k1], self.columns[j + k1 + 1]);
                let stencil = Stencil {
                    cells: [above + left, above + right, below + left, below + right],
                    part: [part0, part1],
                };
                visit(i * n1 + j, &stencil);
            }
        }
    }
}

/// n + ⌊d⌋ and d − ⌊d⌋; the sum is positive, so that cutting off rounds down.
#[inline(always)]
fn split(d: f64, n: usize) -> (usize, f64) {
    let whole = (d + n as f64) as i32;
    (whole as usize, d - f64::from(whole - n as i32))
}

impl Stencil {
    /// The field there.
    #[inline(always)]
    pub(super) fn value(&self, field: &[f64]) -> f64 {
        let [a, b, c, d] = self.cells.map(|cell| field[cell]);
        let above = a + self.part[1] * (b - a);
        let below = c + self.part[1] * (d - c);
        above + self.part[0] * (below - above)
    }

    /// The field's slope along both axes there.
    #[inline(always)]
    pub(super) fn slope(&self, field: &[f64]) -> [f64; 2] {
        let [a, b, c, d] = self.cells.map(|cell| field[cell]);
        let (right_above, right_below) = (b - a, d - c);
        [
            c - a + self.part[1] * (right_below - right_above),
            right_above + self.part[0] * (right_below - right_above),
        ]
    }

    /// The transpose of [`value`](Self::value): spreads an adjoint over the four cells.
    #[inline(always)]
    pub(super) fn spread(&self, adjoint: f64, out: &mut [f64]) {
        let below = adjoint * self.part[0];
        let above = adjoint - below;
        let (above_right, below_right) = (above * self.part[1], below * self.part[1]);
        let shares = [
            above - above_right,
            above_right,
            below - below_right,
            below_right,
        ];
        for (cell, share) in self.cells.iter().zip(shares) {
            out[*cell] += share;
        }
    }

    /// Brings `value` between the smallest and the largest of the four cells; says which cell it
    /// was set to, if any.
    #[inline(always)]
    pub(super) fn clamp(&self, field: &[f64], value: f64) -> (f64, Option<usize>) {
        let corners = self.cells.map(|cell| field[cell]);
        let (mut low, mut high) = (0, 0);
        for corner in 1..4 {
            if corners[corner] < corners[low] {
                low = corner;
            }
            if corners[corner] > corners[high] {
                high = corner;
            }
        }
        if value < corners[low] {
            (corners[low], Some(low))
        } else if value > corners[high] {
            (corners[high], Some(high))
        } else {
            (value, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_is_met_exactly_and_the_grid_goes_round() {
        let torus = Torus::new([8, 9]);
        let field: Vec<f64> = (0..72).map(|c| (c / 9 * 10 + c % 9) as f64).collect();
        // From the cell (3, 0), whose value is 30.
        for (d, expected) in [
            ([0.25, 0.5], 33.0),
            ([-0.75, 0.0], 22.5),
            ([4.0, 0.0], 70.0),
            ([4.5, 2.0], 37.0),
            ([-3.0, -4.0], 5.0),
        ] {
            let (d0, d1) = ([d[0]; 72], [d[1]; 72]);
            let mut found = f64::NAN;
            torus.each([&d0, &d1], 1.0, |cell, stencil| {
                if cell == 27 {
                    found = stencil.value(&field);
                }
            });
            assert!((found - expected).abs() < 1e-12, "{d:?}: {found}");
        }
    }
}
