//! A formula as a graph: what occurs twice stands there once, and derivatives are more of the same nodes.

use std::collections::HashMap;

use super::function::{Function, Function2};
use super::tape::{Operation, Tape};

/// A node, by its place in the graph: after its operands.
pub(super) type Id = usize;

/// A constant (by its bits, so that equal ones are found), a variable, or what is made of other nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum FormulaNode {
    Constant(u64),
    Variable(usize),
    Negate(Id),
    Add(Id, Id),
    Subtract(Id, Id),
    Multiply(Id, Id),
    Divide(Id, Id),
    Power(Id, Id),
    WholePower(Id, i32),
    RealPower(Id, u64),
    Call(Function, Id),
    Call2(Function2, Id, Id),
    /// The product of a derivative and a slope: 0 where one of them is, even if the other is infinite there.
    Slope(Id, Id),
    /// The slope of |x|.
    Sign(Id),
    /// 1 where the function takes its first value, 0 where the second.
    First(Function2, Id, Id),
    /// ln x, and 0 at 0: 0ᵇ does not change with b.
    Logarithm(Id),
}

impl FormulaNode {
    pub(super) fn operands(self) -> impl Iterator<Item = Id> {
        let (first, second) = match self {
            Self::Constant(_) | Self::Variable(_) => (None, None),
            Self::Negate(a)
            | Self::WholePower(a, _)
            | Self::RealPower(a, _)
            | Self::Call(_, a)
            | Self::Sign(a)
            | Self::Logarithm(a) => (Some(a), None),
            Self::Add(a, b)
            | Self::Subtract(a, b)
            | Self::Multiply(a, b)
            | Self::Divide(a, b)
            | Self::Power(a, b)
            | Self::Call2(_, a, b)
            | Self::Slope(a, b)
            | Self::First(_, a, b) => (Some(a), Some(b)),
        };
        first.into_iter().chain(second)
    }

    /// Its value, from those of its operands and of the variables.
    pub(super) fn value(self, of: impl Fn(Id) -> f64, variable: impl Fn(usize) -> f64) -> f64 {
        match self {
            Self::Constant(bits) => f64::from_bits(bits),
            Self::Variable(i) => variable(i),
            Self::Negate(a) => -of(a),
            Self::Add(a, b) => of(a) + of(b),
            Self::Subtract(a, b) => of(a) - of(b),
            Self::Multiply(a, b) => of(a) * of(b),
            Self::Divide(a, b) => of(a) / of(b),
            Self::Power(a, b) => of(a).powf(of(b)),
            Self::WholePower(a, n) => of(a).powi(n),
            Self::RealPower(a, n) => of(a).powf(f64::from_bits(n)),
            Self::Call(function, a) => function.of(of(a)),
            Self::Call2(function, a, b) => function.of(of(a), of(b)),
            Self::Slope(a, b) => slope(of(a), of(b)),
            Self::Sign(a) => sign(of(a)),
            Self::First(function, a, b) => first(function, of(a), of(b)),
            Self::Logarithm(a) => logarithm(of(a)),
        }
    }
}

/// [`FormulaNode::Slope`].
#[inline(always)]
pub(super) fn slope(derivative: f64, slope: f64) -> f64 {
    // Both questions are asked in any case, so that there is no branch.
    if (derivative == 0.0) | (slope == 0.0) {
        0.0
    } else {
        derivative * slope
    }
}

/// [`FormulaNode::Sign`].
#[inline(always)]
pub(super) fn sign(x: f64) -> f64 {
    if x < 0.0 { -1.0 } else { 1.0 }
}

/// [`FormulaNode::First`].
#[inline(always)]
pub(super) fn first(function: Function2, a: f64, b: f64) -> f64 {
    f64::from(u8::from(function.takes_first(a, b)))
}

/// [`FormulaNode::Logarithm`].
#[inline(always)]
pub(super) fn logarithm(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.ln() }
}

/// Nodes, each after its operands.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<FormulaNode>,
    known: HashMap<FormulaNode, Id>,
}

impl Graph {
    /// The graph of a formula, and the node that is its value.
    pub(super) fn of(tape: &Tape) -> (Self, Id) {
        let mut graph = Self::default();
        let mut stack: Vec<Id> = Vec::new();
        for operation in tape.operations() {
            let second = match operation.operands() {
                2 => stack.pop().unwrap_or(0),
                _ => 0,
            };
            let first = match operation.operands() {
                0 => 0,
                _ => stack.pop().unwrap_or(0),
            };
            let node = match *operation {
                Operation::Constant(value) => FormulaNode::Constant(value.to_bits()),
                Operation::Variable(i) => FormulaNode::Variable(i),
                Operation::Negate => FormulaNode::Negate(first),
                Operation::Add => FormulaNode::Add(first, second),
                Operation::Subtract => FormulaNode::Subtract(first, second),
                Operation::Multiply => FormulaNode::Multiply(first, second),
                Operation::Divide => FormulaNode::Divide(first, second),
                Operation::Power => FormulaNode::Power(first, second),
                Operation::WholePower(n) => FormulaNode::WholePower(first, n),
                Operation::RealPower(n) => FormulaNode::RealPower(first, n.to_bits()),
                Operation::Call(function) => FormulaNode::Call(function, first),
                Operation::Call2(function) => FormulaNode::Call2(function, first, second),
            };
            stack.push(graph.add(node));
        }
        let value = stack.pop().unwrap_or_else(|| graph.constant(0.0));
        (graph, value)
    }

    /// A node like this: one that is there, or a new one; a constant if it is made of constants.
    fn add(&mut self, node: FormulaNode) -> Id {
        // These give the same bits either way.
        let node = match node {
            FormulaNode::Add(a, b) if a > b => FormulaNode::Add(b, a),
            FormulaNode::Multiply(a, b) if a > b => FormulaNode::Multiply(b, a),
            other => other,
        };
        if let Some(known) = self.known.get(&node) {
            return *known;
        }
        let mut operands = node.operands().peekable();
        if operands.peek().is_some() && operands.all(|id| self.constant_of(id).is_some()) {
            let value = node.value(|id| self.constant_of(id).unwrap_or(0.0), |_| 0.0);
            return self.constant(value);
        }
        self.nodes.push(node);
        self.known.insert(node, self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    fn constant(&mut self, value: f64) -> Id {
        self.add(FormulaNode::Constant(value.to_bits()))
    }

    fn constant_of(&self, id: Id) -> Option<f64> {
        match self.nodes[id] {
            FormulaNode::Constant(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    /// Which nodes depend on a variable of this kind.
    pub(super) fn dependent(&self, kind: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut dependent: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let own = matches!(node, FormulaNode::Variable(i) if kind(*i));
            dependent.push(own || node.operands().any(|id| dependent[id]));
        }
        dependent
    }

    /// The derivatives of a node by these variables, in one sweep back from it.
    pub(super) fn gradient(&mut self, of: Id, variables: std::ops::Range<usize>) -> Vec<Id> {
        let moves = self.dependent(|i| variables.contains(&i));
        let mut adjoints: Vec<Option<Id>> = vec![None; of + 1];
        adjoints[of] = Some(self.constant(1.0));
        let mut gradient: Vec<Option<Id>> = vec![None; variables.len()];
        for id in (0..=of).rev() {
            let Some(adjoint) = adjoints[id].filter(|_| moves[id]) else {
                continue;
            };
            if let FormulaNode::Variable(i) = self.nodes[id] {
                gradient[i - variables.start] = Some(adjoint);
                continue;
            }
            let operands: Vec<Id> = self.nodes[id].operands().collect();
            for (which, operand) in operands.into_iter().enumerate() {
                if moves[operand] {
                    let part = self.pulled(id, which, adjoint);
                    let sum = match adjoints[operand] {
                        Some(other) => self.add(FormulaNode::Add(other, part)),
                        None => part,
                    };
                    adjoints[operand] = Some(sum);
                }
            }
        }
        let zero = self.constant(0.0);
        gradient.iter().map(|id| id.unwrap_or(zero)).collect()
    }

    /// What an adjoint of a node is to one of its operands.
    fn pulled(&mut self, id: Id, which: usize, adjoint: Id) -> Id {
        let slope = match (self.nodes[id], which) {
            (FormulaNode::Constant(_) | FormulaNode::Variable(_), _) => return adjoint,
            (FormulaNode::Add(..), _) | (FormulaNode::Subtract(..), 0) => return adjoint,
            (FormulaNode::Negate(_), _) | (FormulaNode::Subtract(..), _) => {
                return self.add(FormulaNode::Negate(adjoint));
            }
            (FormulaNode::Multiply(a, b), 0) if a == b => a,
            (FormulaNode::Multiply(a, b), which) => [b, a][which],
            (FormulaNode::Divide(_, b), 0) => self.inverse(b),
            (FormulaNode::Divide(_, b), _) => {
                // −(a/b)/b.
                let inverse = self.inverse(b);
                let slope = self.times(id, inverse);
                self.add(FormulaNode::Negate(slope))
            }
            (FormulaNode::Power(a, b), 0) => {
                let one = self.constant(1.0);
                let less = self.add(FormulaNode::Subtract(b, one));
                let power = self.add(FormulaNode::Power(a, less));
                self.times(b, power)
            }
            (FormulaNode::Power(a, _), _) => {
                let logarithm = self.add(FormulaNode::Logarithm(a));
                self.add(FormulaNode::Slope(id, logarithm))
            }
            (FormulaNode::WholePower(a, n), _) => match n {
                0 => self.constant(0.0),
                1 => self.constant(1.0),
                2 => self.add(FormulaNode::Add(a, a)),
                _ => {
                    let power = self.add(FormulaNode::WholePower(a, n - 1));
                    self.scaled(power, f64::from(n))
                }
            },
            (FormulaNode::RealPower(a, n), _) => {
                let n = f64::from_bits(n);
                let power = self.add(FormulaNode::RealPower(a, (n - 1.0).to_bits()));
                self.scaled(power, n)
            }
            (FormulaNode::Call(function, a), _) => self.slope_of(function, a, id),
            (FormulaNode::Call2(Function2::Pow, a, b), _) => {
                // The power is the same; its derivatives are those above.
                let power = self.add(FormulaNode::Power(a, b));
                return self.pulled(power, which, adjoint);
            }
            (FormulaNode::Call2(function, a, b), which) => {
                let first = self.add(FormulaNode::First(function, a, b));
                match which {
                    0 => first,
                    _ => {
                        let one = self.constant(1.0);
                        self.add(FormulaNode::Subtract(one, first))
                    }
                }
            }
            // No derivative is derived again.
            (
                FormulaNode::Slope(..)
                | FormulaNode::Sign(_)
                | FormulaNode::First(..)
                | FormulaNode::Logarithm(_),
                _,
            ) => self.constant(f64::NAN),
        };
        self.chained(adjoint, slope)
    }

    /// f′(x), from x and f(x).
    fn slope_of(&mut self, function: Function, x: Id, f: Id) -> Id {
        let one = self.constant(1.0);
        let call = |graph: &mut Self, function| graph.add(FormulaNode::Call(function, x));
        match function {
            Function::Abs => self.add(FormulaNode::Sign(x)),
            Function::Asin | Function::Acos => {
                let square = self.times(x, x);
                let rest = self.add(FormulaNode::Subtract(one, square));
                let root = self.add(FormulaNode::Call(Function::Sqrt, rest));
                let slope = self.inverse(root);
                match function {
                    Function::Asin => slope,
                    _ => self.add(FormulaNode::Negate(slope)),
                }
            }
            Function::Atan => {
                let square = self.times(x, x);
                let sum = self.add(FormulaNode::Add(one, square));
                self.inverse(sum)
            }
            Function::Cbrt => {
                let square = self.times(f, f);
                let three = self.scaled(square, 3.0);
                self.inverse(three)
            }
            Function::Cos => {
                let sin = call(self, Function::Sin);
                self.add(FormulaNode::Negate(sin))
            }
            Function::Cosh => call(self, Function::Sinh),
            Function::Exp => f,
            Function::Exp2 => self.scaled(f, std::f64::consts::LN_2),
            Function::ExpM1 => call(self, Function::Exp),
            Function::Ln => self.inverse(x),
            Function::Ln1p => {
                let sum = self.add(FormulaNode::Add(one, x));
                self.inverse(sum)
            }
            Function::Log10 | Function::Log2 => {
                let base = match function {
                    Function::Log2 => std::f64::consts::LN_2,
                    _ => std::f64::consts::LN_10,
                };
                let scaled = self.scaled(x, base);
                self.inverse(scaled)
            }
            Function::Sin => call(self, Function::Cos),
            Function::Sinh => call(self, Function::Cosh),
            Function::Sqrt => {
                let half = self.constant(0.5);
                self.add(FormulaNode::Divide(half, f))
            }
            Function::Tan => {
                let square = self.times(f, f);
                self.add(FormulaNode::Add(one, square))
            }
            Function::Tanh => {
                let square = self.times(f, f);
                self.add(FormulaNode::Subtract(one, square))
            }
        }
    }

    fn times(&mut self, a: Id, b: Id) -> Id {
        self.add(FormulaNode::Multiply(a, b))
    }

    fn scaled(&mut self, a: Id, by: f64) -> Id {
        let by = self.constant(by);
        self.times(a, by)
    }

    fn inverse(&mut self, a: Id) -> Id {
        let one = self.constant(1.0);
        self.add(FormulaNode::Divide(one, a))
    }

    /// The product of an adjoint and a slope.
    fn chained(&mut self, adjoint: Id, slope: Id) -> Id {
        match (self.constant_of(adjoint), self.constant_of(slope)) {
            (Some(1.0), _) => return slope,
            (_, Some(1.0)) => return adjoint,
            (Some(a), _) if a != 0.0 => return self.times(adjoint, slope),
            (_, Some(_)) => return self.times(adjoint, slope),
            _ => {}
        }
        // Where the formula has this product too, it is worth more to take that.
        let product = FormulaNode::Multiply(adjoint.min(slope), adjoint.max(slope));
        match self.known.get(&product) {
            Some(known) => *known,
            None => self.add(FormulaNode::Slope(adjoint, slope)),
        }
    }
}
