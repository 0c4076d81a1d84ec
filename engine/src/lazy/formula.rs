//! Arrays as a person would write them, for plans: `mean(add(view(cube.zarr/temp, [0:5]), 1), 0)`. What is
//! used again has a number where it stands first, `#1=exp(x)`, and is `#1` from then on.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::view::{Axis, View};
use super::{Array, Op, Scalar, Step};

/// What is longer ends in an ellipsis.
const LONGEST: usize = 160;

impl Array {
    /// What it is made of, in one line.
    pub(crate) fn formula(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, &self.used_again(), &mut HashMap::new());
        if text.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
            text.push('…');
        }
        text
    }

    /// The steps that several others are done to.
    fn used_again(&self) -> HashSet<usize> {
        let (mut seen, mut again) = (HashSet::new(), HashSet::new());
        let mut left = vec![self];
        while let Some(array) = left.pop() {
            for input in array.inputs() {
                match seen.insert(input.id()) {
                    true => left.push(input),
                    false => drop(again.insert(input.id())),
                }
            }
        }
        again
    }

    fn write(
        &self,
        text: &mut String,
        again: &HashSet<usize>,
        numbers: &mut HashMap<usize, usize>,
    ) {
        // Each step writes something before what it is made of, so this ends soon.
        if text.len() > LONGEST {
            return;
        }
        let name = match self.op() {
            Op::Read(source) => return text.push_str(&source.title()),
            Op::Given(number) => return text.push_str(&format!("given[{number}]")),
            Op::Kernel(kernel) | Op::Around(kernel, _) => kernel.name().to_string(),
            Op::Step(step) => match step {
                Step::Full(value) => return text.push_str(&value.to_string()),
                Step::Random { .. } => return text.push_str("random()"),
                Step::Steps { start, step } => {
                    return text.push_str(&format!("steps({start}, {step})"));
                }
                Step::Unary(unary) => unary.name().to_string(),
                Step::Binary(binary) => binary.name().to_string(),
                Step::Select => "where".to_string(),
                Step::Cast(dtype) => dtype.to_string(),
                Step::View(_) => "view".to_string(),
                Step::Concat(_) => "concatenate".to_string(),
                Step::Take { .. } => "take".to_string(),
                Step::Reshape => "reshape".to_string(),
                Step::Reduce { reduce, .. } => reduce.name().to_string(),
                Step::Rechunk => "rechunk".to_string(),
                Step::Whole => "whole".to_string(),
                Step::Totals { scan, .. } => format!("totals_{}", scan.name()),
                Step::Scan { scan, .. } => scan.name().to_string(),
                Step::Lanes { .. } => "lanes".to_string(),
                Step::Fourier { fourier, .. } => fourier.name().to_string(),
                Step::Overlap { near, .. } => near.name().to_string(),
                Step::Digitize { .. } => "digitize".to_string(),
                Step::Pack { .. } => "pack".to_string(),
                Step::Unpack { .. } => "unpack".to_string(),
                Step::Group { group, .. } => format!("{}_of_groups", group.reduce.name()),
                Step::Contract { .. } => "product".to_string(),
                Step::Correlate { .. } => "correlation".to_string(),
                Step::Triangles(_) => "triangles".to_string(),
                Step::Bases(_) => "bases".to_string(),
                Step::Dense(dense) => dense.name().to_string(),
                Step::Summarize { summary, .. } => summary.name().to_string(),
                Step::Records => "records".to_string(),
            },
        };
        if let Some(number) = numbers.get(&self.id()) {
            return text.push_str(&format!("#{number}"));
        }
        if again.contains(&self.id()) {
            numbers.insert(self.id(), numbers.len() + 1);
            text.push_str(&format!("#{}=", numbers.len()));
        }
        text.push_str(&name);
        text.push('(');
        for (at, input) in self.inputs().iter().enumerate() {
            if at > 0 {
                text.push_str(", ");
            }
            input.write(text, again, numbers);
        }
        match self.op() {
            Op::Step(Step::View(view)) => text.push_str(&format!(", {}", places(view))),
            Op::Step(
                Step::Reduce { axes, .. } | Step::Summarize { axes, .. } | Step::Group { axes, .. },
            ) => {
                let gone = axes.iter().enumerate().filter(|(_, gone)| **gone);
                for (axis, _) in gone {
                    // Writing into a string does not fail.
                    let _ = write!(text, ", {axis}");
                }
            }
            _ => {}
        }
        text.push(')');
    }
}

/// Where an array is looked at: `[0:5, 3, ::-1]`; `>1` after a dimension that is shown as another.
fn places(view: &View) -> String {
    let mut next = 0;
    let axes = view.axes.iter().map(|axis| match *axis {
        Axis::At(at) => at.to_string(),
        Axis::Along { along, start, step } => {
            let length = view.shape.get(along).copied().unwrap_or(0);
            let last = i128::from(start) + i128::from(step) * (i128::from(length) - 1).max(0);
            let mut text = match step {
                1 => format!("{start}:{}", i128::from(start) + i128::from(length)),
                _ => format!("{start}..{last}:{step}"),
            };
            if along != next {
                text.push_str(&format!(">{along}"));
            }
            next = along + 1;
            text
        }
    });
    format!("[{}]", axes.collect::<Vec<_>>().join(", "))
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Signed(value) => value.fmt(f),
            Self::Unsigned(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
        }
    }
}
