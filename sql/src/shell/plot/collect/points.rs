//! Collecting points: a series for each column, or for each text of a column.

use std::collections::HashMap;

use arrow::datatypes::Schema;

use super::{Kept, Rows, Store, name, names};
use crate::error::Result;
use crate::shell::output::{counted, thousands};
use crate::shell::plot::MAX_SERIES;
use crate::shell::plot::column::Role;
use crate::shell::plot::data::{Body, Points};
use crate::shell::plot::scale::Unit;
use crate::shell::plot::series::Series;
use crate::shell::plot::spec::Kind;

pub(super) struct PointStore {
    /// Lines or single points; where it is open, the order of x decides.
    kind: Option<Kind>,
    /// Without a column, the rows are counted.
    x: Option<usize>,
    y: Vec<usize>,
    split: Option<Split>,
    series: Vec<Series>,
}

/// A series for each text of a column.
struct Split {
    column: usize,
    known: HashMap<String, usize>,
    /// Rows of further texts.
    left_out: u64,
}

impl Split {
    /// The series of a text, which may be new; None where there are too many.
    fn series(&mut self, name: String, series: &mut Vec<Series>) -> Option<usize> {
        if let Some(index) = self.known.get(&name) {
            return Some(*index);
        }
        if series.len() == MAX_SERIES {
            self.left_out += 1;
            return None;
        }
        series.push(Series::new(name.as_str()));
        self.known.insert(name, series.len() - 1);
        Some(series.len() - 1)
    }
}

impl PointStore {
    pub(super) fn new(
        schema: &Schema,
        kind: Option<Kind>,
        x: Option<usize>,
        y: Vec<usize>,
        split: Option<usize>,
    ) -> Self {
        let split = split.map(|column| Split { column, known: HashMap::new(), left_out: 0 });
        let series = match split {
            Some(_) => Vec::new(),
            None => y.iter().map(|column| Series::new(name(schema, *column))).collect(),
        };
        Self { kind, x, y, split, series }
    }
}

impl Store for PointStore {
    fn push(&mut self, rows: &Rows<'_>) -> Result<u64> {
        let xs = match self.x {
            Some(column) => rows.numbers(column)?,
            None => rows.numbered().map(|number| number as f64).collect(),
        };
        let ys = self.y.iter().map(|column| rows.numbers(*column)).collect::<Result<Vec<_>>>()?;
        let mut skipped = 0;
        for (row, x) in xs.into_iter().enumerate() {
            let first = match &mut self.split {
                Some(split) => {
                    let text = rows.text(row, split.column);
                    match split.series(text, &mut self.series) {
                        Some(series) => series,
                        None => continue,
                    }
                }
                None => 0,
            };
            let mut drawn = false;
            for (y, series) in ys.iter().zip(self.series.iter_mut().skip(first)) {
                let y = y.get(row).copied().unwrap_or(f64::NAN);
                if !x.is_nan() && !y.is_nan() {
                    series.push((x, y));
                    drawn = true;
                }
            }
            skipped += u64::from(!drawn);
        }
        Ok(skipped)
    }

    fn finish(self: Box<Self>, schema: &Schema) -> Kept {
        let sorted = self.series.iter().all(Series::is_sorted);
        let kind = self.kind.unwrap_or(if sorted { Kind::Line } else { Kind::Scatter });
        let seen: u64 = self.series.iter().map(Series::seen).sum();
        let how = match self.series.iter().any(Series::is_sample) {
            true => "a random sample",
            false => "the lowest and highest of each stretch",
        };
        let series: Vec<_> = self
            .series
            .into_iter()
            .map(|series| {
                let mut points = series.points();
                if kind == Kind::Line && !series.is_sorted() {
                    points.sort_by(|a, b| a.0.total_cmp(&b.0));
                }
                (series.name, points)
            })
            .collect();
        let count = series.iter().map(|(_, points)| points.len()).sum::<usize>() as u64;
        let mut notes = Vec::new();
        if count < seen {
            let (seen, count) = (thousands(seen), thousands(count));
            notes.push(format!("{seen} points drawn as {count}: {how}"));
        }
        if let Some(split) = self.split.filter(|split| split.left_out > 0) {
            notes.push(format!(
                "only the first {MAX_SERIES} values of {}: {} of others left out",
                name(schema, split.column),
                counted(split.left_out, "row")
            ));
        }
        let role = self.x.and_then(|x| Role::of(schema.fields().get(x)?.data_type()));
        let unit = match role {
            Some(Role::Time) => Unit::Time,
            Some(Role::Clock) => Unit::Clock,
            _ => Unit::Number,
        };
        Kept {
            kind,
            x_label: self.x.map_or_else(|| "row".to_string(), |column| name(schema, column)),
            y_label: names(schema, &self.y),
            notes,
            body: (count > 0).then_some(Body::Points(Points { unit, series })),
        }
    }
}
