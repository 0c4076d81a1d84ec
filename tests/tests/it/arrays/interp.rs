//! Values between places: what comes of them is Xarray's. And how series go together, at once and apart in time.

use std::process::Command;

use serde_json::Value;
use strata::RunText;
use strata_tests::answer::Cell;
use strata_tests::oracle::{Grain, answer};
use strata_tests::pool::{Shape, TestPool};
use strata_tests::python::python_with;

use super::language::{come_to, refused};

/// Ours, and Xarray's.
const ALIKE: &[(&str, &str)] = &[
    ("v.interp(lat => 45)", "v.interp(lat=45)"),
    ("v.interp(lat => 45).sum(time, skip_nan => true)", "v.interp(lat=45).sum('time')"),
    (
        "where(isnan(v), 7.0, v).interp(lat => (20, 31.5, 59, 60, 60.5, 19))",
        "v.fillna(7.0).interp(lat=[20, 31.5, 59, 60, 60.5, 19])",
    ),
    ("v.interp(lat => (20, 31.5, 59, 60, 60.5, 19)).lat", "np.array([20, 31.5, 59, 60, 60.5, 19])"),
    (
        "where(isnan(v), 7.0, v).interp(lat => (50, 20), lon => (30.0, 0))",
        "v.fillna(7.0).interp(lat=[50, 20], lon=[30.0, 0])",
    ),
    ("v.interp(lat => 33, lon => 7.25)", "v.interp(lat=33, lon=7.25)"),
    (
        "v.interp(lon => linspace(-1, 31, 13), lat => (33, 44.4))",
        "v.interp(lon=np.linspace(-1, 31, 13), lat=[33, 44.4])",
    ),
    (
        "v.interp(lat => (33, 44), lon => 1, time => ('2000-01-01T06:00', '2001-05-05'))",
        "v.interp(lat=[33, 44], lon=1, time=pd.to_datetime(['2000-01-01T06:00', '2001-05-05'], format='ISO8601'))",
    ),
    (
        "v.interp(time => '2000-01-01T18:30')",
        "v.interp(time=np.datetime64('2000-01-01T18:30', 'us'))",
    ),
    (
        "v.interp(time => ('1999-12-24', '2010-01-01'))",
        "v.interp(time=pd.to_datetime(['1999-12-24', '2010-01-01']))",
    ),
    ("v.interp(time => v.time[3:9:2])", "v.interp(time=v.time[3:9:2])"),
    ("v.interp(lat => (), lon => 3)", "np.zeros((800, 0))"),
    // The nearer place, the lower of two that are as near.
    (
        "v.interp(lat => (45, 35, 44.9, 45.1, 60, 61), method => 'nearest')",
        "v.interp(lat=[45, 35, 44.9, 45.1, 60, 61], method='nearest')",
    ),
    (
        "v.interp(lon => (7.5, 22.5, 22.6, -1), method => 'nearest')",
        "v.interp(lon=[7.5, 22.5, 22.6, -1], method='nearest')",
    ),
    (
        "v.interp(time => '2000-01-01T12:00', method => 'nearest')",
        "v.interp(time=np.datetime64('2000-01-01T12:00', 'us'), method='nearest')",
    ),
    (
        "n.interp(x => (2, 3.5, 9), method => 'nearest')",
        "n.interp(x=[2, 3.5, 9], method='nearest')",
    ),
    ("n.interp(x => (2, 3.5, 9, 10.5))", "n.interp(x=[2, 3.5, 9, 10.5])"),
    ("(v * 2 - 1).interp(lat => 47)[5:700:3]", "(v * 2 - 1).interp(lat=47)[5:700:3]"),
    ("v.interp(lat => 47).mean(time, skip_nan => true)", "v.interp(lat=47).mean('time')"),
    ("v[:, ::-1].interp(lat => (21, 58))", "v[:, ::-1].interp(lat=[21, 58])"),
    ("v.cast('f32').interp(lat => (21, 58))", "v.astype('f4').interp(lat=[21, 58])"),
    // Nothing but the place itself is looked at where one is met.
    ("v.interp(lat => 60)", "v.sel(lat=60)"),
];

#[tokio::test(flavor = "multi_thread")]
async fn values_between_places_are_xarrays() {
    let (Some(python), Some(_)) = (python_with("xarray"), python_with("scipy")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.zarr").display().to_string();
    let theirs: Vec<&str> = ALIKE.iter().map(|(_, theirs)| *theirs).collect();
    let script = format!(
        "import json, warnings, numpy as np, pandas as pd, xarray as xr\n\
         warnings.simplefilter('ignore')\n\
         time = pd.date_range('1999-12-25', periods=800, freq='D')\n\
         values = (np.arange(800 * 5 * 3.0) * 7919 % 101 - 40).reshape(800, 5, 3)\n\
         values[::61, 1] = np.nan\n\
         v = xr.DataArray(values, dims=('time', 'lat', 'lon'), name='v', coords={{\n\
             'time': time, 'lat': [60.0, 50.0, 40.0, 30.0, 20.0], 'lon': [0.0, 15.0, 30.0]}})\n\
         n = xr.DataArray((np.arange(6) * 7 % 5).astype('i2'), dims='x', coords={{'x': [1, 2, 3, 4, 7, 10]}}, name='n')\n\
         xr.Dataset({{'v': v}}).to_zarr({path:?} + '/v', encoding={{'v': {{'chunks': (37, 2, 3)}}}})\n\
         xr.Dataset({{'n': n}}).to_zarr({path:?} + '/n', encoding={{'n': {{'chunks': (2,)}}}})\n\
         def flat(text):\n\
         \x20   x = np.asarray(eval(text), dtype='f8')\n\
         \x20   return [None if np.isnan(y) else float(y) for y in x.ravel()]\n\
         print(json.dumps([flat(text) for text in {theirs:?}]))"
    );
    let output = Command::new(python.program()).args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected: Vec<Vec<Value>> = serde_json::from_slice(&output.stdout).unwrap();
    let here = Grain { batch_size: 8192, partitions: 3 }.session();
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    for session in [&here, &pool.session(&[])] {
        for name in ["v", "n"] {
            let opened = format!("{name} = zarr('{path}/{name}').{name}");
            session.run(&opened).await.unwrap().collect().await.unwrap();
        }
        for ((text, theirs), expected) in ALIKE.iter().zip(&expected) {
            let got = answer(session, text).await.unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(got.rows.len(), expected.len(), "{text} has not the values of {theirs}");
            for (at, (row, expected)) in got.rows.iter().zip(expected).enumerate() {
                let got = match row.last().unwrap() {
                    Cell::Int(value) => *value as f64,
                    Cell::Real(value) => *value,
                    Cell::Null => f64::NAN,
                    other => panic!("{text}: {other:?}"),
                };
                match expected.as_f64() {
                    Some(value) => assert!(
                        (got - value).abs() <= 1e-9 * (1.0 + value.abs()),
                        "{text}: {got}, not {value} at {at}"
                    ),
                    None => assert!(got.is_nan(), "{text}: {got}, not NaN at {at}"),
                }
            }
        }
    }
    let asked = [
        ("v.interp()", "called otherwise"),
        ("v.interp(45)", "called otherwise"),
        ("v.interp(depth => 45)", "no dimension 'depth'"),
        ("v.interp(lat => 45, method => 'cubic')", "'linear' or 'nearest'"),
        ("v.interp(lat => 'north')", "no label of type Float64"),
        ("v.interp(time => 45)", "no label of type Timestamp"),
        ("v.interp(lat => zeros(2, 2))", "one row of f64, not f64 of shape [2, 2]"),
        ("v.interp(lat => v.time)", "one row of f64, not time["),
        ("v[:, [0, 2, 1]].interp(lat => 45)", "neither goes up nor down"),
        ("v[:, [0, 0, 1]].interp(lat => 45)", "neither goes up nor down"),
        ("v[:, 0:0].interp(lat => 45)", "no places along 'lat'"),
        ("v.time.interp(time => '2000-01-01')", "nothing in between"),
    ];
    refused(&here, &asked).await;
}

/// Only the chunks on both sides of a place are read.
#[tokio::test(flavor = "multi_thread")]
async fn what_lies_elsewhere_is_not_read() {
    let session = Grain { batch_size: 8192, partitions: 2 }.session();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.zarr").display().to_string();
    let run = async |text: &str| session.run(text).await.unwrap().collect().await.unwrap();
    run(&format!("from_function(i * 1.0, i => 1000, chunks => 100).named('x').save('{path}')"))
        .await;
    // All chunks but two are damaged.
    for chunk in [0, 1, 2, 3, 6, 7, 8, 9] {
        let at = folder.path().join(format!("x.zarr/x/c/{chunk}"));
        assert!(at.exists(), "{}", at.display());
        std::fs::write(at, b"damaged").unwrap();
    }
    run(&format!("x = zarr('{path}').x")).await;
    for (text, value) in
        [("x.interp(i => 499.25) + 0", 499.25), ("x.interp(i => (450.5, 510.25)).sum()", 960.75)]
    {
        let rows = answer(&session, text).await.unwrap_or_else(|e| panic!("{text}: {e}")).rows;
        assert!(
            matches!(rows[0].last(), Some(Cell::Real(got)) if *got == value),
            "{text}: {rows:?}"
        );
    }
    assert!(answer(&session, "x.interp(i => 399.5)").await.is_err());
}

/// Series that follow others: each lag is a product of what was made comparable.
#[tokio::test(flavor = "multi_thread")]
async fn lagged_correlations_are_numpys() {
    let ours = "x = from_function(sin(s * s + t * 0.37) + cos(t * t * 0.01 * (s + 1)), s => 4, t => 900, chunks => (3, 128)); \
                z = (x - x.mean(t, keepdims => true)) / x.std(t, keepdims => true)";
    let theirs = "x = np.fromfunction(lambda s, t: np.sin(s * s + t * 0.37) + np.cos(t * t * 0.01 * (s + 1)), (4, 900)); \
                  z = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)";
    let mut alike =
        vec![(format!("{ours}; (z @ z.transpose()) / 900"), format!("{theirs}; np.corrcoef(x)"))];
    for lag in [1, 7, 250] {
        alike.push((
            format!("{ours}; z[:, :-{lag}] @ z[:, {lag}:].transpose() / 900"),
            format!(
                "{theirs}; np.array([[np.correlate(b, a, 'full')[899 + {lag}] / 900 for b in z] for a in z])"
            ),
        ));
    }
    come_to(&alike, 1e-9).await;
}
