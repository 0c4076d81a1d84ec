//! Products.

use std::marker::PhantomData;

use super::fold::{Cells, Fold, Of, all};
use super::layout::Rows;
use crate::kernels::Block;
use crate::kernels::cast::To;
use crate::kernels::element::{Element, F64, I64, Value};

/// How many products run side by side.
const LANES: usize = 8;

/// Integers, wrapped at 64 bits. Unsigned ones have the same bits.
pub(super) struct Whole<E>(PhantomData<E>);

impl<E: Element> Fold for Whole<E> {
    type From = E;

    fn fresh(cells: usize) -> Vec<Block> {
        vec![Block::I64(vec![1; cells])]
    }

    fn along(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [products] = columns else { return };
        let products = all::<I64>(products);
        for (cell, _, row) in rows.of(values) {
            if let Some(product) = products.get_mut(cell) {
                *product = row.iter().fold(*product, |all, &value| all.wrapping_mul(value.to()));
            }
        }
    }

    fn across(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [products] = columns else { return };
        for (cell, _, row) in rows.of(values) {
            let products = Cells::under(cell, row).of_mut::<I64>(products);
            for (product, &value) in products.iter_mut().zip(row) {
                *product = product.wrapping_mul(value.to());
            }
        }
    }

    fn merge(columns: &mut [Block], cells: Cells, others: &[Block], from: usize) {
        let ([products], [others]) = (columns, others) else { return };
        let others = Cells { first: from, ..cells }.of::<I64>(others);
        for (product, &other) in cells.of_mut::<I64>(products).iter_mut().zip(others) {
            *product = product.wrapping_mul(other);
        }
    }
}

/// Floats.
pub(super) struct Float<E, const SKIP: bool>(PhantomData<E>);

/// One for what is to be left out.
#[inline]
fn factor<V: Value, const SKIP: bool>(value: V) -> f64 {
    if SKIP && value.is_nan() { 1.0 } else { value.wide() }
}

impl<E: Element, const SKIP: bool> Fold for Float<E, SKIP> {
    type From = E;

    fn fresh(cells: usize) -> Vec<Block> {
        vec![Block::F64(vec![1.0; cells])]
    }

    fn along(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [products] = columns else { return };
        let products = all::<F64>(products);
        for (cell, _, row) in rows.of(values) {
            let Some(product) = products.get_mut(cell) else { continue };
            let (chunks, rest) = row.as_chunks::<LANES>();
            if !chunks.is_empty() {
                let mut lanes = [1.0; LANES];
                for chunk in chunks {
                    for (lane, &value) in lanes.iter_mut().zip(chunk) {
                        *lane *= factor::<_, SKIP>(value);
                    }
                }
                *product *= lanes.iter().product::<f64>();
            }
            *product = rest.iter().fold(*product, |all, &value| all * factor::<_, SKIP>(value));
        }
    }

    fn across(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [products] = columns else { return };
        for (cell, _, row) in rows.of(values) {
            let products = Cells::under(cell, row).of_mut::<F64>(products);
            for (product, &value) in products.iter_mut().zip(row) {
                *product *= factor::<_, SKIP>(value);
            }
        }
    }

    fn merge(columns: &mut [Block], cells: Cells, others: &[Block], from: usize) {
        let ([products], [others]) = (columns, others) else { return };
        let others = Cells { first: from, ..cells }.of::<F64>(others);
        for (product, &other) in cells.of_mut::<F64>(products).iter_mut().zip(others) {
            *product *= other;
        }
    }
}
