//! From batches to what is drawn, in bounded memory.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::choose::{Plan, choose};
use super::column::{Role, numbers};
use super::data::{Bars, Body, Heat, PlotData, Points};
use super::scale::Unit;
use super::series::{CAPACITY, Series};
use super::spec::{Kind, PlotSpec};
use super::{MAX_SERIES, refuse};
use crate::error::Result;
use crate::shell::output::{Cells, clean, thousands};

/// How many bars are kept.
const MAX_BARS: usize = 10_000;
/// How many columns and rows of shaded cells are kept.
const MAX_CELLS: usize = 200;
/// How many bytes of a name are kept.
const MAX_NAME: usize = 120;

/// Collects what is to be drawn from the batches of a result.
pub struct Collector {
    spec: PlotSpec,
    schema: SchemaRef,
    /// Chosen with the first rows, since they decide where types do not.
    store: Option<Store>,
    /// Series for which there is no color.
    more_series: u64,
    /// Rows that had nothing to draw.
    skipped: u64,
    rows: u64,
}

enum Store {
    Bars {
        names: Option<usize>,
        values: Vec<usize>,
        bars: Bars,
    },
    Points {
        kind: Option<Kind>,
        x: Option<usize>,
        y: Vec<usize>,
        split: Option<Split>,
        series: Vec<Series>,
    },
    Heat {
        x: usize,
        y: usize,
        value: usize,
        cells: CellStore,
    },
}

/// A series for each text of a column.
struct Split {
    column: usize,
    known: HashMap<String, usize>,
    /// Rows of further texts.
    left_out: u64,
}

#[derive(Default)]
struct CellStore {
    columns: Categories,
    rows: Categories,
    values: HashMap<(usize, usize), f64>,
    /// Rows that said a cell again.
    repeated: u64,
    left_out: u64,
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
    fn index(&mut self, name: &str, key: f64) -> Option<usize> {
        if let Some(index) = self.index.get(name) {
            return Some(*index);
        }
        let index = self.names.len();
        if index == MAX_CELLS {
            return None;
        }
        self.names.push(name.to_string());
        self.keys.push(key);
        self.index.insert(name.to_string(), index);
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

    fn store(&mut self, batch: &RecordBatch) -> Result<Store> {
        let repeats = |column: usize| {
            let Some(values) = batch.columns().get(column).and_then(|c| numbers(c).ok()) else {
                return false;
            };
            let mut seen = std::collections::HashSet::new();
            !values.iter().all(|value| seen.insert(value.to_bits()))
        };
        let mut plan = choose(&self.spec, &self.schema, repeats)?;
        self.more_series = plan.limit() as u64;
        let name = |column: &usize| clean(self.schema.field(*column).name()).into_owned();
        Ok(match plan {
            Plan::Bars { names, values } => {
                let series = values.iter().map(name).collect();
                let bars = Bars { names: Vec::new(), series, values: Vec::new() };
                Store::Bars { names, values, bars }
            }
            Plan::Points { kind, x, y, split } => {
                let split =
                    split.map(|column| Split { column, known: HashMap::new(), left_out: 0 });
                let series = match split {
                    Some(_) => Vec::new(),
                    None => y.iter().map(|column| Series::new(name(column))).collect(),
                };
                Store::Points { kind, x, y, split, series }
            }
            Plan::Heat { x, y, value } => Store::Heat { x, y, value, cells: CellStore::default() },
        })
    }

    /// Takes rows.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut store = match self.store.take() {
            Some(store) => store,
            None => self.store(batch)?,
        };
        let text = Cells::of(batch).map_err(|error| {
            refuse(format!("the result cannot be drawn: {error}"), "cast its columns in the query")
        })?;
        let column = |index: usize| match batch.columns().get(index) {
            Some(column) => numbers(column),
            None => Ok(vec![f64::NAN; batch.num_rows()]),
        };
        let mut name = String::new();
        let mut read = |row: usize, column: usize| -> String {
            match text.read(row, column, MAX_NAME, &mut name) {
                true => clean(&name).into_owned(),
                false => "NULL".to_string(),
            }
        };
        let before = self.rows;
        self.rows += batch.num_rows() as u64;
        match &mut store {
            Store::Bars { names, values, bars } => {
                let values = values.iter().map(|c| column(*c)).collect::<Result<Vec<_>>>()?;
                for row in 0..batch.num_rows() {
                    if bars.names.len() == MAX_BARS {
                        break;
                    }
                    let value: Vec<f64> =
                        values.iter().map(|v| v.get(row).copied().unwrap_or(f64::NAN)).collect();
                    if value.iter().all(|value| value.is_nan()) {
                        self.skipped += 1;
                    }
                    bars.names.push(match names {
                        Some(names) => read(row, *names),
                        None => thousands(before + row as u64 + 1),
                    });
                    bars.values.push(value);
                }
            }
            Store::Points { x, y, split, series, .. } => {
                let xs = match x {
                    Some(x) => column(*x)?,
                    None => (0..batch.num_rows()).map(|r| (before + r as u64 + 1) as f64).collect(),
                };
                let ys = y.iter().map(|c| column(*c)).collect::<Result<Vec<_>>>()?;
                for (row, x) in xs.into_iter().enumerate() {
                    let at = match split {
                        Some(split) => {
                            let at = split.series(read(row, split.column), series);
                            if at.is_none() {
                                split.left_out += 1;
                                continue;
                            }
                            at
                        }
                        None => None,
                    };
                    let mut drawn = false;
                    for (number, values) in ys.iter().enumerate() {
                        let value = values.get(row).copied().unwrap_or(f64::NAN);
                        if let Some(series) = series.get_mut(at.unwrap_or(number))
                            && !x.is_nan()
                            && !value.is_nan()
                        {
                            series.push((x, value));
                            drawn = true;
                        }
                    }
                    self.skipped += u64::from(!drawn);
                }
            }
            Store::Heat { x, y, value, cells } => {
                let keys = |index: usize| match Role::of(self.schema.field(index).data_type()) {
                    Some(Role::Text) | None => Ok(vec![f64::NAN; batch.num_rows()]),
                    Some(_) => column(index),
                };
                let (x_keys, y_keys, values) = (keys(*x)?, keys(*y)?, column(*value)?);
                for (row, value) in values.into_iter().enumerate() {
                    let key = |keys: &[f64]| keys.get(row).copied().unwrap_or(f64::NAN);
                    let at = (
                        cells.columns.index(&read(row, *x), key(&x_keys)),
                        cells.rows.index(&read(row, *y), key(&y_keys)),
                    );
                    match at {
                        _ if value.is_nan() => self.skipped += 1,
                        (Some(x), Some(y)) => {
                            let again = cells.values.insert((x, y), value).is_some();
                            cells.repeated += u64::from(again);
                        }
                        _ => cells.left_out += 1,
                    }
                }
            }
        }
        self.store = Some(store);
        Ok(())
    }

    /// What was collected, ready to be drawn.
    pub fn finish(self) -> Result<PlotData> {
        let Self { spec, schema, store, more_series, skipped, rows } = self;
        let Some(store) = store else {
            return Err(refuse(
                "there is nothing to plot: the query returned no rows",
                "loosen its conditions",
            ));
        };
        let mut notes = Vec::new();
        let name = |column: usize| clean(schema.field(column).name()).into_owned();
        let row_count = || "row".to_string();
        let (kind, x_label, y_label, body) = match store {
            Store::Bars { names, values, bars } => {
                if (bars.names.len() as u64) < rows {
                    notes.push(format!(
                        "the first {} of {} rows",
                        thousands(MAX_BARS as u64),
                        thousands(rows)
                    ));
                }
                let y_label = values.iter().map(|c| name(*c)).collect::<Vec<_>>().join(", ");
                let empty = bars.values.iter().flatten().all(|value| value.is_nan());
                let body = (!empty).then_some(Body::Bars(bars));
                (Kind::Bar, names.map_or_else(row_count, name), y_label, body)
            }
            Store::Points { kind, x, y, split, series } => {
                let sorted = series.iter().all(Series::is_sorted);
                let kind = kind.unwrap_or(if sorted { Kind::Line } else { Kind::Scatter });
                let seen: u64 = series.iter().map(Series::seen).sum();
                let sample = series.iter().any(Series::is_sample);
                let drawn: Vec<_> = series
                    .into_iter()
                    .map(|series| {
                        let mut points = series.points();
                        if kind == Kind::Line && !series.is_sorted() {
                            points.sort_by(|a, b| a.0.total_cmp(&b.0));
                        }
                        (series.name, points)
                    })
                    .collect();
                let count: usize = drawn.iter().map(|(_, points)| points.len()).sum();
                if (count as u64) < seen {
                    let how = match sample {
                        true => "a random sample",
                        false => "the lowest and highest of each stretch",
                    };
                    notes.push(format!(
                        "{} points drawn as {}: {how}",
                        thousands(seen),
                        thousands(count as u64)
                    ));
                }
                if let Some(split) = split.filter(|split| split.left_out > 0) {
                    notes.push(format!(
                        "the first {MAX_SERIES} values of {}; {} rows of others are left out",
                        name(split.column),
                        thousands(split.left_out)
                    ));
                }
                let unit = match x.and_then(|x| Role::of(schema.field(x).data_type())) {
                    Some(Role::Time) => Unit::Time,
                    Some(Role::Clock) => Unit::Clock,
                    _ => Unit::Number,
                };
                let y_label = y.iter().map(|c| name(*c)).collect::<Vec<_>>().join(", ");
                let body = (count > 0).then_some(Body::Points(Points { unit, series: drawn }));
                (kind, x.map_or_else(row_count, name), y_label, body)
            }
            Store::Heat { x, y, value, cells } => {
                if cells.repeated > 0 {
                    notes.push(format!(
                        "{} cells were given again: the last value is drawn",
                        thousands(cells.repeated)
                    ));
                }
                if cells.left_out > 0 {
                    notes.push(format!(
                        "{} rows beyond {MAX_CELLS} × {MAX_CELLS} cells are left out",
                        thousands(cells.left_out)
                    ));
                }
                let empty = cells.values.is_empty();
                let (columns, x_order) = cells.columns.ordered();
                let (rows, y_order) = cells.rows.ordered();
                let values = y_order
                    .iter()
                    .map(|y| {
                        let value = |x: &usize| cells.values.get(&(*x, *y)).copied();
                        x_order.iter().map(|x| value(x).unwrap_or(f64::NAN)).collect()
                    })
                    .collect();
                let heat = Heat { columns, rows, values, value_name: name(value) };
                (Kind::Heat, name(x), name(y), (!empty).then_some(Body::Heat(heat)))
            }
        };
        let Some(body) = body else {
            return Err(refuse(
                format!(
                    "there is nothing to plot: none of the {} rows has a number",
                    thousands(rows)
                ),
                "NULL, NaN and infinity cannot be drawn",
            ));
        };
        if skipped > 0 {
            notes.push(format!("{} rows without a number are skipped", thousands(skipped)));
        }
        if more_series > 0 {
            notes.push(format!("{more_series} more columns are left out"));
        }
        Ok(PlotData {
            kind,
            title: spec.title.map(|title| clean(&title).into_owned()),
            x_label,
            y_label,
            notes,
            body,
        })
    }
}

impl Split {
    /// The series of a text, which may be new; None where there are too many.
    fn series(&mut self, name: String, series: &mut Vec<Series>) -> Option<usize> {
        if let Some(index) = self.known.get(&name) {
            return Some(*index);
        }
        if series.len() == MAX_SERIES {
            return None;
        }
        series.push(Series::new(name.as_str()));
        self.known.insert(name, series.len() - 1);
        Some(series.len() - 1)
    }
}

const _: () = assert!(CAPACITY <= 10_000, "captions and memory count on it");

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, StringArray};

    use super::*;

    /// Collects one batch.
    pub(in super::super) fn collect(
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

    pub(in super::super) fn texts(values: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    pub(in super::super) fn floats(values: &[f64]) -> ArrayRef {
        Arc::new(Float64Array::from(values.to_vec()))
    }

    pub(in super::super) fn days(values: &[i32]) -> ArrayRef {
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
        assert!(message.contains("none of the 1 rows has a number"), "{message}");
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
        assert!(caption.contains("1 rows without a number are skipped"), "{caption}");
        Ok(())
    }
}
