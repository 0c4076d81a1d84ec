//! Whether any or all values are true.

use std::marker::PhantomData;

use super::fold::{Cells, Fold, Of, all};
use super::layout::Rows;
use crate::kernels::Block;
use crate::kernels::element::{Bool, Element, Value};

/// Whether one of the values is true, or with `ALL`, whether none is false. What is not a number is true,
/// or left out.
pub(super) struct Truth<E, const ALL: bool, const SKIP: bool>(PhantomData<E>);

/// As many values as are looked at before asking whether the answer is known.
const PART: usize = 1024;

/// Whether the value decides the matter.
#[inline]
fn decides<V: Value, const ALL: bool, const SKIP: bool>(value: V) -> bool {
    if ALL { !value.is_true() } else { value.is_true() & !(SKIP && value.is_nan()) }
}

impl<E: Element, const ALL: bool, const SKIP: bool> Fold for Truth<E, ALL, SKIP> {
    type From = E;

    fn fresh(cells: usize) -> Vec<Block> {
        vec![Block::Bool(vec![u8::from(ALL); cells])]
    }

    fn along(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [answers] = columns else { return };
        let answers = all::<Bool>(answers);
        let decided = u8::from(!ALL);
        for (cell, _, row) in rows.of(values) {
            if let Some(answer) = answers.get_mut(cell).filter(|answer| **answer != decided)
                && row.chunks(PART).any(|part| {
                    part.iter().fold(false, |any, &value| any | decides::<_, ALL, SKIP>(value))
                })
            {
                *answer = decided;
            }
        }
    }

    fn across(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [answers] = columns else { return };
        for (cell, _, row) in rows.of(values) {
            let answers = Cells::under(cell, row).of_mut::<Bool>(answers);
            for (answer, &value) in answers.iter_mut().zip(row) {
                let decides = u8::from(decides::<_, ALL, SKIP>(value));
                *answer = if ALL { *answer & (decides ^ 1) } else { *answer | decides };
            }
        }
    }

    fn merge(columns: &mut [Block], cells: Cells, others: &[Block], from: usize) {
        let ([answers], [others]) = (columns, others) else { return };
        let others = Cells { first: from, ..cells }.of::<Bool>(others);
        for (answer, &other) in cells.of_mut::<Bool>(answers).iter_mut().zip(others) {
            *answer = if ALL { *answer & other } else { *answer | other };
        }
    }
}
