//! Collecting shaded cells: a value for each pair of two columns' values.

use std::collections::HashMap;

use arrow::datatypes::Schema;

use super::{Kept, Rows, Store, name};
use crate::error::Result;
use crate::shell::output::counted;
use crate::shell::plot::data::{Body, Heat};
use crate::shell::plot::spec::Kind;

/// How many columns and rows of cells are kept.
const MAX_CELLS: usize = 200;

pub(super) struct CellStore {
    x: usize,
    y: usize,
    value: usize,
    columns: Categories,
    rows: Categories,
    values: HashMap<(usize, usize), f64>,
    /// Rows that said a cell again.
    repeated: u64,
    left_out: u64,
}

impl CellStore {
    pub(super) fn new(x: usize, y: usize, value: usize) -> Self {
        Self {
            x,
            y,
            value,
            columns: Categories::default(),
            rows: Categories::default(),
            values: HashMap::new(),
            repeated: 0,
            left_out: 0,
        }
    }
}

/// The values along an axis of cells.
#[derive(Default)]
struct Categories {
    names: Vec<String>,
    /// By which they are ordered, where they are no texts.
    keys: Vec<f64>,
    index: HashMap<String, usize>,
}

impl Categories {
    /// Where a value stands, which may be new; None where there are too many.
    fn index(&mut self, name: String, key: f64) -> Option<usize> {
        if let Some(index) = self.index.get(&name) {
            return Some(*index);
        }
        let index = self.names.len();
        if index == MAX_CELLS {
            return None;
        }
        self.names.push(name.clone());
        self.keys.push(key);
        self.index.insert(name, index);
        Some(index)
    }

    /// The names in order, and where each stood before.
    fn ordered(self) -> (Vec<String>, Vec<usize>) {
        let mut order: Vec<(f64, usize, String)> = self
            .keys
            .into_iter()
            .zip(self.names)
            .enumerate()
            .map(|(index, (key, name))| (key, index, name))
            .collect();
        // Texts have no key and keep the order in which they came.
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let indices = order.iter().map(|(_, index, _)| *index).collect();
        (order.into_iter().map(|(_, _, name)| name).collect(), indices)
    }
}

impl Store for CellStore {
    fn push(&mut self, rows: &Rows<'_>) -> Result<u64> {
        let (x_keys, y_keys) = (rows.keys(self.x)?, rows.keys(self.y)?);
        let mut skipped = 0;
        for (row, value) in rows.numbers(self.value)?.into_iter().enumerate() {
            let key = |keys: &[f64]| keys.get(row).copied().unwrap_or(f64::NAN);
            // Even where there is no value, the pair has its place.
            let x = self.columns.index(rows.text(row, self.x), key(&x_keys));
            let y = self.rows.index(rows.text(row, self.y), key(&y_keys));
            match x.zip(y) {
                _ if value.is_nan() => skipped += 1,
                Some(at) => {
                    self.repeated += u64::from(self.values.insert(at, value).is_some());
                }
                None => self.left_out += 1,
            }
        }
        Ok(skipped)
    }

    fn finish(self: Box<Self>, schema: &Schema) -> Kept {
        let mut notes = Vec::new();
        if self.repeated > 0 {
            let repeated = counted(self.repeated, "cell");
            notes.push(format!("{repeated} repeated: the last value is drawn"));
        }
        if self.left_out > 0 {
            let left_out = counted(self.left_out, "row");
            notes.push(format!("{left_out} beyond {MAX_CELLS} × {MAX_CELLS} cells left out"));
        }
        let (columns, x_order) = self.columns.ordered();
        let (rows, y_order) = self.rows.ordered();
        let value = |x: &usize, y: &usize| self.values.get(&(*x, *y)).copied().unwrap_or(f64::NAN);
        let values =
            y_order.iter().map(|y| x_order.iter().map(|x| value(x, y)).collect()).collect();
        let heat = Heat { columns, rows, values, value_name: name(schema, self.value) };
        Kept {
            kind: Kind::Heat,
            x_label: name(schema, self.x),
            y_label: name(schema, self.y),
            notes,
            body: (!self.values.is_empty()).then_some(Body::Heat(heat)),
        }
    }
}
