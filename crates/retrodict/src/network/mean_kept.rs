//! Networks whose outputs have the mean of their inputs.

use std::sync::Arc;

use super::{Activity, Network, NetworkMap, Weight};
use crate::core::space::Space;
use crate::error::{Error, Result};
use crate::linalg::Matrix;

/// A network, followed by a shift of each output to the mean of its input: what physics conserves
/// need not be learned.
///
/// # Source
/// Holl, Koltun & Thuerey 2022, section 4.3: the heat in the box is known.
pub struct MeanKept {
    network: Arc<dyn Network>,
}

impl MeanKept {
    /// Around a network.
    ///
    /// # Errors
    /// If an input and an output have different lengths.
    pub fn new(network: Arc<dyn Network>) -> Result<Self> {
        let (input, output) = (network.input(), network.output());
        if input.len() != output.len() {
            return Err(Error::Option {
                key: "keep_mean".to_owned(),
                found: format!(
                    "an input {:?} and an output {:?}",
                    input.shape, output.shape
                ),
                allowed: "both must be of one shape; leave keep_mean out".to_owned(),
            });
        }
        Ok(Self { network })
    }

    fn shift(&self, inputs: &[f64], outputs: &mut [f64]) {
        let n = self.network.output().len();
        for (input, output) in inputs.chunks(n).zip(outputs.chunks_mut(n)) {
            let excess = mean(output) - mean(input);
            output.iter_mut().for_each(|v| *v -= excess);
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Takes the mean out of each sample.
fn centre(values: &mut [f64], n: usize) {
    for values in values.chunks_mut(n) {
        let mean = mean(values);
        values.iter_mut().for_each(|v| *v -= mean);
    }
}

impl Network for MeanKept {
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
        self.network.forward(theta, inputs, outputs)?;
        self.shift(inputs, outputs);
        Ok(())
    }
    fn linearize(
        &self,
        theta: &[f64],
        inputs: &[f64],
        outputs: &mut [f64],
    ) -> Result<Box<dyn NetworkMap>> {
        let map = self.network.linearize(theta, inputs, outputs)?;
        self.shift(inputs, outputs);
        let n = self.network.output().len();
        Ok(Box::new(Centred { map, n }))
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
        self.shift(inputs, outputs);
        Ok(())
    }
}

/// A derivative followed by the removal of each sample's mean, which is its own adjoint.
struct Centred {
    map: Box<dyn NetworkMap>,
    n: usize,
}

impl Centred {
    /// What follows the network, with the removal of the mean in front of it.
    fn centred(&self, physics: Option<&[Matrix]>, batch: usize) -> Vec<Matrix> {
        let n = self.n;
        let own = || {
            let mut own = Matrix::zeros(n, n);
            (0..n).for_each(|i| own[(i, i)] = 1.0);
            own
        };
        let mut all = physics.map_or_else(|| (0..batch).map(|_| own()).collect(), <[_]>::to_vec);
        for matrix in &mut all {
            centre(matrix.as_mut_slice(), n);
        }
        all
    }
}

impl NetworkMap for Centred {
    fn apply(&self, dtheta: &[f64], doutputs: &mut [f64]) -> Result<()> {
        self.map.apply(dtheta, doutputs)?;
        centre(doutputs, self.n);
        Ok(())
    }
    fn apply_transpose(&self, doutputs: &[f64], dtheta: &mut [f64]) -> Result<()> {
        let mut centred = doutputs.to_vec();
        centre(&mut centred, self.n);
        self.map.apply_transpose(&centred, dtheta)
    }
    fn outputs(&self) -> usize {
        self.map.outputs()
    }
    fn gram(&self, physics: Option<&[Matrix]>) -> Result<Matrix> {
        let batch = self.map.outputs() / self.n;
        self.map.gram(Some(&self.centred(physics, batch)))
    }
    fn jacobian(&self, physics: Option<&[Matrix]>) -> Result<Matrix> {
        let batch = self.map.outputs() / self.n;
        self.map.jacobian(Some(&self.centred(physics, batch)))
    }
    fn activations(&self) -> Vec<Activity> {
        self.map.activations()
    }
}
