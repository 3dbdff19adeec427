//! A simulator in named parameters, of which some are fixed or tied to others.

use std::sync::Arc;

use num_dual::{Dual, Dual64, DualSVec64};

use super::{Parameter, Parameters, Role};
use crate::compose::chained::ChainedMap;
use crate::core::description::{Description, Typical};
use crate::core::number::Number;
use crate::core::simulator::{LocalInverse, Residual, SecondOrder, Simulator};
use crate::core::space::Space;
use crate::core::transform::Transform;
use crate::error::{Error, Result, expect_length};
use crate::linalg::{LinearMap, Matrix};
use crate::options::require;

/// p ↦ P(x), where each value of x is a parameter that is free, fixed or tied.
///
/// Parameters are in their own units: where x holds a logarithm of one (see
/// [`Description::stands_for`]), it is taken here.
///
/// ```
/// use retrodict::compose::parameters::{Parameter, Parameterised, Parameters, Role};
/// use retrodict::models::ode::OdeOptions;
/// use retrodict::prelude::*;
/// use retrodict::simulators::Sir;
/// let table = Parameters::new(vec![
///     Parameter::new("contact"),
///     Parameter::new("recovery").with_role(Role::Fixed(0.2)),
/// ])?;
/// let epidemic = OdeOptions::<Sir>::default().build()?;
/// let x = epidemic.unknowns(&[0.5, 0.2])?;
/// let (mut y, mut same) = ([0.0; 60], [0.0; 60]);
/// epidemic.forward(&x, &mut y)?;
/// // One unknown is left, the contact rate itself.
/// let fixed = Parameterised::new(epidemic, table, &["contact", "recovery"])?;
/// fixed.forward(&[0.5], &mut same)?;
/// assert_eq!(y, same);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// p: the free parameters. y: that of the simulator.
///
/// # Errors
/// Where a parameter has a value of which x cannot be the logarithm.
///
/// # Cost
/// That of the simulator.
#[derive(Clone)]
pub struct Parameterised {
    simulator: Arc<dyn Simulator>,
    parameters: Arc<Parameters>,
    /// The parameter that each value of x stands for, and how.
    inputs: Vec<(usize, Transform)>,
    /// Whether p is x.
    same: bool,
    input: Space,
    description: Description,
    /// Whether all second derivatives that there are are known.
    curvature_known: bool,
}

/// Derivatives carried along at a time.
const LANES: usize = 4;

impl Parameterised {
    /// The simulator in parameters; `inputs` names the parameter that each value of x stands for.
    ///
    /// # Errors
    /// If there is another number of names than values of x, one is not in the table, or no parameter is free.
    pub fn new(
        simulator: impl crate::core::share::Share<dyn Simulator>,
        parameters: impl Into<Arc<Parameters>>,
        inputs: &[impl AsRef<str>],
    ) -> Result<Self> {
        let (simulator, parameters) = (simulator.share(), parameters.into());
        let n = simulator.input().len();
        expect_length("the list of parameters of the simulator", inputs.len(), n)?;
        let description = simulator.describe();
        let stands_for = description.stands_for.as_deref().unwrap_or_default();
        let input = |(i, name): (usize, &_)| {
            let transform = stands_for
                .get(i)
                .map_or(Transform::None, |own| own.transform);
            Ok((parameters.place(AsRef::as_ref(name))?, transform))
        };
        let inputs: Vec<_> = inputs
            .iter()
            .enumerate()
            .map(input)
            .collect::<Result<_>>()?;
        require(
            parameters.unknowns() > 0,
            "parameters",
            "all of them fixed or tied",
            "at least one must be free; to evaluate the model alone, simulate it",
        )?;
        let plain =
            |(i, (place, t)): (usize, &(usize, Transform))| i == *place && *t == Transform::None;
        let same = parameters.unknowns() == n
            && parameters.all().len() == n
            && inputs.iter().enumerate().all(plain);
        let linear = description.linear
            && parameters.is_affine()
            && inputs.iter().all(|(_, transform)| transform.is_linear());
        let curvature_known = description.linear || simulator.second_order().is_some();
        let name = match same {
            true => simulator.input().name.clone(),
            false => "parameters".to_owned(),
        };
        Ok(Self {
            input: Space::new(&name, &[parameters.unknowns()], &unit(&parameters)),
            description: in_parameters(description, &parameters, &inputs, linear),
            simulator,
            parameters,
            inputs,
            same,
            curvature_known,
        })
    }

    /// The table.
    pub fn parameters(&self) -> &Arc<Parameters> {
        &self.parameters
    }

    /// x as a function of p.
    fn x<D: Number>(&self, p: &[D]) -> Vec<D> {
        let values = self.parameters.values(p);
        let undone =
            |(place, transform): &(usize, Transform)| transform.undo_number(values[*place]);
        self.inputs.iter().map(undone).collect()
    }

    /// x, where it is a number.
    fn checked(&self, p: &[f64]) -> Result<Vec<f64>> {
        expect_length("p", p.len(), self.parameters.unknowns())?;
        let x = self.x(p);
        match x.iter().position(|x| !x.is_finite()) {
            None => Ok(x),
            Some(i) => {
                let (place, transform) = self.inputs[i];
                let parameter = &self.parameters.all()[place];
                let value = self.parameters.values(p)[place];
                let why = match transform {
                    Transform::None | Transform::Scale(_) => "it must be finite".to_owned(),
                    Transform::Log | Transform::Log10 | Transform::Relative(_) => {
                        "it must be greater than 0".to_owned()
                    }
                    Transform::Bounds(low, high) => format!("it must lie between {low} and {high}"),
                };
                let try_it = match parameter.role {
                    Role::Tied(_) => "check the formula that it is tied by",
                    _ => "give it bounds, or the transform log",
                };
                Err(Error::simulation(
                    self.simulator.output().name.clone(),
                    format!(
                        "{} = {value} has no place in x: {why}; {try_it}",
                        parameter.name
                    ),
                ))
            }
        }
    }

    /// ∂x/∂p.
    fn slopes(&self, p: &[f64]) -> Matrix {
        let mut slopes = Matrix::zeros(self.inputs.len(), p.len());
        let mut duals: Vec<Dual64> = p.iter().map(|p| Dual64::from(*p)).collect();
        for j in 0..p.len() {
            duals[j].eps = 1.0;
            for (i, x) in self.x(&duals).into_iter().enumerate() {
                slopes[(i, j)] = x.eps;
            }
            duals[j].eps = 0.0;
        }
        slopes
    }

    /// How x changes along dp.
    fn along(&self, p: &[f64], dp: &[f64]) -> Vec<f64> {
        let pairs = p.iter().zip(dp);
        let moved: Vec<Dual64> = pairs.map(|(p, dp)| Dual64::new(*p, *dp)).collect();
        self.x(&moved).iter().map(|x| x.eps).collect()
    }

    /// out += Σ gᵢ ∇²xᵢ dp.
    fn add_curvature(&self, p: &[f64], g: &[f64], dp: &[f64], out: &mut [f64]) {
        type Lanes = DualSVec64<LANES>;
        for from in (0..p.len()).step_by(LANES) {
            let number = |(i, (p, dp)): (usize, (&f64, &f64))| {
                let mut value = Lanes::from_re(*p);
                if let Some(lane) = i.checked_sub(from).filter(|lane| *lane < LANES) {
                    value = value.derivative(lane);
                }
                Dual::new(value, Lanes::from_re(*dp))
            };
            let numbers: Vec<Dual<Lanes>> = p.iter().zip(dp).enumerate().map(number).collect();
            for (x, g) in self.x(&numbers).iter().zip(g) {
                if let Some(second) = x.eps.eps.0 {
                    let out = out[from..].iter_mut().take(LANES);
                    out.zip(&second).for_each(|(o, s)| *o += g * s);
                }
            }
        }
    }
}

/// The unit that all unknowns share, or `1`.
fn unit(parameters: &Parameters) -> String {
    let mut units = parameters.free().map(|p| p.unit.as_str());
    let first = units.next().unwrap_or("1");
    match units.all(|unit| unit == first) {
        true => first.to_owned(),
        false => "1".to_owned(),
    }
}

/// What is told of P, in p.
fn in_parameters(
    description: Description,
    parameters: &Parameters,
    inputs: &[(usize, Transform)],
    linear: bool,
) -> Description {
    let Description {
        typical,
        series,
        labels: _,
        stands_for: _,
        linear: _,
        approximation,
        keeps_trajectory,
    } = description;
    let place = |free: &Parameter| parameters.place(&free.name).ok();
    let of = |free: &Parameter| {
        let place = place(free);
        let input = inputs.iter().position(|(i, _)| Some(*i) == place);
        let Some(input) = input else {
            return (0.0, 1.0);
        };
        let (centre, spread) = typical.at(input);
        let transform = inputs[input].1;
        (
            transform.apply(centre),
            (spread * transform.slope(centre)).abs(),
        )
    };
    let label = |free: &Parameter| (free.name.clone(), free.unit.clone());
    Description {
        typical: Typical::for_each(parameters.free().map(of).collect()),
        series,
        labels: Some(parameters.free().map(label).collect()),
        stands_for: None,
        linear,
        approximation,
        keeps_trajectory,
    }
}

impl Simulator for Parameterised {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        self.simulator.output()
    }
    fn forward(&self, p: &[f64], y: &mut [f64]) -> Result<()> {
        self.simulator.forward(&self.checked(p)?, y)
    }
    fn jvp(&self, p: &[f64], dp: &[f64], dy: &mut [f64]) -> Result<()> {
        let x = self.checked(p)?;
        self.simulator.jvp(&x, &self.along(p, dp), dy)
    }
    fn vjp(&self, p: &[f64], dy: &[f64], dp: &mut [f64]) -> Result<()> {
        let x = self.checked(p)?;
        let mut dx = vec![0.0; x.len()];
        self.simulator.vjp(&x, dy, &mut dx)?;
        self.slopes(p).apply_transpose(&dx, dp);
        Ok(())
    }
    fn linearize<'a>(&'a self, p: &[f64], y: &mut [f64]) -> Result<Box<dyn LinearMap + Send + 'a>> {
        let map = self.simulator.linearize(&self.checked(p)?, y)?;
        Ok(Box::new(ChainedMap::new(map, self.slopes(p))))
    }
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        self.simulator.local_inverse().filter(|_| self.same)
    }
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        (!self.description.linear && self.curvature_known).then_some(self)
    }
    fn residual(&self) -> Option<&dyn Residual> {
        self.simulator.residual().filter(|_| self.same)
    }
    fn describe(&self) -> Description {
        self.description.clone()
    }
    fn seen_at(&self, places: &[usize]) -> Option<Arc<dyn Simulator>> {
        Some(Arc::new(Self {
            simulator: self.simulator.seen_at(places)?,
            ..self.clone()
        }))
    }
}

impl SecondOrder for Parameterised {
    /// Mᵀ (Σ dyᵢ ∇²Pᵢ) M dp + Σ (Jᵀ dy)ⱼ ∇²xⱼ dp, with M = ∂x/∂p.
    fn vjp_derivative(&self, p: &[f64], dy: &[f64], dp: &[f64], out: &mut [f64]) -> Result<()> {
        let x = self.checked(p)?;
        let mut within = vec![0.0; x.len()];
        if let Some(second) = self.simulator.second_order() {
            second.vjp_derivative(&x, dy, &self.along(p, dp), &mut within)?;
        }
        self.slopes(p).apply_transpose(&within, out);
        self.simulator.vjp(&x, dy, &mut within)?;
        self.add_curvature(p, &within, dp, out);
        Ok(())
    }
}
