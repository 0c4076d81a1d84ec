//! Collecting bars: the first rows, one by one.

use arrow::datatypes::Schema;

use super::{Kept, Rows, Store, name, names};
use crate::error::Result;
use crate::shell::output::thousands;
use crate::shell::plot::data::{Bars, Body};
use crate::shell::plot::spec::Kind;

/// How many bars are kept.
const MAX_BARS: usize = 10_000;

pub(super) struct BarStore {
    /// The column of the bars' names; without one, the rows are counted.
    label: Option<usize>,
    columns: Vec<usize>,
    names: Vec<String>,
    values: Vec<Vec<f64>>,
    seen: u64,
}

impl BarStore {
    pub(super) fn new(label: Option<usize>, columns: Vec<usize>) -> Self {
        Self { label, columns, names: Vec::new(), values: Vec::new(), seen: 0 }
    }
}

impl Store for BarStore {
    fn push(&mut self, rows: &Rows<'_>) -> Result<u64> {
        self.seen += rows.count() as u64;
        let columns =
            self.columns.iter().map(|column| rows.numbers(*column)).collect::<Result<Vec<_>>>()?;
        let mut skipped = 0;
        for (row, number) in rows.numbered().enumerate().take(MAX_BARS - self.names.len()) {
            let values: Vec<f64> =
                columns.iter().map(|values| values.get(row).copied().unwrap_or(f64::NAN)).collect();
            skipped += u64::from(values.iter().all(|value| value.is_nan()));
            self.values.push(values);
            self.names.push(match self.label {
                Some(column) => rows.text(row, column),
                None => thousands(number),
            });
        }
        Ok(skipped)
    }

    fn finish(self: Box<Self>, schema: &Schema) -> Kept {
        let mut notes = Vec::new();
        if (self.names.len() as u64) < self.seen {
            let (kept, seen) = (thousands(MAX_BARS as u64), thousands(self.seen));
            notes.push(format!("the first {kept} of {seen} rows"));
        }
        let empty = self.values.iter().flatten().all(|value| value.is_nan());
        let series = self.columns.iter().map(|column| name(schema, *column)).collect();
        let bars = Bars { names: self.names, series, values: self.values };
        Kept {
            kind: Kind::Bar,
            x_label: self.label.map_or_else(|| "row".to_string(), |column| name(schema, column)),
            y_label: names(schema, &self.columns),
            notes,
            body: (!empty).then_some(Body::Bars(bars)),
        }
    }
}
