//! Random tables.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use strata_tests::oracle::Oracle;
use strata_tests::random::Random;

/// How many rows the tables have whose names end in these numbers.
pub(super) const SIZES: [usize; 4] = [0, 1, 9, 300];

const WORDS: [&str; 7] = ["north", "south", "", "O'Brien", "Zürich, CH", "a \"b\"", "日本"];
/// 2024-03-01T00:00:00 in microseconds.
const START: i64 = 1_709_251_200_000_000;

/// An integer that repeats.
pub(super) fn key(random: &mut Random) -> i64 {
    random.below(7) as i64 - 2
}

/// A float that is sometimes no number, or not finite.
pub(super) fn real(random: &mut Random) -> f64 {
    match random.below(40) {
        0 | 1 => f64::NAN,
        2 => f64::INFINITY,
        3 => f64::NEG_INFINITY,
        _ => eighths(random),
    }
}

/// A float without rounding errors in sums.
pub(super) fn eighths(random: &mut Random) -> f64 {
    (random.below(4000) as f64 - 2000.0) / 8.0
}

pub(super) fn word(random: &mut Random) -> String {
    random.of(&WORDS).to_string()
}

/// A time within a few days, to the second.
pub(super) fn time(random: &mut Random) -> i64 {
    START + random.below(3 * 24 * 3600) as i64 * 1_000_000
}

pub(super) fn column<T, A: FromIterator<Option<T>> + arrow::array::Array + 'static>(
    rows: usize,
    make: impl FnMut(usize) -> Option<T>,
) -> ArrayRef {
    Arc::new((0..rows).map(make).collect::<A>())
}

/// `id` counts, `k` and `g` repeat, `x` may be NaN and `y` not, the rest is of other types. All but
/// `id` have NULLs.
pub(super) fn table(rows: usize, seed: u64) -> RecordBatch {
    let mut r = Random::new(seed);
    RecordBatch::try_from_iter_with_nullable([
        ("id", column::<i64, Int64Array>(rows, |row| Some(row as i64)), true),
        ("k", column::<i64, Int64Array>(rows, |_| r.maybe(15, key)), true),
        ("g", column::<String, StringArray>(rows, |_| r.maybe(15, word)), true),
        ("x", column::<f64, Float64Array>(rows, |_| r.maybe(15, real)), true),
        ("y", column::<f64, Float64Array>(rows, |_| r.maybe(15, eighths)), true),
        ("b", column::<bool, BooleanArray>(rows, |_| r.maybe(15, |r| r.percent(50))), true),
        (
            "d",
            column::<i32, Date32Array>(rows, |_| r.maybe(15, |r| 19_000 + r.below(90) as i32)),
            true,
        ),
        ("moment", column::<i64, TimestampMicrosecondArray>(rows, |_| r.maybe(10, time)), true),
    ])
    .unwrap()
}

/// Adds `t0`, `t1`, `t9` and `t300`, and hands out their names.
pub(super) fn add(oracle: &mut Oracle, seed: u64) -> Vec<String> {
    SIZES
        .iter()
        .map(|rows| {
            let name = format!("t{rows}");
            oracle.table(&name, &table(*rows, seed + *rows as u64));
            name
        })
        .collect()
}
