//! From batches to what is drawn, in bounded memory.

mod bars;
mod cells;
mod points;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};

use super::choose::{Plan, choose};
use super::column::{Role, numbers};
use super::data::{Body, PlotData};
use super::refuse;
use super::spec::{Kind, PlotSpec};
use crate::error::Result;
use crate::shell::output::{Cells, clean, counted};

/// How many bytes of a name are kept.
const MAX_NAME: usize = 120;

/// Collects what is to be drawn from the batches of a result.
pub struct Collector {
    spec: PlotSpec,
    schema: SchemaRef,
    /// Chosen with the first rows, since they decide where types do not.
    store: Option<Box<dyn Store>>,
    /// Columns for which there is no color.
    more_series: u64,
    /// Rows that had nothing to draw.
    skipped: u64,
    rows: u64,
}

/// Keeps what one kind of plot needs.
trait Store: Send {
    /// Takes rows, and tells how many of them had nothing to draw.
    fn push(&mut self, rows: &Rows<'_>) -> Result<u64>;

    /// What was kept.
    fn finish(self: Box<Self>, schema: &Schema) -> Kept;
}

/// What a store kept.
struct Kept {
    kind: Kind,
    x_label: String,
    y_label: String,
    notes: Vec<String>,
    /// None where there was nothing to draw.
    body: Option<Body>,
}

/// The rows of a batch.
struct Rows<'a> {
    batch: &'a RecordBatch,
    cells: Cells<'a>,
    /// How many rows came before.
    before: u64,
}

impl Rows<'_> {
    fn count(&self) -> usize {
        self.batch.num_rows()
    }

    /// The values of a column as numbers; NaN where there is none that can be drawn.
    fn numbers(&self, column: usize) -> Result<Vec<f64>> {
        match self.batch.columns().get(column) {
            Some(column) => numbers(column),
            None => Ok(vec![f64::NAN; self.count()]),
        }
    }

    /// The numbers by which a column's values are ordered; NaN for texts.
    fn keys(&self, column: usize) -> Result<Vec<f64>> {
        match self.batch.columns().get(column).and_then(|column| Role::of(column.data_type())) {
            Some(Role::Text) | None => Ok(vec![f64::NAN; self.count()]),
            Some(_) => self.numbers(column),
        }
    }

    /// The number of each row, counted from 1 through all batches.
    fn numbered(&self) -> impl Iterator<Item = u64> {
        (self.before + 1..).take(self.count())
    }

    /// A value as text, made harmless.
    fn text(&self, row: usize, column: usize) -> String {
        let mut text = String::new();
        match self.cells.read(row, column, MAX_NAME, &mut text) {
            true => clean(&text).into_owned(),
            false => "NULL".to_string(),
        }
    }
}

/// The name of a column, made harmless.
fn name(schema: &Schema, column: usize) -> String {
    schema.fields().get(column).map_or_else(String::new, |field| clean(field.name()).into_owned())
}

/// The names of columns, in a row.
fn names(schema: &Schema, columns: &[usize]) -> String {
    columns.iter().map(|column| name(schema, *column)).collect::<Vec<_>>().join(", ")
}

impl Collector {
    /// Begins with the columns of a result.
    pub fn new(spec: &PlotSpec, schema: &SchemaRef) -> Result<Self> {
        // Mistakes should be told before a long query runs.
        choose(spec, schema, |_| false)?;
        Ok(Self {
            spec: spec.clone(),
            schema: SchemaRef::clone(schema),
            store: None,
            more_series: 0,
            skipped: 0,
            rows: 0,
        })
    }

    fn store(&mut self, rows: &Rows<'_>) -> Result<Box<dyn Store>> {
        let repeats = |column: usize| {
            let mut seen = std::collections::HashSet::new();
            let values = rows.numbers(column).unwrap_or_default();
            values.iter().any(|value| !seen.insert(value.to_bits()))
        };
        let mut plan = choose(&self.spec, &self.schema, repeats)?;
        self.more_series = plan.limit() as u64;
        Ok(match plan {
            Plan::Bars { names, values } => Box::new(bars::BarStore::new(names, values)),
            Plan::Points { kind, x, y, split } => {
                Box::new(points::PointStore::new(&self.schema, kind, x, y, split))
            }
            Plan::Heat { x, y, value } => Box::new(cells::CellStore::new(x, y, value)),
        })
    }

    /// Takes rows.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let cells = Cells::of(batch).map_err(|error| {
            refuse(format!("the result cannot be drawn: {error}"), "cast its columns in the query")
        })?;
        let rows = Rows { batch, cells, before: self.rows };
        let mut store = match self.store.take() {
            Some(store) => store,
            None => self.store(&rows)?,
        };
        self.skipped += store.push(&rows)?;
        self.rows += batch.num_rows() as u64;
        self.store = Some(store);
        Ok(())
    }

    /// What was collected, ready to be drawn.
    pub fn finish(self) -> Result<PlotData> {
        let Some(store) = self.store else {
            return Err(refuse(
                "there is nothing to plot: the query returned no rows",
                "loosen its conditions",
            ));
        };
        let Kept { kind, x_label, y_label, mut notes, body } = store.finish(&self.schema);
        let Some(body) = body else {
            let rows = counted(self.rows, "row");
            return Err(refuse(
                format!("there is nothing to plot: no number to draw in {rows}"),
                "NULL, NaN and infinity cannot be drawn",
            ));
        };
        if self.skipped > 0 {
            notes.push(format!("{} without a number skipped", counted(self.skipped, "row")));
        }
        if self.more_series > 0 {
            notes.push(format!("{} left out", counted(self.more_series, "more column")));
        }
        let title = self.spec.title.map(|title| clean(&title).into_owned());
        Ok(PlotData { kind, title, x_label, y_label, notes, body })
    }
}

#[cfg(test)]
pub(in crate::shell::plot) mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, StringArray};

    use super::*;

    /// Collects one batch.
    pub(in crate::shell::plot) fn collect(
        words: &str,
        columns: Vec<(&str, ArrayRef)>,
    ) -> Result<PlotData> {
        let batch = match RecordBatch::try_from_iter(columns) {
            Ok(batch) => batch,
            Err(error) => unreachable!("{error}"),
        };
        let mut collector = Collector::new(&PlotSpec::parse(words)?, &batch.schema())?;
        collector.push(&batch)?;
        collector.finish()
    }

    pub(in crate::shell::plot) fn texts(values: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    pub(in crate::shell::plot) fn floats(values: &[f64]) -> ArrayRef {
        Arc::new(Float64Array::from(values.to_vec()))
    }

    pub(in crate::shell::plot) fn days(values: &[i32]) -> ArrayRef {
        Arc::new(Date32Array::from(values.to_vec()))
    }

    #[test]
    fn order_decides_between_line_and_scatter() -> Result<()> {
        let y = || floats(&[1.0, 2.0, 3.0]);
        let line = collect("", vec![("d", days(&[1, 2, 3])), ("y", y())])?;
        assert_eq!(line.kind(), Kind::Line);
        let scatter = collect("", vec![("x", floats(&[3.0, 1.0, 2.0])), ("y", y())])?;
        assert_eq!(scatter.kind(), Kind::Scatter);
        Ok(())
    }

    #[test]
    fn a_text_beside_time_and_number_makes_series() -> Result<()> {
        let data = collect(
            "",
            vec![
                ("city", texts(&["a", "b", "a", "b"])),
                ("day", days(&[1, 1, 2, 2])),
                ("t", floats(&[1.0, 2.0, 3.0, 4.0])),
            ],
        )?;
        match &data.body {
            Body::Points(points) => {
                let names: Vec<_> =
                    points.series.iter().map(|s| (s.0.as_str(), s.1.len())).collect();
                assert_eq!(names, [("a", 2), ("b", 2)]);
            }
            _ => unreachable!("not points"),
        }
        assert_eq!(data.kind(), Kind::Line);
        Ok(())
    }

    #[test]
    fn cells_are_ordered_by_number_and_the_last_value_counts() -> Result<()> {
        let hours: ArrayRef = Arc::new(Int64Array::from(vec![10, 9, 10]));
        let data = collect(
            "",
            vec![
                ("day", texts(&["Mo", "Mo", "Mo"])),
                ("hour", hours),
                ("n", floats(&[1.0, 2.0, 3.0])),
            ],
        )?;
        match &data.body {
            Body::Heat(heat) => {
                assert_eq!(heat.rows, ["9", "10"]);
                assert_eq!(heat.values, [[2.0], [3.0]]);
            }
            _ => unreachable!("not cells"),
        }
        assert!(data.caption().contains("the last value is drawn"), "{}", data.caption());
        Ok(())
    }

    #[test]
    fn nothing_to_draw_is_said_kindly() {
        let empty = collect("", vec![("n", texts(&[])), ("y", floats(&[]))]);
        let message = empty.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains("returned no rows"), "{message}");
        let nothing = collect("", vec![("x", floats(&[1.0])), ("y", floats(&[f64::NAN]))]);
        let message = nothing.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains("no number to draw in 1 row"), "{message}");
    }

    #[test]
    fn what_is_left_out_is_said() -> Result<()> {
        let xs: Vec<f64> = (0..50_000).map(f64::from).collect();
        let mut ys = xs.clone();
        if let Some(y) = ys.get_mut(7) {
            *y = f64::INFINITY;
        }
        let data = collect("", vec![("x", floats(&xs)), ("y", floats(&ys))])?;
        let caption = data.caption();
        assert!(caption.contains("49,999 points drawn as"), "{caption}");
        assert!(caption.contains("1 row without a number skipped"), "{caption}");
        Ok(())
    }
}
