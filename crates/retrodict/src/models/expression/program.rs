//! A formula at many places at once: what each value depends on decides how often it is computed.

use super::function::{Function, Function2};
use super::graph::{FormulaNode, Graph, Id, first, logarithm, sign, slope};
use super::lanes;
use super::tape::Tape;
use crate::linalg::wide;

/// Places that are computed together: their values stay in the cache from operation to operation, and finding out what
/// an operation is costs little beside them.
const BLOCK: usize = 64;
/// Blocks are filled up to a multiple of this, so that loops over them have no ends that are no vectors.
const LANES: usize = 16;

/// A formula, or a formula and its derivatives, at the places of a curve.
///
/// What depends on the place alone is computed once, when this is made; what depends on parameters alone, once for each
/// set of them; all else in blocks of places, operation by operation.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    nodes: Vec<FormulaNode>,
    kinds: Vec<Storage>,
    /// How many values give a place; parameters come after them.
    variables: usize,
    places: usize,
    /// Values that depend on the place alone, as columns, filled up with that of the last place.
    columns: Vec<Vec<f64>>,
    /// The nodes that are computed for each set of parameters, and those for each block.
    once: Vec<Id>,
    blocks: Vec<Id>,
    /// The memory that nodes of a block take in turn.
    slots: usize,
    outputs: Vec<Id>,
}

/// Where the value of a node is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Storage {
    /// The same at all places.
    Single,
    Column(usize),
    Slot(usize),
}

/// The formula alone, and with its derivatives by all parameters.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    values: Program,
    derivatives: Program,
}

impl Programs {
    /// Of a formula in the variables that give a place, and after them parameters.
    pub(super) fn new(tape: &Tape, variables: usize, parameters: usize, at: &[f64]) -> Self {
        let (mut graph, value) = Graph::of(tape);
        let values = Program::new(&graph, vec![value], variables, at);
        let gradient = graph.gradient(value, variables..variables + parameters);
        let outputs = std::iter::once(value).chain(gradient).collect();
        let derivatives = Program::new(&graph, outputs, variables, at);
        Self {
            values,
            derivatives,
        }
    }

    /// The value at each place.
    pub(crate) fn values(&self, p: &[f64], y: &mut [f64]) {
        self.values.run(p, y, &mut []);
    }

    /// The value at each place, and in a row for each place its derivatives by all parameters.
    pub(crate) fn derivatives(&self, p: &[f64], y: &mut [f64], rows: &mut [f64]) {
        self.derivatives.run(p, y, rows);
    }
}

/// The values of an operand in a block.
#[derive(Clone, Copy)]
enum Operand<'a> {
    Single(f64),
    Each(&'a [f64]),
}

/// Where operands are read from while a slot is written: the slots before that one, and those after it.
struct Sources<'a> {
    from: usize,
    length: usize,
    single: &'a [f64],
    before: &'a [f64],
    after: &'a [f64],
}

impl Program {
    fn new(graph: &Graph, outputs: Vec<Id>, variables: usize, at: &[f64]) -> Self {
        let variables = variables.max(1);
        let nodes = graph.nodes.clone();
        let placed = graph.dependent(|i| i < variables);
        let moved = graph.dependent(|i| i >= variables);
        let mut needed = vec![false; nodes.len()];
        outputs.iter().for_each(|id| needed[*id] = true);
        for id in (0..nodes.len()).rev() {
            if needed[id] {
                nodes[id]
                    .operands()
                    .for_each(|operand| needed[operand] = true);
            }
        }
        let of_kind = |kind: fn(bool, bool) -> bool| -> Vec<Id> {
            let all = 0..nodes.len();
            all.filter(|id| needed[*id] && kind(placed[*id], moved[*id]))
                .collect()
        };
        let still = of_kind(|placed, moved| placed && !moved);
        let once = of_kind(|placed, _| !placed);
        let blocks = of_kind(|placed, moved| placed && moved);
        let mut kinds = vec![Storage::Single; nodes.len()];
        let slots = assign_slots(&nodes, &blocks, &outputs, &mut kinds);
        let mut program = Self {
            kinds,
            variables,
            places: at.len() / variables,
            columns: Vec::new(),
            once,
            blocks,
            slots,
            outputs,
            nodes,
        };
        program.keep_columns(&still, at);
        program
    }

    /// Computes what depends on the place alone, and keeps what is asked for later.
    fn keep_columns(&mut self, still: &[Id], at: &[f64]) {
        let asking = self.blocks.iter().flat_map(|id| self.nodes[*id].operands());
        let mut kept: Vec<Id> = asking.chain(self.outputs.iter().copied()).collect();
        kept.retain(|id| still.binary_search(id).is_ok());
        kept.sort_unstable();
        kept.dedup();
        self.columns = vec![Vec::with_capacity(self.places.next_multiple_of(LANES)); kept.len()];
        let mut values: Vec<f64> = vec![0.0; self.nodes.len()];
        for (id, node) in self.nodes.iter().enumerate() {
            if let FormulaNode::Constant(bits) = node {
                values[id] = f64::from_bits(*bits);
            }
        }
        for place in at.chunks_exact(self.variables) {
            for id in still {
                values[*id] = self.nodes[*id].value(|id| values[id], |i| place[i]);
            }
            let columns = self.columns.iter_mut().zip(&kept);
            columns.for_each(|(column, id)| column.push(values[*id]));
        }
        for (place, (column, id)) in self.columns.iter_mut().zip(&kept).enumerate() {
            let last = column.last().copied().unwrap_or(0.0);
            column.resize(self.places.next_multiple_of(LANES), last);
            self.kinds[*id] = Storage::Column(place);
        }
    }

    /// Writes the first output to y, and the others, place by place, to `rows`, where that has a length.
    fn run(&self, p: &[f64], y: &mut [f64], rows: &mut [f64]) {
        let mut single = vec![0.0; self.nodes.len()];
        for id in &self.once {
            let parameter = |i: usize| p[i - self.variables];
            single[*id] = self.nodes[*id].value(|id| single[id], parameter);
        }
        let mut slots = vec![0.0; self.slots * BLOCK];
        wide(
            #[inline(always)]
            || {
                for from in (0..self.places).step_by(BLOCK) {
                    let count = BLOCK.min(self.places - from);
                    let length = count.next_multiple_of(LANES);
                    for id in &self.blocks {
                        self.compute(*id, from, length, &single, &mut slots);
                    }
                    let memory = Sources {
                        from,
                        length,
                        single: &single,
                        before: &slots,
                        after: &[],
                    };
                    self.show(&memory, &mut y[from..from + count], rows);
                }
            },
        );
    }

    /// Writes what a block has found.
    #[inline(always)]
    fn show(&self, memory: &Sources<'_>, y: &mut [f64], rows: &mut [f64]) {
        match self.values_of(self.outputs[0], memory) {
            Operand::Single(value) => y.fill(value),
            Operand::Each(values) => y.copy_from_slice(&values[..y.len()]),
        }
        let width = self.outputs.len() - 1;
        for (j, id) in self.outputs[1..].iter().enumerate() {
            let rows = &mut rows[memory.from * width..][..y.len() * width];
            let entries = rows[j..].iter_mut().step_by(width);
            match self.values_of(*id, memory) {
                Operand::Single(value) => entries.for_each(|entry| *entry = value),
                Operand::Each(values) => {
                    let pairs = entries.zip(values);
                    pairs.for_each(|(entry, value)| *entry = *value);
                }
            }
        }
    }

    #[inline(always)]
    fn values_of<'a>(&'a self, id: Id, memory: &Sources<'a>) -> Operand<'a> {
        match self.kinds[id] {
            Storage::Single => Operand::Single(memory.single[id]),
            Storage::Column(column) => {
                Operand::Each(&self.columns[column][memory.from..][..memory.length])
            }
            Storage::Slot(slot) => {
                let at = slot * BLOCK;
                let slots = match at.checked_sub(memory.before.len() + BLOCK) {
                    Some(at) => &memory.after[at..],
                    None => &memory.before[at..],
                };
                Operand::Each(&slots[..memory.length])
            }
        }
    }

    /// Computes one node at the places of a block.
    #[inline(always)]
    fn compute(&self, id: Id, from: usize, length: usize, single: &[f64], slots: &mut [f64]) {
        let Storage::Slot(slot) = self.kinds[id] else {
            return;
        };
        let (before, rest) = slots.split_at_mut(slot * BLOCK);
        let (out, after) = rest.split_at_mut(BLOCK);
        let memory = Sources {
            from,
            length,
            single,
            before,
            after,
        };
        let of = |id: Id| self.values_of(id, &memory);
        let out = &mut out[..length];
        match self.nodes[id] {
            // These are no nodes of a block: none depends on a place and on a parameter.
            FormulaNode::Constant(_) | FormulaNode::Variable(_) => {}
            FormulaNode::Negate(a) => each(out, of(a), |a| -a),
            FormulaNode::Add(a, b) => pairs(out, of(a), of(b), |a, b| a + b),
            FormulaNode::Subtract(a, b) => pairs(out, of(a), of(b), |a, b| a - b),
            FormulaNode::Multiply(a, b) => pairs(out, of(a), of(b), |a, b| a * b),
            FormulaNode::Divide(a, b) => pairs(out, of(a), of(b), |a, b| a / b),
            FormulaNode::Power(a, b) => pairs(out, of(a), of(b), f64::powf),
            FormulaNode::WholePower(a, n) => {
                let mut scratch = [0.0; BLOCK];
                if let Operand::Each(a) = of(a) {
                    lanes::powers(a, n, &mut scratch[..length], out);
                }
            }
            FormulaNode::RealPower(a, n) => {
                let n = f64::from_bits(n);
                each(out, of(a), |a| a.powf(n));
            }
            FormulaNode::Call(Function::Exp, a) => each(out, of(a), lanes::exp),
            FormulaNode::Call(Function::Sqrt, a) => each(out, of(a), f64::sqrt),
            FormulaNode::Call(Function::Abs, a) => each(out, of(a), f64::abs),
            FormulaNode::Call(function, a) => each(out, of(a), |a| function.of(a)),
            FormulaNode::Call2(Function2::Pow, a, b) => pairs(out, of(a), of(b), f64::powf),
            FormulaNode::Call2(function, a, b) => {
                pairs(out, of(a), of(b), |a, b| function.of(a, b))
            }
            FormulaNode::Slope(a, b) => pairs(out, of(a), of(b), slope),
            FormulaNode::Sign(a) => each(out, of(a), sign),
            FormulaNode::First(function, a, b) => {
                pairs(out, of(a), of(b), |a, b| first(function, a, b))
            }
            FormulaNode::Logarithm(a) => each(out, of(a), logarithm),
        }
    }
}

/// Gives each node of a block a slot, which others take once it is not asked for any more; how many there are.
fn assign_slots(
    nodes: &[FormulaNode],
    blocks: &[Id],
    outputs: &[Id],
    kinds: &mut [Storage],
) -> usize {
    // The last node that asks for each.
    let mut last = vec![0; nodes.len()];
    for id in blocks {
        nodes[*id]
            .operands()
            .for_each(|operand| last[operand] = *id);
    }
    outputs.iter().for_each(|id| last[*id] = usize::MAX);
    let (mut free, mut slots) = (Vec::new(), 0);
    for id in blocks {
        let slot = free.pop().unwrap_or_else(|| {
            slots += 1;
            slots - 1
        });
        kinds[*id] = Storage::Slot(slot);
        let mut operands: Vec<Id> = nodes[*id].operands().collect();
        operands.dedup();
        for operand in operands {
            if let Storage::Slot(done) = kinds[operand]
                && last[operand] == *id
            {
                free.push(done);
            }
        }
    }
    slots
}

/// out = f(a).
#[inline(always)]
fn each(out: &mut [f64], a: Operand<'_>, f: impl Fn(f64) -> f64) {
    match a {
        Operand::Single(a) => out.fill(f(a)),
        Operand::Each(a) => out.iter_mut().zip(a).for_each(
            #[inline(always)]
            |(out, a)| *out = f(*a),
        ),
    }
}

/// out = f(a, b).
#[inline(always)]
fn pairs(out: &mut [f64], a: Operand<'_>, b: Operand<'_>, f: impl Fn(f64, f64) -> f64) {
    match (a, b) {
        (Operand::Single(a), Operand::Single(b)) => out.fill(f(a, b)),
        (Operand::Single(a), Operand::Each(b)) => {
            out.iter_mut().zip(b).for_each(|(out, b)| *out = f(a, *b));
        }
        (Operand::Each(a), Operand::Single(b)) => {
            out.iter_mut().zip(a).for_each(|(out, a)| *out = f(*a, b));
        }
        (Operand::Each(a), Operand::Each(b)) => {
            let operands = a.iter().zip(b);
            let values = out.iter_mut().zip(operands);
            values.for_each(|(out, (a, b))| *out = f(*a, *b));
        }
    }
}
