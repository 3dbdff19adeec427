//! Single values of x, or their logarithms.

use num_dual::Dual64;

use crate::core::description::Description;
use crate::core::number::Number;
use crate::core::simulator::{SecondOrder, Simulator};
use crate::core::space::Space;
use crate::error::{Error, Result};

/// x ↦ (xᵢ or ln xᵢ), for some i.
#[derive(Debug, Clone)]
pub(crate) struct Readings {
    input: Space,
    output: Space,
    /// Which value, and whether its logarithm.
    rows: Vec<(usize, bool)>,
}

impl Readings {
    /// Rows of values of a space, each with whether its logarithm is meant.
    pub(crate) fn new(input: &Space, rows: Vec<(usize, bool)>) -> Self {
        Self {
            input: input.clone(),
            output: Space::new("parameters", &[rows.len()], "1"),
            rows,
        }
    }

    fn read<D: Number>(row: (usize, bool), x: &[D]) -> D {
        match row {
            (i, true) => x[i].ln(),
            (i, false) => x[i],
        }
    }

    /// The slope of each row.
    fn slopes(&self, x: &[f64]) -> impl Iterator<Item = (usize, f64)> {
        let slope = |row: &(usize, bool)| {
            let at = Dual64::new(x[row.0], 1.0);
            (row.0, if row.1 { at.ln().eps } else { 1.0 })
        };
        self.rows.iter().map(slope)
    }
}

impl Simulator for Readings {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        for (y, row) in y.iter_mut().zip(&self.rows) {
            *y = Self::read(*row, x);
            if !y.is_finite() {
                let (i, value) = (row.0, x[row.0]);
                return Err(Error::simulation(
                    self.output.name.clone(),
                    format!(
                        "p[{i}] = {value} has no logarithm; give it the transform log, or a lower bound above 0"
                    ),
                ));
            }
        }
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        let slopes = dy.iter_mut().zip(self.slopes(x));
        slopes.for_each(|(dy, (i, slope))| *dy = slope * dx[i]);
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        dx.fill(0.0);
        let slopes = dy.iter().zip(self.slopes(x));
        slopes.for_each(|(dy, (i, slope))| dx[i] += slope * dy);
        Ok(())
    }
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        self.rows.iter().any(|(_, log)| *log).then_some(self)
    }
    fn describe(&self) -> Description {
        Description::default().with_linear(self.rows.iter().all(|(_, log)| !log))
    }
}

impl SecondOrder for Readings {
    fn vjp_derivative(&self, x: &[f64], dy: &[f64], dx: &[f64], out: &mut [f64]) -> Result<()> {
        out.fill(0.0);
        for (dy, (i, log)) in dy.iter().zip(&self.rows) {
            if *log {
                out[*i] -= dy * dx[*i] / (x[*i] * x[*i]);
            }
        }
        Ok(())
    }
}
