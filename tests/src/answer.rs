//! Answers of different engines, made comparable: a cell has a kind and a value, whatever type each
//! engine gave it.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Decimal256Type, Float64Type, Int64Type};
use serde_json::Value;

/// Floats are equal within this, relative to the larger.
const RELATIVE: f64 = 1e-9;
/// What is left of a difference of equal floats.
const ABSOLUTE: f64 = 1e-12;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer of any width.
    Int(i128),
    /// A float of any width.
    Real(f64),
    /// So many hundredths, thousandths …
    Decimal(i128, i32),
    /// Text; dates and times as well, in ISO 8601.
    Text(String),
    /// A list.
    List(Vec<Cell>),
}

/// Names, types and rows, in the order in which they came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The columns' names.
    pub names: Vec<String>,
    /// The columns' types, as the engine calls them.
    pub types: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Answer {
    /// What Strata answered.
    pub fn from_batches(schema: &arrow::datatypes::Schema, batches: &[RecordBatch]) -> Self {
        let mut rows = Vec::new();
        for batch in batches {
            let columns: Vec<Vec<Cell>> =
                batch.columns().iter().map(|column| cells(column.as_ref())).collect();
            for row in 0..batch.num_rows() {
                rows.push(columns.iter().map(|column| column[row].clone()).collect());
            }
        }
        Self {
            names: schema.fields().iter().map(|field| field.name().clone()).collect(),
            types: schema.fields().iter().map(|field| field.data_type().to_string()).collect(),
            rows,
        }
    }

    pub(crate) fn from_json(answer: &Value) -> Self {
        let texts = |key: &str| {
            let list = answer[key].as_array().unwrap();
            list.iter().map(|text| text.as_str().unwrap().to_string()).collect()
        };
        let rows = answer["rows"].as_array().unwrap().iter();
        Self {
            names: texts("names"),
            types: texts("types"),
            rows: rows.map(|row| row.as_array().unwrap().iter().map(of_json).collect()).collect(),
        }
    }

    /// What differs from `expected`, in words. Rows are compared in their order, or as a multiset.
    pub fn difference(&self, expected: &Self, in_order: bool) -> Option<String> {
        if self.names.len() != expected.names.len() {
            return Some(format!("columns {:?} instead of {:?}", self.names, expected.names));
        }
        if self.rows.len() != expected.rows.len() {
            return Some(format!("{} rows instead of {}", self.rows.len(), expected.rows.len()));
        }
        let (mut mine, mut theirs) = (self.rows.clone(), expected.rows.clone());
        if !in_order {
            let inexact: Vec<bool> = (0..self.names.len())
                .map(|column| {
                    mine.iter().chain(&theirs).any(|row| {
                        matches!(row[column], Cell::Real(_) | Cell::Decimal(..) | Cell::List(_))
                    })
                })
                .collect();
            for rows in [&mut mine, &mut theirs] {
                rows.sort_by_cached_key(|row| sort_key(row, &inexact));
            }
        }
        for (number, (got, wanted)) in mine.iter().zip(&theirs).enumerate() {
            if let Some(column) = (0..got.len()).find(|&i| !same(&got[i], &wanted[i])) {
                return Some(format!(
                    "row {number}, column '{}': {:?} instead of {:?}\n  got    {got:?}\n  wanted {wanted:?}",
                    self.names[column], got[column], wanted[column]
                ));
            }
        }
        None
    }
}

/// What is exact first, then what is not, to six digits: rounding then rarely moves a row.
fn sort_key(row: &[Cell], inexact: &[bool]) -> (Vec<String>, Vec<String>) {
    let (mut exact, mut rounded) = (Vec::new(), Vec::new());
    for (cell, inexact) in row.iter().zip(inexact) {
        match number(cell) {
            Some(number) if *inexact => rounded.push(format!("{number:.6e}")),
            _ if *inexact => rounded.push(format!("{cell:?}")),
            _ => exact.push(format!("{cell:?}")),
        }
    }
    (exact, rounded)
}

fn number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Int(value) => Some(*value as f64),
        Cell::Real(value) => Some(*value),
        Cell::Decimal(digits, scale) => Some(*digits as f64 / 10f64.powi(*scale)),
        _ => None,
    }
}

/// Whether two cells say the same.
pub fn same(a: &Cell, b: &Cell) -> bool {
    match (a, b) {
        (Cell::Decimal(x, xs), Cell::Decimal(y, ys)) => {
            let scale = *xs.max(ys);
            x * 10i128.pow((scale - xs) as u32) == y * 10i128.pow((scale - ys) as u32)
        }
        (Cell::Decimal(..), Cell::Int(y)) => same(a, &Cell::Decimal(*y, 0)),
        (Cell::Int(x), Cell::Decimal(..)) => same(&Cell::Decimal(*x, 0), b),
        (Cell::List(x), Cell::List(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y))
        }
        (Cell::Real(_), _) | (_, Cell::Real(_)) => match (number(a), number(b)) {
            (Some(x), Some(y)) => close(x, y, last_digit(a).max(last_digit(b))),
            _ => false,
        },
        _ => a == b,
    }
}

fn close(x: f64, y: f64, last_digit: f64) -> bool {
    x == y
        || x.is_nan() && y.is_nan()
        || (x - y).abs() <= (RELATIVE * x.abs().max(y.abs())).max(ABSOLUTE).max(last_digit)
}

/// A quotient that one engine rounds to a decimal is another's float.
fn last_digit(cell: &Cell) -> f64 {
    match cell {
        Cell::Decimal(_, scale) if *scale >= 4 => 10f64.powi(-scale),
        _ => 0.0,
    }
}

fn cells(array: &dyn Array) -> Vec<Cell> {
    let rows = 0..array.len();
    let each = |of: &dyn Fn(usize) -> Cell| -> Vec<Cell> {
        rows.clone().map(|row| if array.is_null(row) { Cell::Null } else { of(row) }).collect()
    };
    match array.data_type() {
        DataType::Null => each(&|_| Cell::Null),
        DataType::Boolean => each(&|row| Cell::Bool(array.as_boolean().value(row))),
        DataType::UInt64 => {
            let values = array.as_primitive::<arrow::datatypes::UInt64Type>();
            each(&|row| Cell::Int(values.value(row).into()))
        }
        other if other.is_integer() => {
            let values = cast(array, &DataType::Int64).unwrap();
            each(&|row| Cell::Int(values.as_primitive::<Int64Type>().value(row).into()))
        }
        other if other.is_floating() => {
            let values = cast(array, &DataType::Float64).unwrap();
            each(&|row| Cell::Real(values.as_primitive::<Float64Type>().value(row)))
        }
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) => {
            cells(&cast(array, &DataType::Decimal128(38, *scale)).unwrap())
        }
        DataType::Decimal128(_, scale) => {
            let values = array.as_primitive::<Decimal128Type>();
            each(&|row| Cell::Decimal(values.value(row), (*scale).into()))
        }
        DataType::Decimal256(_, scale) => {
            let values = array.as_primitive::<Decimal256Type>();
            each(&|row| Cell::Decimal(values.value(row).to_i128().unwrap(), (*scale).into()))
        }
        DataType::List(_) => {
            each(&|row| Cell::List(cells(array.as_list::<i32>().value(row).as_ref())))
        }
        DataType::Timestamp(..) | DataType::Time64(_) | DataType::Time32(_) => {
            let texts = cast(array, &DataType::Utf8).unwrap();
            each(&|row| Cell::Text(trimmed(texts.as_string::<i32>().value(row))))
        }
        _ => {
            let texts = cast(array, &DataType::Utf8).unwrap();
            each(&|row| Cell::Text(texts.as_string::<i32>().value(row).to_string()))
        }
    }
}

/// A time without the zeros at the end of its fraction.
fn trimmed(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, fraction)) => {
            let (digits, zone) = fraction
                .find(|c: char| !c.is_ascii_digit())
                .map_or((fraction, ""), |place| fraction.split_at(place));
            match digits.trim_end_matches('0') {
                "" => format!("{whole}{zone}"),
                digits => format!("{whole}.{digits}{zone}"),
            }
        }
        None => time.to_string(),
    }
}

fn of_json(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(value) => Cell::Bool(*value),
        Value::String(text) => {
            let of_times = |c: char| c.is_ascii_digit() || "-+:.TZ ".contains(c);
            let is_time = text.len() >= 8 && text.contains(':') && text.chars().all(of_times);
            Cell::Text(if is_time { trimmed(text) } else { text.clone() })
        }
        Value::Object(tagged) => {
            let (tag, value) = tagged.iter().next().unwrap();
            match tag.as_str() {
                "i" => Cell::Int(value.as_str().unwrap().parse().unwrap()),
                "r" => Cell::Real(value.as_str().unwrap().parse().unwrap()),
                "d" => decimal(value.as_str().unwrap()),
                "l" => Cell::List(value.as_array().unwrap().iter().map(of_json).collect()),
                other => panic!("there is no tag '{other}'"),
            }
        }
        other => panic!("'{other}' is no cell"),
    }
}

fn decimal(text: &str) -> Cell {
    let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    Cell::Decimal(text.replace('.', "").parse().unwrap(), scale as i32)
}
