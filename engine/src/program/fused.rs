//! Functions of values at the same place, computed together: tile by tile, in registers that stay in
//! cache, each by the function of its types that was looked up when the program was prepared.

use std::collections::HashMap;

use super::Result;
use super::leaves::{self, Chance};
use crate::array::{ArrayError, Kind, Tensor};
use crate::kernels::{
    self, BinaryKernel, Block, Slice, UnaryKernel, cast, gather, is_row_major, row_major,
};
use crate::lazy::{Array, Op, Step};

/// Values of a tile: small enough that a handful of tiles fit into the first caches.
const TILE: usize = 2048;

/// Where values of a box are.
pub(super) enum Operand {
    /// They lie somewhere: the first of them, and how far apart neighbours are.
    There { values: Tensor, first: usize, strides: Vec<isize> },
    /// They are made when they are looked at, tile by tile.
    Made(Chance),
}

impl Operand {
    /// Values that lie in a row.
    pub(super) fn in_a_row(values: Tensor) -> Self {
        let lengths: Vec<usize> = values.shape().iter().map(|length| *length as usize).collect();
        Self::There { strides: row_major(&lengths), values, first: 0 }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::There { values, .. } => values.dtype().kind(),
            Self::Made(chance) => chance.kind(),
        }
    }

    /// Whether a box of this shape lies in a row.
    fn is_in_a_row(&self, shape: &[usize]) -> bool {
        match self {
            Self::There { strides, .. } => is_row_major(shape, strides),
            Self::Made(_) => false,
        }
    }

    /// Brings the values of a tile together, unless they are those of the tile before.
    fn gather(&self, shape: &[usize], (at, end): (usize, usize), tile: &mut Block) -> Result<()> {
        match self {
            Self::There { values, first, strides } => {
                // What is one value everywhere is there after the first tile.
                let same = strides.iter().all(|stride| *stride == 0);
                if !(same && tile.len() >= end - at) {
                    gather(values.values(), *first, strides, shape, (at, end), tile);
                }
                Ok(())
            }
            Self::Made(chance) => chance.fill((at, end), tile),
        }
    }
}

/// Where an instruction finds values.
#[derive(Debug, Clone, Copy, PartialEq)]
enum From {
    Leaf(usize),
    Constant(usize),
    Register(usize),
}

#[derive(Debug)]
enum Do {
    Unary(UnaryKernel, From),
    Binary(BinaryKernel, From, From),
    Select(From, From, From),
    Cast(From),
}

#[derive(Debug)]
struct Instruction {
    what: Do,
    into: usize,
}

/// Steps that are computed together.
#[derive(Debug)]
pub(super) struct Fused {
    leaves: Vec<Array>,
    /// A tile of each number that is the same everywhere.
    constants: Vec<Block>,
    instructions: Vec<Instruction>,
    /// What each register holds.
    registers: Vec<Kind>,
}

impl Fused {
    /// All steps of this kind that lead to an array, or only the last of them.
    pub(super) fn of(root: &Array, all: bool) -> Result<Self> {
        let mut fused =
            Self { leaves: vec![], constants: vec![], instructions: vec![], registers: vec![] };
        let order = if all { in_order(root) } else { vec![root.clone()] };
        // How often the values of a step are still asked for.
        let mut asked: HashMap<usize, usize> = HashMap::new();
        for input in order.iter().flat_map(Array::inputs) {
            *asked.entry(input.id()).or_default() += 1;
        }
        let mut found: HashMap<usize, From> = HashMap::new();
        let mut free: Vec<usize> = Vec::new();
        for array in &order {
            let inputs: Vec<From> =
                array.inputs().iter().map(|input| fused.find(input, &mut found)).collect();
            let kind = array.kind();
            let what = instruction(array, &inputs)?;
            // Not where its own inputs lie.
            let into = match free.iter().position(|at| fused.registers.get(*at) == Some(&kind)) {
                Some(at) => free.swap_remove(at),
                None => {
                    fused.registers.push(kind);
                    fused.registers.len() - 1
                }
            };
            fused.instructions.push(Instruction { what, into });
            found.insert(array.id(), From::Register(into));
            for (input, from) in array.inputs().iter().zip(inputs) {
                let left = asked.entry(input.id()).or_default();
                *left = left.saturating_sub(1);
                if let (0, From::Register(at)) = (*left, from)
                    && !free.contains(&at)
                {
                    free.push(at);
                }
            }
        }
        Ok(fused)
    }

    fn find(&mut self, array: &Array, found: &mut HashMap<usize, From>) -> From {
        if let Some(from) = found.get(&array.id()) {
            return *from;
        }
        let from = match array.op() {
            Op::Step(Step::Full(value)) => {
                let mut tile = Block::empty(array.kind());
                let one = leaves::one(*value, array.kind());
                kernels::repeated(one.as_slice(), TILE, &mut tile);
                self.constants.push(tile);
                From::Constant(self.constants.len() - 1)
            }
            _ => {
                self.leaves.push(array.clone());
                From::Leaf(self.leaves.len() - 1)
            }
        };
        found.insert(array.id(), from);
        from
    }

    /// What the steps are done to.
    pub(super) fn leaves(&self) -> &[Array] {
        &self.leaves
    }

    /// Computes a box of this shape and hands out its tiles, each with the place of its first value.
    pub(super) fn run(
        &self,
        operands: &[Operand],
        shape: &[usize],
        mut each: impl FnMut(Slice<'_>, usize),
    ) -> Result<()> {
        let count: usize = shape.iter().product();
        let mut registers: Vec<Block> =
            self.registers.iter().map(|kind| Block::empty(*kind)).collect();
        let beside: Vec<bool> = operands.iter().map(|operand| operand.is_in_a_row(shape)).collect();
        let mut gathered: Vec<Block> =
            operands.iter().map(|operand| Block::empty(operand.kind())).collect();
        let mut at = 0;
        while at < count {
            let length = TILE.min(count - at);
            for ((operand, beside), tile) in operands.iter().zip(&beside).zip(&mut gathered) {
                if !beside {
                    operand.gather(shape, (at, at + length), tile)?;
                }
            }
            for Instruction { what, into } in &self.instructions {
                let Some(register) = registers.get_mut(*into) else { continue };
                let mut out = std::mem::replace(register, Block::Bool(Vec::new()));
                let slice = |from: &From| match from {
                    From::Register(at) => registers.get(*at).map(Block::as_slice),
                    From::Constant(at) => {
                        self.constants.get(*at).map(|tile| tile.as_slice().range(0, length))
                    }
                    From::Leaf(leaf) => match (beside.get(*leaf), operands.get(*leaf)) {
                        (Some(true), Some(Operand::There { values, first, .. })) => {
                            let start = first + at;
                            Some(values.values().range(start, start + length))
                        }
                        _ => gathered.get(*leaf).map(|tile| tile.as_slice().range(0, length)),
                    },
                };
                match what {
                    Do::Unary(kernel, a) => {
                        if let Some(a) = slice(a) {
                            kernel(a, &mut out);
                        }
                    }
                    Do::Binary(kernel, a, b) => {
                        if let (Some(a), Some(b)) = (slice(a), slice(b)) {
                            kernel(a, b, &mut out).map_err(ArrayError::Asked)?;
                        }
                    }
                    Do::Select(truth, yes, no) => {
                        if let (Some(truth), Some(yes), Some(no)) =
                            (slice(truth), slice(yes), slice(no))
                        {
                            kernels::select(truth, yes, no, &mut out).map_err(ArrayError::Asked)?;
                        }
                    }
                    Do::Cast(a) => {
                        if let Some(a) = slice(a) {
                            cast(a, &mut out);
                        }
                    }
                }
                if let Some(register) = registers.get_mut(*into) {
                    *register = out;
                }
            }
            let last = self.instructions.last().and_then(|last| registers.get(last.into));
            if let Some(tile) = last {
                each(tile.as_slice(), at);
            }
            at += length;
        }
        Ok(())
    }
}

/// The function of an array's step for its types.
fn instruction(array: &Array, inputs: &[From]) -> Result<Do> {
    let kinds: Vec<Kind> = array.inputs().iter().map(Array::kind).collect();
    Ok(match (array.op(), inputs, &kinds[..]) {
        (Op::Step(Step::Unary(unary)), [a], [kind]) => Do::Unary(unary.kernel(*kind), *a),
        (Op::Step(Step::Binary(binary)), [a, b], [left, right]) => {
            Do::Binary(binary.kernel([*left, *right]), *a, *b)
        }
        (Op::Step(Step::Select), [truth, yes, no], _) => Do::Select(*truth, *yes, *no),
        (Op::Step(Step::Cast(_)), [a], _) => Do::Cast(*a),
        _ => return Err(ArrayError::asked("a step of a chunk program has the wrong inputs")),
    })
}

/// The steps that are computed together, each after those it is made of.
fn in_order(root: &Array) -> Vec<Array> {
    let mut order = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut left = vec![(root.clone(), false)];
    while let Some((array, ready)) = left.pop() {
        if ready {
            order.push(array);
        } else if array.is_elementwise() && seen.insert(array.id()) {
            left.push((array.clone(), true));
            left.extend(array.inputs().iter().map(|input| (input.clone(), false)));
        }
    }
    order
}
