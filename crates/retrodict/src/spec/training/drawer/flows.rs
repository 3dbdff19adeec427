//! Velocities of a fluid, and what its dye shows of them.

use super::Drawer;
use crate::core::random::Random;
use crate::core::space::Space;
use crate::error::Result;
use crate::spec::random;
use crate::training::Sample;

impl Drawer {
    /// A drift and smooth eddies free of divergence, half of the energy in each, and the dye before and
    /// after.
    pub(super) fn flow(&self, strength: f64, random: &mut Random) -> Result<Sample> {
        let share = strength / 2.0_f64.sqrt();
        let mut x = self.eddies(share, random);
        for component in x.chunks_mut(self.physics.simulator.output().len()) {
            let normal: f64 = random.normal();
            component.iter_mut().for_each(|v| *v += share * normal);
        }
        self.carried(x)
    }

    /// A drift, a swirl around the middle and smooth fluctuations, and the dye before and after.
    pub(super) fn swirl(
        &self,
        [drift, swirl, reach, fluctuation]: [f64; 4],
        random: &mut Random,
    ) -> Result<Sample> {
        let shape = &self.physics.simulator.output().shape;
        let (rows, cols) = (shape[0], shape[1]);
        let mut x = self.eddies(fluctuation, random);
        let mut uniform = |most: f64| most * random.range(-1.0..=1.0);
        let (along, across, turn) = (uniform(drift), uniform(drift), uniform(swirl) / reach);
        let (first, second) = x.split_at_mut(rows * cols);
        for i in 0..rows {
            for j in 0..cols {
                // Cells from the middle to the cell; components lie half a cell before it.
                let a = i as f64 + 0.5 - 0.5 * rows as f64;
                let b = j as f64 + 0.5 - 0.5 * cols as f64;
                let fall = |a: f64, b: f64| (0.5 - 0.5 * (a * a + b * b) / (reach * reach)).exp();
                first[i * cols + j] += along - turn * b * fall(a - 0.5, b);
                second[i * cols + j] += across + turn * a * fall(a, b - 0.5);
            }
        }
        self.carried(x)
    }

    /// Smooth eddies free of divergence with that root mean square of each component.
    fn eddies(&self, strength: f64, random: &mut Random) -> Vec<f64> {
        let shape = &self.physics.simulator.output().shape;
        let (rows, cols) = (shape[0], shape[1]);
        let psi = random::smooth(shape, random);
        let at = |i: usize, j: usize| psi[i % rows * cols + j % cols];
        // Components lie half a cell before the cells, ψ at the corners.
        let pixels = || (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j)));
        let along = pixels().map(|(i, j)| at(i, j + 1) - at(i, j));
        let across = pixels().map(|(i, j)| at(i, j) - at(i + 1, j));
        let mut x: Vec<f64> = along.chain(across).collect();
        let scale = strength / random::root_mean_square(&x);
        x.iter_mut().for_each(|v| *v *= scale);
        x
    }

    /// A velocity, and the dye before and after.
    fn carried(&self, x: Vec<f64>) -> Result<Sample> {
        let before = self.dye(self.physics.simulator.output())?;
        let sample = self.of(x)?;
        let seen = [&before[..], &sample.target].concat();
        Ok(sample.with_input(seen))
    }

    /// The dye before anything moves it.
    fn dye(&self, y: &Space) -> Result<Vec<f64>> {
        let still = vec![0.0; self.physics.simulator.input().len()];
        let mut dye = vec![0.0; y.len()];
        self.physics.simulator.forward(&still, &mut dye)?;
        Ok(dye)
    }
}
