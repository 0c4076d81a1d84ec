//! The value in the middle of the order of all in a window, as scipy.ndimage's: of an even number the larger of both.
//! Where one is not a number, neither is what comes of it.

use super::{Margins, apart, core, each_row};
use crate::kernels::element::{Element, Value, by_kind};
use crate::kernels::lanes::ordered;
use crate::kernels::{Block, Slice};

pub(super) fn median(values: Slice<'_>, shape: &[usize], margins: &Margins) -> Block {
    by_kind!(values.kind(), numbers, Type => {
        let mut room = Block::empty(Type::KIND);
        Type::block(of_values(Type::values(values, &mut room), shape, margins))
    })
}

fn of_values<V: Value>(values: &[V], shape: &[usize], margins: &Margins) -> Vec<V> {
    let made = core(shape, margins);
    let window: Vec<usize> = margins.iter().map(|(before, after)| before + after + 1).collect();
    let strides = apart(shape);
    // Where the values of a window are, from its first on; those of its rows lie side by side.
    let width = window.last().copied().unwrap_or(1);
    let mut rows = vec![0];
    for (length, stride) in window.iter().zip(&strides).take(window.len().saturating_sub(1)) {
        rows = rows.iter().flat_map(|at| (0..*length).map(move |by| at + by * stride)).collect();
    }
    let count = rows.len() * width;
    let mut around: Vec<V> = Vec::with_capacity(count);
    let mut all = Vec::with_capacity(made.iter().product());
    let row = made.last().copied().unwrap_or(1);
    each_row(
        &made,
        shape,
        |_| 0,
        |_, begins| {
            for first in begins..begins + row {
                around.clear();
                for at in &rows {
                    let from = first + at;
                    around.extend(values.get(from..from + width).unwrap_or_default());
                }
                let nan = around.iter().find(|value| value.is_nan()).copied();
                let middle = count / 2;
                let value = match nan {
                    Some(nan) => nan,
                    None if middle < around.len() => {
                        *around.select_nth_unstable_by(middle, |a, b| ordered(*a, *b)).1
                    }
                    None => V::default(),
                };
                all.push(value);
            }
        },
    );
    all
}
