//! Networks that see scaled inputs, or make scaled outputs.

use std::sync::Arc;

use super::{Activity, Network, NetworkMap, Standardisation, Weight};
use crate::core::space::Space;
use crate::error::{Result, expect_length};
use crate::linalg::Matrix;

/// A network that sees z = (v − shift)/scale of its inputs v; its derivatives in θ are those of the network at z.
pub struct ScaledInput {
    network: Arc<dyn Network>,
    scaling: Standardisation,
}

/// A network whose outputs are those of another, taken from z to v = shift + scale z, or exp of it: J, Gram matrix and steps
/// see the composed map.
pub struct ScaledOutput {
    network: Arc<dyn Network>,
    scaling: Standardisation,
}

impl ScaledInput {
    /// A network behind a scaling.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if the scaling has not as many values as an input.
    pub fn new(network: Arc<dyn Network>, scaling: Standardisation) -> Result<Self> {
        expect_length(
            "the scaling of inputs",
            scaling.len(),
            network.input().len(),
        )?;
        Ok(Self { network, scaling })
    }

    fn scaled(&self, inputs: &[f64]) -> Result<Vec<f64>> {
        self.scaling.scaled("input", inputs)
    }
}

impl ScaledOutput {
    /// A network before a scaling.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if the scaling has not as many values as an output.
    pub fn new(network: Arc<dyn Network>, scaling: Standardisation) -> Result<Self> {
        expect_length(
            "the scaling of outputs",
            scaling.len(),
            network.output().len(),
        )?;
        Ok(Self { network, scaling })
    }
}

impl Network for ScaledInput {
    fn input(&self) -> &Space {
        self.network.input()
    }
    fn output(&self) -> &Space {
        self.network.output()
    }
    fn parameters(&self) -> usize {
        self.network.parameters()
    }
    fn weights(&self) -> Vec<Weight> {
        self.network.weights()
    }
    fn initial(&self, seed: u64) -> Vec<f64> {
        self.network.initial(seed)
    }
    fn gram_needs_jacobian(&self) -> bool {
        self.network.gram_needs_jacobian()
    }
    fn forward(&self, theta: &[f64], inputs: &[f64], outputs: &mut [f64]) -> Result<()> {
        self.network.forward(theta, &self.scaled(inputs)?, outputs)
    }
    fn linearize(
        &self,
        theta: &[f64],
        inputs: &[f64],
        outputs: &mut [f64],
    ) -> Result<Box<dyn NetworkMap>> {
        self.network
            .linearize(theta, &self.scaled(inputs)?, outputs)
    }
    fn statistics_layout(&self) -> Vec<Weight> {
        self.network.statistics_layout()
    }
    fn statistics(&self, theta: &[f64], inputs: &[f64]) -> Result<Vec<f64>> {
        self.network.statistics(theta, &self.scaled(inputs)?)
    }
    fn predict(
        &self,
        theta: &[f64],
        statistics: &[f64],
        inputs: &[f64],
        outputs: &mut [f64],
    ) -> Result<()> {
        self.network
            .predict(theta, statistics, &self.scaled(inputs)?, outputs)
    }
}

impl Network for ScaledOutput {
    fn input(&self) -> &Space {
        self.network.input()
    }
    fn output(&self) -> &Space {
        self.network.output()
    }
    fn parameters(&self) -> usize {
        self.network.parameters()
    }
    fn weights(&self) -> Vec<Weight> {
        self.network.weights()
    }
    fn initial(&self, seed: u64) -> Vec<f64> {
        self.network.initial(seed)
    }
    fn gram_needs_jacobian(&self) -> bool {
        self.network.gram_needs_jacobian()
    }
    fn scaled_output(&self) -> Option<(&Arc<dyn Network>, &Standardisation)> {
        Some((&self.network, &self.scaling))
    }
    fn forward(&self, theta: &[f64], inputs: &[f64], outputs: &mut [f64]) -> Result<()> {
        self.network.forward(theta, inputs, outputs)?;
        self.scaling.unscale(outputs);
        Ok(())
    }
    fn linearize(
        &self,
        theta: &[f64],
        inputs: &[f64],
        outputs: &mut [f64],
    ) -> Result<Box<dyn NetworkMap>> {
        let map = self.network.linearize(theta, inputs, outputs)?;
        self.scaling.unscale(outputs);
        Ok(Box::new(ScaledMap {
            map,
            slopes: self.scaling.slopes(outputs),
            n: self.scaling.len(),
        }))
    }
    fn statistics_layout(&self) -> Vec<Weight> {
        self.network.statistics_layout()
    }
    fn statistics(&self, theta: &[f64], inputs: &[f64]) -> Result<Vec<f64>> {
        self.network.statistics(theta, inputs)
    }
    fn predict(
        &self,
        theta: &[f64],
        statistics: &[f64],
        inputs: &[f64],
        outputs: &mut [f64],
    ) -> Result<()> {
        self.network.predict(theta, statistics, inputs, outputs)?;
        self.scaling.unscale(outputs);
        Ok(())
    }
}

/// A derivative followed by a factor for each output.
struct ScaledMap {
    map: Box<dyn NetworkMap>,
    /// dv/dz of each output of the batch.
    slopes: Vec<f64>,
    /// Values of one sample's output.
    n: usize,
}

impl ScaledMap {
    /// What follows the network, with the factors in front of it.
    fn behind(&self, physics: &[Matrix]) -> Vec<Matrix> {
        let mut all = physics.to_vec();
        for (matrix, slopes) in all.iter_mut().zip(self.slopes.chunks(self.n)) {
            for row in matrix.as_mut_slice().chunks_mut(self.n) {
                row.iter_mut().zip(slopes).for_each(|(a, s)| *a *= s);
            }
        }
        all
    }
}

impl NetworkMap for ScaledMap {
    fn apply(&self, dtheta: &[f64], doutputs: &mut [f64]) -> Result<()> {
        self.map.apply(dtheta, doutputs)?;
        let each = doutputs.iter_mut().zip(&self.slopes);
        each.for_each(|(d, slope)| *d *= slope);
        Ok(())
    }
    fn apply_transpose(&self, doutputs: &[f64], dtheta: &mut [f64]) -> Result<()> {
        expect_length("the outputs' change", doutputs.len(), self.slopes.len())?;
        let scaled = doutputs.iter().zip(&self.slopes).map(|(d, s)| d * s);
        self.map
            .apply_transpose(&scaled.collect::<Vec<_>>(), dtheta)
    }
    fn outputs(&self) -> usize {
        self.map.outputs()
    }
    fn gram(&self, physics: Option<&[Matrix]>) -> Result<Matrix> {
        if let Some(physics) = physics {
            return self.map.gram(Some(&self.behind(physics)));
        }
        // Without physics a factor for each row and column is all that there is to it.
        let mut gram = self.map.gram(None)?;
        let m = self.slopes.len();
        for (row, a) in gram.as_mut_slice().chunks_mut(m).zip(&self.slopes) {
            row.iter_mut()
                .zip(&self.slopes)
                .for_each(|(g, b)| *g *= a * b);
        }
        Ok(gram)
    }
    fn jacobian(&self, physics: Option<&[Matrix]>) -> Result<Matrix> {
        if let Some(physics) = physics {
            return self.map.jacobian(Some(&self.behind(physics)));
        }
        let mut jacobian = self.map.jacobian(None)?;
        let width = jacobian.cols();
        let rows = jacobian.as_mut_slice().chunks_mut(width.max(1));
        for (row, slope) in rows.zip(&self.slopes) {
            row.iter_mut().for_each(|j| *j *= slope);
        }
        Ok(jacobian)
    }
    fn activations(&self) -> Vec<Activity> {
        self.map.activations()
    }
}
