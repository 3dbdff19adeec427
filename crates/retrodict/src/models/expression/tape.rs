//! A formula as operations on a stack.

use super::function::{Function, Function2};
use crate::core::number::Number;

/// One operation: it takes its operands from the stack and leaves its result there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Operation {
    Constant(f64),
    Variable(usize),
    Negate,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    /// To a power that is known: exact for negative bases too.
    WholePower(i32),
    RealPower(f64),
    Call(Function),
    Call2(Function2),
}

/// Operations in their order, and how deep the stack gets.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Tape {
    operations: Vec<Operation>,
    depth: usize,
}

/// The depth up to which the stack is no memory of its own.
const SHALLOW: usize = 16;

impl Tape {
    /// Of operations that leave one value.
    pub(super) fn new(operations: Vec<Operation>) -> Self {
        let (mut depth, mut now) = (0, 0_usize);
        for operation in &operations {
            match operation.operands() {
                0 => now += 1,
                operands => now = (now + 1).saturating_sub(operands),
            }
            depth = depth.max(now);
        }
        Self { operations, depth }
    }

    /// The operations in their order.
    pub(super) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// 0.
    pub(super) fn zero() -> Self {
        Self::new(vec![Operation::Constant(0.0)])
    }

    /// The same with other places for the variables.
    pub(super) fn renumbered(&self, places: &[usize]) -> Self {
        let renumber = |operation: &Operation| match *operation {
            Operation::Variable(i) => Operation::Variable(places[i]),
            other => other,
        };
        Self {
            operations: self.operations.iter().map(renumber).collect(),
            depth: self.depth,
        }
    }

    pub(super) fn run<D: Number>(&self, variables: &[D]) -> D {
        if self.depth <= SHALLOW {
            self.run_on(&mut [D::from(0.0); SHALLOW], variables)
        } else {
            self.run_on(&mut vec![D::from(0.0); self.depth], variables)
        }
    }

    fn run_on<D: Number>(&self, stack: &mut [D], variables: &[D]) -> D {
        let mut top = 0;
        for operation in &self.operations {
            let operands = operation.operands();
            // The place of the result: that of the first operand, or a new one.
            let at = top - operands;
            stack[at] = match *operation {
                Operation::Constant(value) => D::from(value),
                Operation::Variable(i) => variables[i],
                Operation::Negate => -stack[at],
                Operation::Add => stack[at] + stack[at + 1],
                Operation::Subtract => stack[at] - stack[at + 1],
                Operation::Multiply => stack[at] * stack[at + 1],
                Operation::Divide => stack[at] / stack[at + 1],
                Operation::Power => stack[at].pow(stack[at + 1]),
                Operation::WholePower(n) => stack[at].powi(n),
                Operation::RealPower(n) => stack[at].powf(n),
                Operation::Call(function) => function.of(stack[at]),
                Operation::Call2(function) => function.of(stack[at], stack[at + 1]),
            };
            top = at + 1;
        }
        stack[0]
    }

    /// Whether a variable stands in it.
    pub(super) fn uses(&self, variable: usize) -> bool {
        self.operations.contains(&Operation::Variable(variable))
    }

    /// Whether its form shows that it is affine.
    pub(super) fn is_affine(&self) -> bool {
        /// Of what degree a value is, as far as it matters.
        #[derive(Clone, Copy, PartialEq, PartialOrd)]
        enum Degree {
            Constant,
            Affine,
            Other,
        }
        use Degree::{Affine, Constant, Other};
        let mut stack: Vec<Degree> = Vec::new();
        for operation in &self.operations {
            let second = match operation.operands() {
                2 => stack.pop().unwrap_or(Other),
                _ => Constant,
            };
            let first = match operation.operands() {
                0 => Constant,
                _ => stack.pop().unwrap_or(Other),
            };
            let most = if first > second { first } else { second };
            stack.push(match operation {
                Operation::Constant(_) => Constant,
                Operation::Variable(_) => Affine,
                Operation::Negate | Operation::Add | Operation::Subtract => most,
                Operation::Multiply if first == Constant || second == Constant => most,
                Operation::Divide if second == Constant => first,
                Operation::WholePower(1) => first,
                _ if most == Constant => Constant,
                _ => Other,
            });
        }
        stack.last().is_some_and(|degree| *degree != Other)
    }
}

impl Operation {
    /// How many values it takes.
    pub(super) fn operands(&self) -> usize {
        match self {
            Self::Constant(_) | Self::Variable(_) => 0,
            Self::Negate | Self::WholePower(_) | Self::RealPower(_) | Self::Call(_) => 1,
            Self::Add
            | Self::Subtract
            | Self::Multiply
            | Self::Divide
            | Self::Power
            | Self::Call2(_) => 2,
        }
    }
}
