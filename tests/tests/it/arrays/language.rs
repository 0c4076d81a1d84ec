//! What is written in the array language comes to what NumPy makes of the same.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use datafusion::prelude::SessionContext;
use serde_json::Value;
use strata::RunText;
use strata_tests::answer::Cell;
use strata_tests::oracle::{Grain, answer};
use strata_tests::pool::{Shape, TestPool};
use strata_tests::python::python_with;

/// A text of ours, and one of NumPy's.
const ALIKE: &[(&str, &str)] = &[
    // More dimensions.
    (
        "q = arange(6).reshape(2, 3); q[:, None, 1:] * 2",
        "q = np.arange(6).reshape(2, 3); q[:, None, 1:] * 2",
    ),
    ("q = arange(6).reshape(2, 3); q[newaxis, ..., newaxis]", "np.arange(6).reshape(1, 2, 3, 1)"),
    (
        "q = arange(6).reshape(2, 3); q - q.mean(1)[:, NULL]",
        "q = np.arange(6).reshape(2, 3); q - q.mean(1)[:, None]",
    ),
    (
        "arange(6).reshape(2, 3).expand_dims(-1).expand_dims('b', axis => 1)",
        "np.arange(6).reshape(2, 1, 3, 1)",
    ),
    ("arange(6).reshape(2, 3).repeat(3, 0)", "np.arange(6).reshape(2, 3).repeat(3, 0)"),
    ("arange(6, chunks => (1, 3, 2)).repeat(2)", "np.arange(6).repeat(2)"),
    ("arange(6).reshape(2, 3).repeat(0, axis => 1)", "np.zeros((2, 0), int)"),
    ("arange(6).reshape(2, 3).tile(2, 1)", "np.tile(np.arange(6).reshape(2, 3), (1, 2))"),
    ("arange(6).reshape(2, 3).tile(3, axis => 0)", "np.tile(np.arange(6).reshape(2, 3), (3, 1))"),
    // Dimensions as NumPy names them, and as they are shown.
    ("arange(6).reshape(2, 3).sum(axis => -1)", "np.arange(6).reshape(2, 3).sum(-1)"),
    (
        "arange(24).reshape(2, 3, 4).max(axis => (0, 2))",
        "np.arange(24).reshape(2, 3, 4).max((0, 2))",
    ),
    ("arange(6).reshape(2, 3).cumsum(axis => 0)", "np.arange(6).reshape(2, 3).cumsum(0)"),
    ("arange(6).reshape(2, 3).median(axis => 1)", "np.median(np.arange(6).reshape(2, 3), 1)"),
    ("arange(6).reshape(2, 3).sum(dim_1)", "np.arange(6).reshape(2, 3).sum(1)"),
    ("arange(5).median(approximate => true)", "np.array(2.0)"),
    // Masks, and pieces of several lengths.
    (
        "q = arange(6).reshape(2, 3); q[:, [true, false, true]]",
        "np.arange(6).reshape(2, 3)[:, [True, False, True]]",
    ),
    ("ones(7, 5, chunks => ((1, 4, 2), (2, 3))).sum(0)", "np.full(5, 7.0)"),
    ("arange(7).rechunk(dim_0 => (3, 4)) + arange(7)", "np.arange(7) * 2"),
    // The least there is.
    ("arange(1) + -9223372036854775808", "np.array([np.iinfo('i8').min])"),
    ("arange(3)[-9223372036854775808:]", "np.arange(3)"),
    ("zeros(1) - 18446744073709551615", "np.zeros(1) - 2.0**64"),
    ("zeros(1) + -18446744073709551615", "np.zeros(1) - 2.0**64"),
    // More places.
    ("arange(5).pad(2)", "np.pad(np.arange(5), 2)"),
    ("arange(5).pad((1, 3), value => 9)", "np.pad(np.arange(5), (1, 3), constant_values=9)"),
    ("arange(5).pad((7, 6), mode => 'edge')", "np.pad(np.arange(5), (7, 6), 'edge')"),
    ("arange(5).pad((7, 6), mode => 'reflect')", "np.pad(np.arange(5), (7, 6), 'reflect')"),
    ("arange(5).pad((7, 6), mode => 'symmetric')", "np.pad(np.arange(5), (7, 6), 'symmetric')"),
    ("arange(5).pad((7, 6), mode => 'wrap')", "np.pad(np.arange(5), (7, 6), 'wrap')"),
    ("arange(1).pad((2, 3), mode => 'reflect')", "np.pad(np.arange(1), (2, 3), 'reflect')"),
    (
        "ones(2, 3, dims => ('y', 'x'), chunks => (1, 2)).pad(y => (0, 1), x => 2)",
        "np.pad(np.ones((2, 3)), ((0, 1), (2, 2)))",
    ),
    (
        "from_function((i * j).sum(j, keepdims => true) + i, i => 3, j => 4)",
        "np.fromfunction(lambda i, j: (i * j).sum(1, keepdims=True) + i, (3, 4), dtype=int)",
    ),
    // Names of arrays, whatever tables have verbs for.
    ("a = arange(7) % 3; b = a; b + 1", "a = np.arange(7) % 3; a + 1"),
    ("a = arange(12).reshape(3, 4); a.count()", "np.array(12)"),
    ("a = arange(12).reshape(3, 4); b = a.count(0); b * 2", "np.full(4, 6)"),
    // Formulas of places.
    (
        "from_function(i * 10 + j, i => 3, j => 4, chunks => (2, 3))",
        "np.fromfunction(lambda i, j: i * 10 + j, (3, 4), dtype=int)",
    ),
    (
        "from_function(sin(y) / (x + 1), x => 3, y => 4).sum(x)",
        "np.fromfunction(lambda x, y: np.sin(y) / (x + 1), (3, 4)).sum(0)",
    ),
    ("k = ones(2); from_function(k.sum(), i => 3, dtype => 'f32')", "np.full(3, 2, 'f4')"),
    ("from_function(j, i => 2, j => 3)", "np.indices((2, 3))[1]"),
    // Times and spans, some of which are none.
    ("a = TIMES; a.isnan()", "a = TIMES; np.isnat(a)"),
    ("a = TIMES; b = a.roll(1, 0); a < b", "a = TIMES; b = np.roll(a, 1); a < b"),
    ("a = TIMES; b = a.roll(1, 0); a <= b", "a = TIMES; b = np.roll(a, 1); a <= b"),
    ("a = TIMES; b = a.roll(1, 0); a > b", "a = TIMES; b = np.roll(a, 1); a > b"),
    ("a = TIMES; b = a.roll(1, 0); a >= b", "a = TIMES; b = np.roll(a, 1); a >= b"),
    ("a = TIMES; a == a", "a = TIMES; a == a"),
    ("a = TIMES; b = a.roll(5, 0); a != b", "a = TIMES; b = np.roll(a, 5); a != b"),
    (
        "a = TIMES; b = a.roll(1, 0); (a - b).COUNTED",
        "a = TIMES; b = np.roll(a, 1); (a - b).COUNTED",
    ),
    (
        "a = TIMES; b = a - a.roll(1, 0); (a + b.cast('span[ms]')).COUNTED",
        "a = TIMES; b = a - np.roll(a, 1); (a + b.astype('m8[ms]')).COUNTED",
    ),
    (
        "a = TIMES; b = a.roll(1, 0); maximum(a, b).COUNTED",
        "a = TIMES; b = np.roll(a, 1); np.maximum(a, b).COUNTED",
    ),
    (
        "a = TIMES; b = a.roll(1, 0); minimum(a, b).COUNTED",
        "a = TIMES; b = np.roll(a, 1); np.minimum(a, b).COUNTED",
    ),
    (
        "a = TIMES; b = a.roll(1, 0); fmax(a, b).COUNTED",
        "a = TIMES; b = np.roll(a, 1); np.fmax(a, b).COUNTED",
    ),
    (
        "a = TIMES; b = a.roll(1, 0); fmin(a, b).COUNTED",
        "a = TIMES; b = np.roll(a, 1); np.fmin(a, b).COUNTED",
    ),
    ("a = TIMES; a.max().COUNTED", "a = TIMES; a.max().COUNTED"),
    ("a = TIMES; a.min().COUNTED", "a = TIMES; a.min().COUNTED"),
    ("a = TIMES; a.max(skip_nan => true).COUNTED", "a = TIMES; np.fmax.reduce(a).COUNTED"),
    ("a = TIMES; a.min(skip_nan => true).COUNTED", "a = TIMES; np.fmin.reduce(a).COUNTED"),
    ("a = TIMES; a.argmax()", "a = TIMES; a.argmax()"),
    ("a = TIMES; a.argmin()", "a = TIMES; a.argmin()"),
    ("a = TIMES; a[3:].argmax()", "a = TIMES; a[3:].argmax()"),
    ("a = TIMES; a.count()", "a = TIMES; (~np.isnat(a)).sum()"),
    ("a = TIMES; a.sort_along(0).COUNTED", "a = TIMES; np.sort(a).COUNTED"),
    ("a = TIMES; a.argsort(0)", "a = TIMES; np.argsort(a, kind='stable')"),
    ("a = SPANS; a.sum().COUNTED", "a = SPANS; a.sum().COUNTED"),
    ("a = SPANS; a.sum(skip_nan => true).COUNTED", "a = SPANS; a[~np.isnat(a)].sum().COUNTED"),
    ("a = SPANS; a.cumsum(0).COUNTED", "a = SPANS; np.cumsum(a).COUNTED"),
    ("a = SPANS; (a * 2).COUNTED", "a = SPANS; (a * 2).COUNTED"),
    ("a = SPANS; (2.5 * (a - a[1])).COUNTED", "a = SPANS; (2.5 * (a - a[1])).COUNTED"),
    ("a = SPANS; (a * (a == a)).COUNTED", "a = SPANS; (a * (a == a)).COUNTED"),
    ("a = SPANS; ((a - a[1]) / 3).COUNTED", "a = SPANS; ((a - a[1]) / 3).COUNTED"),
    ("a = SPANS; (a - a[1]).floor_div(-2).COUNTED", "a = SPANS; ((a - a[1]) // -2).COUNTED"),
    ("a = SPANS; ((a - a[1]) / 2.5).COUNTED", "a = SPANS; ((a - a[1]) / 2.5).COUNTED"),
    ("a = SPANS; (a / 0).COUNTED", "a = SPANS; (a / 0).COUNTED"),
    ("a = SPANS; (a / 0.0).COUNTED", "a = SPANS; (a / 0.0).COUNTED"),
    ("a = SPANS; (a / (arange(12) - 3)).COUNTED", "a = SPANS; (a / (np.arange(12) - 3)).COUNTED"),
    (
        "a = SPANS; r = (a - a[1]) / a[3]; where(r.isnan(), -1.0, r)",
        "a = SPANS; np.nan_to_num((a - a[1]) / a[3], nan=-1)",
    ),
    (
        "a = SPANS; r = (a - a[1]) / (a + a[3]).cast('span[ms]'); where(r.isnan(), -1.0, r)",
        "a = SPANS; np.nan_to_num((a - a[1]) / (a + a[3]).astype('m8[ms]'), nan=-1)",
    ),
    ("a = SPANS; (a - a[1]).floor_div(a[3])", "a = SPANS; (a - a[1]) // a[3]"),
    ("a = SPANS; ((a - a[1]) % a).COUNTED", "a = SPANS; ((a - a[1]) % a).COUNTED"),
    ("a = SPANS; (a - a[1])[3:7].mean().COUNTED", "a = SPANS; (a - a[1])[3:7].mean().COUNTED"),
    ("a = SPANS; a.mean().COUNTED", "a = SPANS; a.mean().COUNTED"),
    ("a = SPANS; a.mean(skip_nan => true).COUNTED", "a = SPANS; a[~np.isnat(a)].mean().COUNTED"),
    // The square of truth values is another type than their other powers.
    ("a = arange(3) > 1; (a ** 2) * 100 + 100", "a = np.arange(3) > 1; (a ** 2) * 100 + 100"),
    ("a = arange(3) > 1; (a ** 3) * 100 + 100", "a = np.arange(3) > 1; (a ** 3) * 100 + 100"),
    ("a = SPANS; (-a).abs().COUNTED", "a = SPANS; np.abs(-a).COUNTED"),
    // Masks, and places that are computed.
    ("x = arange(10, chunks => 3); x[x > 6]", "x = np.arange(10); x[x > 6]"),
    ("x = arange(10, chunks => 3); x[x % 3 == 1]", "x = np.arange(10); x[x % 3 == 1]"),
    ("x = arange(10, chunks => 3); x[x > 100]", "x = np.arange(10); x[x > 100]"),
    ("x = arange(10, chunks => 3); x[(x * 7) % 10]", "x = np.arange(10); x[(x * 7) % 10]"),
    (
        "x = arange(12).reshape(3, 4); x[x[:, 0] > 3, 1:3]",
        "x = np.arange(12).reshape(3, 4); x[x[:, 0] > 3, 1:3]",
    ),
    (
        "x = arange(12).reshape(3, 4).rechunk(2, 3); x[x % 5 == 2]",
        "x = np.arange(12).reshape(3, 4); x[x % 5 == 2]",
    ),
    // Numbers that take the type of what is beside them.
    (
        "x = arange(5, dtype => 'f32'); where(x > 2, x, 0) / 3",
        "x = np.arange(5, dtype='f4'); np.where(x > 2, x, 0) / 3",
    ),
    (
        "x = arange(5, dtype => 'u8'); where(x > 2, 7, x)",
        "x = np.arange(5, dtype='u1'); np.where(x > 2, 7, x)",
    ),
    ("x = arange(3, dtype => 'u8'); x AND -1", "x = np.arange(3); np.logical_and(x, -1)"),
    // Put together.
    (
        "a = arange(4); b = arange(3) * 10; concatenate(a, b)",
        "a = np.arange(4); b = np.arange(3) * 10; np.concatenate([a, b])",
    ),
    ("a = arange(4); stack(a, a + 1, axis => -1)", "a = np.arange(4); np.stack([a, a + 1], -1)"),
    ("a = arange(4); stack(a, a + 1, axis => 0)", "a = np.arange(4); np.stack([a, a + 1], 0)"),
    // What is used again.
    (
        "x = (arange(2000) * 7919 % 11).reshape(50, 40).rechunk(7, 9); m = x.mean(0); d = x - m; \
         (d / d.std(0)).max(1) - m.sum()",
        "x = (np.arange(2000) * 7919 % 11).reshape(50, 40); m = x.mean(0); d = x - m; \
         (d / d.std(0)).max(1) - m.sum()",
    ),
    // Of one pass, and of parts of it.
    (
        "x = (arange(2000) * 7919 % 11).reshape(50, 40).rechunk(7, 9); (x - x.mean(0)) / (x.max(0) + x.std(0))",
        "x = (np.arange(2000) * 7919 % 11).reshape(50, 40); (x - x.mean(0)) / (x.max(0) + x.std(0))",
    ),
    (
        "x = (arange(2000) * 7919 % 11).reshape(50, 40).rechunk(7, 9); (x * 2).sum(0)[::-3][2:7]",
        "x = (np.arange(2000) * 7919 % 11).reshape(50, 40); (x * 2).sum(0)[::-3][2:7]",
    ),
    // Chance is NumPy's own, however it is cut.
    (
        "random_uniform(7, 11, seed => 42, chunks => (3, 4))",
        "np.random.Generator(np.random.Philox(key=42)).random((7, 11))",
    ),
    (
        "random_uniform(900, seed => 9223372036854775807, chunks => 7)[1:]",
        "np.random.Generator(np.random.Philox(key=2**63 - 1)).random(900)[1:]",
    ),
    // Rows of rows.
    (
        "arange(24).reshape(1, 4, 6).rechunk(1, 3, 2).reshape(1, 8, 3)[0, 5]",
        "np.arange(24).reshape(1, 4, 6).reshape(1, 8, 3)[0, 5]",
    ),
];

/// Both with what stands for times written out: those that numbers are counts of, and the other way round.
fn written(ours: &str, theirs: &str) -> (String, String) {
    const COUNTS: &str = "where((arange(12, chunks => 5) % 5) == 2, -9223372036854775807 - 1, (arange(12) * 7) % 12)";
    const THEIRS: &str =
        "np.where(np.arange(12) % 5 == 2, np.iinfo('i8').min, np.arange(12) * 7 % 12)";
    let ours = ours.replace("TIMES", &format!("{COUNTS}.cast('time[s]')"));
    let ours = ours.replace("SPANS", &format!("{COUNTS}.cast('span[s]')"));
    let theirs = theirs.replace("TIMES", &format!("{THEIRS}.astype('M8[s]')"));
    let theirs = theirs.replace("SPANS", &format!("{THEIRS}.astype('m8[s]')"));
    (ours.replace("COUNTED", "cast('i64')"), theirs.replace("COUNTED", "astype('i8')"))
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_come_to_what_numpy_makes_of_them() {
    let alike: Vec<(String, String)> =
        ALIKE.iter().map(|(ours, theirs)| written(ours, theirs)).collect();
    come_to(&alike, 0.0).await;
}

/// Runs statements here and on a pool, and compares what they come to with what NumPy makes of others. Numbers near
/// 0 may be so much off.
pub(super) async fn come_to(alike: &[(String, String)], near: f64) {
    let Some(python) = python_with("numpy") else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/eval_arrays.py");
    let texts: Vec<&str> = alike.iter().map(|(_, text)| text.as_str()).collect();
    let mut child = Command::new(python.program())
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(&texts).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let expected: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let here = Grain { batch_size: 8192, partitions: 3 }.session();
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    for session in [here, pool.session(&[])] {
        for ((text, theirs), expected) in alike.iter().zip(&expected) {
            let (setup, last) = text.rsplit_once(';').unwrap_or(("", text.as_str()));
            for statement in setup.split(';').filter(|statement| !statement.trim().is_empty()) {
                session.run(statement).await.unwrap().collect().await.unwrap();
            }
            let got = answer(&session, last).await.unwrap_or_else(|e| panic!("{text}: {e}"));
            assert!(expected.get("shape").is_some(), "{theirs}: {expected}");
            let shape: Vec<u64> = serde_json::from_value(expected["shape"].clone()).unwrap();
            assert_eq!(got.names.len(), shape.len() + 1, "{text}");
            let values: Vec<Option<f64>> =
                serde_json::from_value(expected["values"].clone()).unwrap();
            assert_eq!(got.rows.len(), values.len(), "{text} has not the values of {theirs}");
            let mut rows = got.rows;
            rows.sort_by_key(|row| {
                let place = |cell: &Cell| match cell {
                    Cell::Int(at) => *at,
                    other => panic!("{other:?} is no place"),
                };
                row[..shape.len()].iter().map(place).collect::<Vec<_>>()
            });
            for (row, value) in rows.iter().zip(values) {
                let got = match row.last().unwrap() {
                    Cell::Int(value) => *value as f64,
                    Cell::Real(value) => *value,
                    Cell::Bool(value) => f64::from(u8::from(*value)),
                    other => panic!("{text}: {other:?}"),
                };
                if let Some(value) = value {
                    assert!(
                        (got - value).abs() <= 1e-6 * value.abs() + near,
                        "{text}: {got}, not {value}"
                    );
                }
            }
        }
    }
}

/// Each text is refused, with these words.
pub(super) async fn refused(session: &SessionContext, asked: &[(impl AsRef<str>, &str)]) {
    for (text, words) in asked {
        let text = text.as_ref();
        let error = answer(session, text).await.expect_err(text);
        assert!(error.contains(words), "{text}: {error}");
    }
}

/// Labels that are near, and labels that go along.
#[tokio::test(flavor = "multi_thread")]
async fn labels_are_found_and_go_along() {
    let Some(python) = python_with("xarray") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.zarr").display().to_string();
    let made = format!(
        "import numpy as np, xarray as xr, pandas as pd\n\
         t = pd.date_range('2020-01-01', periods=6, freq='D')\n\
         xr.Dataset({{'v': (('time', 'lat'), np.arange(24.0).reshape(6, 4))}},\
         coords={{'time': t, 'lat': [60.0, 50.0, 40.0, 30.0]}}).to_zarr({path:?})"
    );
    let status = Command::new(python.program()).args(["-c", &made]).status().unwrap();
    assert!(status.success());
    let session = Grain { batch_size: 8192, partitions: 2 }.session();
    session.run(&format!("v = zarr('{path}').v")).await.unwrap().collect().await.unwrap();
    for (text, expected) in [
        ("v.sel(lat => 42, time => '2020-01-03', method => 'nearest')", vec![10.0]),
        ("v.sel(lat => 40, time => '2020-01-03')", vec![10.0]),
        // Of two that are as near, the later.
        ("v.sel(lat => 55, method => 'nearest')[0]", vec![1.0]),
        ("v.sel(lat => [31, 59], method => 'nearest')[5]", vec![23.0, 20.0]),
        ("v.sel(time => '2020-01-02T13:00:00', method => 'nearest')[0]", vec![8.0]),
        ("concatenate(v[:2], v[4:], axis => time).sel(time => '2020-01-05')[0]", vec![16.0]),
        ("concatenate(v, v.transpose(lat, time), axis => time)[6:7, 0]", vec![0.0]),
    ] {
        let got = answer(&session, text).await.unwrap_or_else(|e| panic!("{text}: {e}"));
        let values: Vec<f64> = got
            .rows
            .iter()
            .map(|row| match row.last().unwrap() {
                Cell::Real(value) => *value,
                other => panic!("{text}: {other:?}"),
            })
            .collect();
        assert_eq!(values, expected, "{text}");
    }
    let asked = [
        ("v.sel(lat => 42)", "labelled 42"),
        ("v.sel(lat => 'north')", "no label of type"),
        ("v.sel(time => 5)", "no label of type"),
        ("v.sel(depth => 5)", "no dimension 'depth'"),
        ("v.sel(lat => 42, method => 'closest')", "method => is 'nearest'"),
        ("v[v[:, :2] > 1]", "does not fit"),
        ("v.pad(-1)", "0 or more"),
        ("v.pad(lat => 1, mode => 'mirror')", "no mode 'mirror'"),
    ];
    refused(&session, &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_what_they_were_last_given_to() {
    let session = Grain { batch_size: 8192, partitions: 3 }.session();
    for (text, expected) in [
        ("x = arange(3); x.count()", 3),
        (
            "CREATE OR REPLACE VIEW x AS SELECT 42 AS a UNION ALL SELECT 42; SELECT max(a) FROM x",
            42,
        ),
        ("x.count()", 2),
        ("DROP VIEW x; CREATE TABLE x AS SELECT 7 AS a; x", 7),
        ("\"Y\" = sql('SELECT 8 AS a'); y = arange(4); \"Y\".count()", 1),
        ("y.count()", 4),
        ("g = dataset(a => arange(5)); m = g.a; g.a.count()", 5),
        ("m.count()", 5),
        ("CREATE SCHEMA g; CREATE TABLE g.a AS SELECT 9 AS a; g.a", 9),
        ("g.a.count()", 1),
        ("DROP TABLE g.a; g.a.count()", 5),
    ] {
        let (setup, last) = text.rsplit_once("; ").unwrap_or(("", text));
        for statement in setup.split("; ").filter(|statement| !statement.is_empty()) {
            session.run(statement).await.unwrap().collect().await.unwrap();
        }
        let rows = answer(&session, last).await.unwrap().rows;
        let value = rows.last().and_then(|row| row.last().cloned());
        assert_eq!(value, Some(Cell::Int(expected)), "{text}");
    }
    let refused = session.run("x + 1").await.unwrap_err();
    assert!(refused.to_string().contains("'x' is a table"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_looked_at_comes_in_order() {
    let here = Grain { batch_size: 8192, partitions: 3 }.session();
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    for session in [here, pool.session(&[])] {
        for text in ["arange(60, chunks => 7)", "arange(60).reshape(6, 10).rechunk(2, 3) + 0"] {
            let rows = answer(&session, text).await.unwrap().rows;
            let values = rows.iter().map(|row| row.last().cloned());
            let expected: Vec<_> = (0..60).map(|value| Some(Cell::Int(value))).collect();
            assert_eq!(values.collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
