//! Views are looked through. A view of a view is one view; a part of a function of values is the function of
//! their parts; a part of what many are brought to is what parts of them are brought to. Views end where what
//! they show is read, or where values of more than their own place are looked at. Matrices are multiplied however
//! they lie, so what is only turned around for that is made as it lies: once, where `Xᵀ (X W)` is asked for.

use std::collections::{HashMap, HashSet};

use super::Result;
use super::rewrite::{bottom_up, uses};
use crate::array::{Form, Grid, cells};
use crate::lazy::{Array, Axis, Op, Step, View};

pub(super) fn rewrite(root: &Array) -> Result<Array> {
    let mut uses = uses(root);
    let multiplied = multiplied(root);
    bottom_up(root, |array, before| {
        let made = match (array.op(), array.inputs()) {
            (Op::Step(Step::View(view)), [input]) => {
                let (array, view, form) = (input.clone(), view.clone(), array.form().clone());
                let multiplied = multiplied.contains(&before.id());
                let pushing = Pushing { uses: &uses, multiplied, known: HashMap::new() };
                pushing.push(Shown { array, view, form })?
            }
            _ => None,
        };
        // What a step became is used as often as it was.
        let used = uses.get(&before.id()).copied().unwrap_or(0);
        uses.insert(made.as_ref().unwrap_or(array).id(), used);
        Ok(made)
    })
}

/// The views that sides of products are.
fn multiplied(root: &Array) -> HashSet<usize> {
    let (mut views, mut seen) = (HashSet::new(), HashSet::new());
    let mut left = vec![(root.clone(), false)];
    while let Some((array, multiplied)) = left.pop() {
        let passes = matches!(array.op(), Op::Step(Step::View(_) | Step::Rechunk));
        if !seen.insert((array.id(), multiplied)) {
            continue;
        }
        if multiplied && passes {
            views.insert(array.id());
        }
        let sides = matches!(array.op(), Op::Step(Step::Contract { .. }));
        let multiplied = sides || (multiplied && passes);
        left.extend(array.inputs().iter().map(|input| (input.clone(), multiplied)));
    }
    views
}

/// A view of an array, and what it looks like.
#[derive(Clone)]
struct Shown {
    array: Array,
    view: View,
    form: Form,
}

impl Shown {
    fn key(&self) -> (usize, View) {
        (self.array.id(), self.view.clone())
    }

    fn of(&self, input: &Array) -> Self {
        let form = Form { dtype: input.dtype(), ..self.form.clone() };
        Self { array: input.clone(), view: self.view.clone(), form }
    }

    /// The view itself, which goes no further.
    fn stay(&self) -> Result<Array> {
        let whole = self.view.is_whole(&self.array.shape());
        if whole && self.form == *self.array.form() {
            return Ok(self.array.clone());
        }
        if let Op::Step(value @ Step::Full(_)) = self.array.op() {
            return Array::new(Op::Step(value.clone()), Vec::new(), self.form.clone());
        }
        let view = Op::Step(Step::View(self.view.clone()));
        Array::new(view, vec![self.array.clone()], self.form.clone())
    }
}

/// One view on its way down.
struct Pushing<'a> {
    uses: &'a HashMap<usize, usize>,
    /// Whether what is shown is a side of a product.
    multiplied: bool,
    known: HashMap<(usize, View), Array>,
}

impl Pushing<'_> {
    fn push(mut self, top: Shown) -> Result<Option<Array>> {
        if self.below(&top).is_none() {
            return Ok(None);
        }
        let root = top.key();
        let mut left = vec![(top, false)];
        while let Some((shown, ready)) = left.pop() {
            let key = shown.key();
            if self.known.contains_key(&key) {
                continue;
            }
            let made = match self.below(&shown) {
                None => shown.stay()?,
                Some(below) if ready => self.over(&shown, &below)?,
                Some(below) => {
                    left.push((shown, true));
                    left.extend(below.into_iter().map(|shown| (shown, false)));
                    continue;
                }
            };
            self.known.insert(key, made);
        }
        Ok(self.known.remove(&root))
    }

    /// What is to be shown of the inputs, where the view goes on; none where it ends.
    fn below(&self, shown: &Shown) -> Option<Vec<Shown>> {
        let Shown { array, view, form } = shown;
        let inputs = array.inputs();
        // Showing values again and again costs less than computing them so.
        let shows = cells(&view.shape)?;
        let narrows = match self.multiplied {
            true => shows < cells(&array.shape())?,
            false => shows <= cells(&array.shape())?,
        };
        match (array.op(), inputs) {
            (Op::Step(Step::View(inner)), [input]) => {
                let form = form.clone();
                Some(vec![Shown { array: input.clone(), view: view.of(inner), form }])
            }
            (Op::Step(Step::Rechunk), [input]) => Some(vec![shown.of(input)]),
            (Op::Step(Step::Reduce { axes, .. }), [input])
                if shows < cells(&array.shape())?
                    && self.uses.get(&array.id()).is_none_or(|uses| *uses < 2) =>
            {
                let view = beside(view, axes, &input.shape())?;
                let grid = view.cut(input.grid());
                let dims = vec![None; view.shape.len()];
                let form = Form { dtype: input.dtype(), grid, dims };
                Some(vec![Shown { array: input.clone(), view, form }])
            }
            _ if narrows && array.is_elementwise() => {
                Some(inputs.iter().map(|input| shown.of(input)).collect())
            }
            _ => None,
        }
    }

    /// The step of what is shown, over what became of its inputs.
    fn over(&self, shown: &Shown, below: &[Shown]) -> Result<Array> {
        let inputs = below.iter().filter_map(|below| self.known.get(&below.key()).cloned());
        let mut inputs: Vec<Array> = inputs.collect();
        match shown.array.op() {
            Op::Step(Step::View(_) | Step::Rechunk) => match inputs.pop() {
                // Two views may come to nothing.
                Some(input) if *input.form() == shown.form => Ok(input),
                _ => shown.stay(),
            },
            Op::Step(Step::Reduce { reduce, skip_nan, axes }) => {
                let gone = gone(&shown.view, axes);
                let cuts = inputs.first().map_or(&[][..], |input| &input.grid().0).iter();
                let kept = cuts.zip(&gone).filter(|(_, gone)| !**gone);
                let grid = Grid(kept.map(|(cuts, _)| cuts.clone()).collect());
                let form = Form { grid, ..shown.form.clone() };
                let (reduce, skip_nan) = (*reduce, *skip_nan);
                let step = Op::Step(Step::Reduce { reduce, skip_nan, axes: gone });
                Array::new(step, inputs, form)
            }
            op => Array::new(op.clone(), inputs, shown.form.clone()),
        }
    }
}

/// The dimensions of what is reduced, where a view of the result is pushed below: its own, in order, and
/// before each the dimensions that go and stood before it.
fn order(view: &View, axes: &[bool]) -> Vec<Option<usize>> {
    let mut order = Vec::new();
    let (mut next, mut kept) = (0, view.axes.iter());
    for gone in axes {
        if *gone {
            order.push(None);
        } else if let Some(Axis::Along { along, .. }) = kept.next() {
            order.extend((next..=*along).map(Some));
            next = along + 1;
        }
    }
    order.extend((next..view.shape.len()).map(Some));
    order
}

fn gone(view: &View, axes: &[bool]) -> Vec<bool> {
    order(view, axes).iter().map(Option::is_none).collect()
}

/// The view of what is reduced along these dimensions; none where it turns dimensions around, for values
/// are best taken in as they lie.
fn beside(view: &View, axes: &[bool], shape: &[u64]) -> Option<View> {
    let along = |axis: &Axis| match axis {
        Axis::Along { along, .. } => Some(*along),
        Axis::At(_) => None,
    };
    if !view.axes.iter().filter_map(along).is_sorted() {
        return None;
    }
    let order = order(view, axes);
    let place = |wanted: usize| order.iter().position(|own| *own == Some(wanted));
    let mut gone = order.iter().enumerate().filter(|(_, own)| own.is_none()).map(|(at, _)| at);
    let mut kept = view.axes.iter();
    let mut lengths: Vec<u64> = order
        .iter()
        .map(|own| own.and_then(|at| view.shape.get(at).copied()).unwrap_or(1))
        .collect();
    let mut all = Vec::with_capacity(shape.len());
    for (is_gone, length) in axes.iter().zip(shape) {
        all.push(match is_gone {
            true => {
                let along = gone.next()?;
                *lengths.get_mut(along)? = *length;
                Axis::Along { along, start: 0, step: 1 }
            }
            false => match *kept.next()? {
                Axis::Along { along, start, step } => {
                    Axis::Along { along: place(along)?, start, step }
                }
                at => at,
            },
        });
    }
    Some(View { axes: all, shape: lengths })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Kind;
    use crate::kernels::{Distribution, Unary};
    use crate::lazy::Index;

    /// The left side of the only product that an array is made of.
    fn left(array: &Array) -> Array {
        let mut at = array.clone();
        while !matches!(at.op(), Op::Step(Step::Contract { .. })) {
            at = at.inputs()[0].clone();
        }
        at.inputs()[0].clone()
    }

    #[test]
    fn what_is_multiplied_is_made_as_it_lies() {
        let normal = Distribution::Normal { mean: 0.0, std: 1.0 };
        let random = |shape: &[u64]| {
            Array::random(normal, 0, Kind::F64, Grid::even(shape, &[10, 10])).unwrap()
        };
        let made = random(&[40, 30]).unary(Unary::Exp).unwrap();
        let turned = made.transposed().unwrap();
        let again = turned.matmul(&made.matmul(&random(&[30, 10])).unwrap()).unwrap();
        let whole = left(&rewrite(&again).unwrap());
        assert!(matches!(whole.op(), Op::Step(Step::View(_))));
        assert!(whole.inputs()[0].is_elementwise());
        // Of a part, no more is made than that.
        let few = Index::Slice { start: Some(0), stop: Some(10), step: None };
        let part = turned.index(&[few]).unwrap().matmul(&random(&[40, 10])).unwrap();
        assert!(left(&rewrite(&part).unwrap()).is_elementwise());
        // Where values meet others at their place, they are looked at where they are.
        let sum = made.binary(crate::kernels::Binary::Add, &made).unwrap().transposed().unwrap();
        assert!(rewrite(&sum).unwrap().is_elementwise());
    }
}
