//! The loss around the paths of a problem with two unknowns and two observations, for the report.

use retrodict::{Loss, Simulator};

use crate::data::Array;
use crate::failure::Outcome;
use crate::results::folder::RunContents;

/// Points along each axis.
const POINTS: usize = 81;

/// The paths of a problem's methods, in x and in y.
pub struct Paths<'a> {
    /// The problem's name.
    pub problem: &'a str,
    /// P.
    pub simulator: &'a dyn Simulator,
    /// L.
    pub loss: &'a dyn Loss,
    /// y*.
    pub target: &'a [f64],
    /// x*.
    pub truth: &'a [f64],
    /// Each method's name and iterates, the start first.
    pub methods: Vec<(String, Vec<Vec<f64>>)>,
}

impl Paths<'_> {
    /// Adds `contours/…` and `METHOD/path-…` to the fields, if everything has two values.
    pub fn add_to(&self, contents: &mut RunContents) -> Outcome<()> {
        let two = self.target.len() == 2 && self.truth.len() == 2;
        let Some(start) = self
            .methods
            .first()
            .and_then(|(_, path)| path.first())
            .filter(|_| two)
        else {
            return Ok(());
        };
        let in_y = |x: &[f64]| -> Outcome<Vec<f64>> {
            let mut y = vec![0.0; 2];
            self.simulator.forward(x, &mut y)?;
            Ok(y)
        };
        let mut put = |name: String, shape: Vec<usize>, values: Vec<f64>| {
            let name = format!("{}/{name}", self.problem);
            contents.fields.push((name, Array::new(shape, values)));
        };
        let (mut paths_x, mut paths_y) = (Vec::new(), Vec::new());
        for (method, path) in &self.methods {
            let y: Vec<Vec<f64>> = path.iter().map(|x| in_y(x)).collect::<Outcome<_>>()?;
            put(
                format!("{method}/path-x"),
                vec![path.len(), 2],
                path.concat(),
            );
            put(format!("{method}/path-y"), vec![y.len(), 2], y.concat());
            paths_x.extend(path.iter().cloned());
            paths_y.extend(y);
        }
        let (start_y, truth_y) = (in_y(start)?, self.target.to_vec());
        for (name, place) in [
            ("x-start", start.clone()),
            ("x-truth", self.truth.to_vec()),
            ("y-start", start_y.clone()),
            ("y-truth", truth_y.clone()),
        ] {
            put(format!("contours/{name}"), vec![2], place);
        }
        let value_x = |x: &[f64]| Ok(self.loss.value(&in_y(x)?, self.target));
        let value_y = |y: &[f64]| Ok(self.loss.value(y, self.target));
        let frame_x = frame(start, self.truth, &paths_x);
        let frame_y = frame(&start_y, &truth_y, &paths_y);
        sample("x", frame_x, value_x, &mut put)?;
        sample("y", frame_y, value_y, &mut put)
    }
}

/// The lowest and highest value along each axis.
type Frame = [(f64, f64); 2];

/// Around start and truth, wide enough for the paths, but not for those that ran away.
fn frame(start: &[f64], truth: &[f64], path: &[Vec<f64>]) -> Frame {
    let axis = |i: usize| {
        let reach = (start[i] - truth[i]).abs();
        let reach = if reach > 0.0 { reach } else { 1.0 };
        let (low, high) = (start[i].min(truth[i]), start[i].max(truth[i]));
        let near = path
            .iter()
            .map(|p| p[i])
            .filter(|v| (v - truth[i]).abs() <= 3.0 * reach);
        let (low, high) = near.fold((low, high), |(l, h), v| (l.min(v), h.max(v)));
        let margin = 0.15 * (high - low).max(0.1 * reach);
        (low - margin, high + margin)
    };
    [axis(0), axis(1)]
}

fn sample(
    space: &str,
    frame: Frame,
    value: impl Fn(&[f64]) -> Outcome<f64>,
    put: &mut impl FnMut(String, Vec<usize>, Vec<f64>),
) -> Outcome<()> {
    let axis = |(low, high): (f64, f64)| -> Vec<f64> {
        (0..POINTS)
            .map(|i| low + (high - low) * i as f64 / (POINTS - 1) as f64)
            .collect()
    };
    let (first, second) = (axis(frame[0]), axis(frame[1]));
    let mut values = Vec::with_capacity(POINTS * POINTS);
    for a in &first {
        for b in &second {
            values.push(value(&[*a, *b])?);
        }
    }
    put(format!("contours/{space}"), vec![POINTS, POINTS], values);
    put(format!("contours/{space}-axis-0"), vec![POINTS], first);
    put(format!("contours/{space}-axis-1"), vec![POINTS], second);
    Ok(())
}
