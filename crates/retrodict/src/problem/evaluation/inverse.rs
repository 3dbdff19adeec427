//! Steps of the local inverse at x.

use super::Evaluation;
use crate::error::{Error, Remedy, Result};
use crate::interrupt;
use crate::problem::Counts;

impl Evaluation<'_> {
    /// Whether P brings a local inverse.
    pub fn has_local_inverse(&self) -> bool {
        self.problem.simulator().local_inverse().is_some()
    }

    /// dx = P⁻¹(y + Δy; x) − x: the way to the solution nearest to this x.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if P brings no local inverse, or what the inverse returns.
    pub fn inverse_step(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let inverse =
            self.problem
                .simulator()
                .local_inverse()
                .ok_or_else(|| Error::Unsupported {
                    rule: "inverse-simulator",
                    needs: "a local inverse",
                    simulator: self.problem.name(),
                    instead: vec![
                        Remedy::Setting {
                            key: "inverse",
                            value: "path",
                            what: "which makes one from J",
                        },
                        "levenberg-marquardt, which needs J alone".into(),
                    ],
                })?;
        let y = self.y()?;
        interrupt::check()?;
        let mut counts = Counts {
            inverse: 1,
            ..Counts::default()
        };
        let done = inverse.step_counted(&self.x, y, dy, dx, &mut counts);
        self.tally.add(|c| c.add(&counts));
        done
    }

    /// Writes P⁻¹(y + Δy; x + d) − x to dx, for the simulator P of the data alone.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if P brings no local inverse, or what the
    /// inverse returns.
    pub(crate) fn correct(&self, d: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let data = self.problem.without_priors();
        let x: Vec<f64> = self.x.iter().zip(d).map(|(x, d)| x + d).collect();
        let there = Evaluation::new(&data, self.tally, &x)?;
        let aims = self.y()?.iter().zip(dy).map(|(y, dy)| y + dy);
        let rest: Vec<f64> = aims.zip(there.y()?).map(|(aim, y)| aim - y).collect();
        there.inverse_step(&rest, dx)?;
        dx.iter_mut().zip(d).for_each(|(dx, d)| *dx += d);
        Ok(())
    }
}
