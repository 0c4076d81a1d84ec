//! Groups of places, periods and weights: what comes of them is Xarray's.

use std::process::Command;

use datafusion::prelude::SessionContext;
use serde_json::Value;
use strata::RunText;
use strata_tests::answer::Cell;
use strata_tests::oracle::{Grain, answer};
use strata_tests::pool::{Shape, TestPool};
use strata_tests::python::python_with;

use super::language::refused;

/// Ours, and Xarray's.
const ALIKE: &[(&str, &str)] = &[
    ("v.groupby(time.month).mean()", "v.groupby('time.month').mean(skipna=False)"),
    ("v.groupby(time.month).mean(skip_nan => true)", "v.groupby('time.month').mean()"),
    ("v.groupby(time.quarter).max(skip_nan => true)", "v.groupby('time.quarter').max()"),
    ("v.groupby(time.year).sum(lat)", "v.groupby('time.year').sum(['time', 'lat'], skipna=False)"),
    ("v.groupby(time.dayofyear).std(skip_nan => true)", "v.groupby('time.dayofyear').std()"),
    (
        "v.groupby(time.weekday).var(lat, lon, ddof => 1)",
        "v.groupby('time.weekday').var(['time', 'lat', 'lon'], ddof=1, skipna=False)",
    ),
    ("v.groupby(time.month).count()", "v.groupby('time.month').count()"),
    (
        "v.groupby(time.month) - v.groupby(time.month).mean()",
        "v.groupby('time.month') - v.groupby('time.month').mean(skipna=False)",
    ),
    (
        "c = v.groupby(time.month).mean(skip_nan => true); (c - v.groupby(time.month))[100:110]",
        "-(v.groupby('time.month') - v.groupby('time.month').mean())[100:110]",
    ),
    (
        "c = v.groupby(time.month).mean(skip_nan => true)[::-1]; (v.groupby(time.month) - c)[100:110]",
        "(v.groupby('time.month') - v.groupby('time.month').mean())[100:110]",
    ),
    ("v.coarsen(lat => 100).mean()", "np.zeros((800, 0, 3))"),
    ("v.resample(time => '1MS').mean()", "v.resample(time='1MS').mean(skipna=False)"),
    ("v.resample(time => 'QS').min(skip_nan => true)", "v.resample(time='QS').min()"),
    (
        "v.resample(time => '1YS').sum(lat, lon)",
        "v.resample(time='YS').sum(skipna=False).sum(['lat', 'lon'], skipna=False)",
    ),
    ("v.resample(time => 'D').mean()[3]", "v.resample(time='D').mean(skipna=False)[3]"),
    ("v.coarsen(time => 7).mean(skip_nan => true)", "v.coarsen(time=7, boundary='trim').mean()"),
    ("v.coarsen(lat => 2).max(skip_nan => true)", "v.coarsen(lat=2, boundary='trim').max()"),
    ("v.coarsen(lat => 2).mean().lat", "v.coarsen(lat=2, boundary='trim').mean().lat"),
    (
        "v.weighted(cos(lat * 0.017453292519943295)).mean(lat, lon)",
        "v.weighted(np.cos(np.deg2rad(v.lat))).mean(['lat', 'lon'], skipna=False)",
    ),
    (
        "v.weighted(cos(lat * 0.017453292519943295)).mean(lat, lon, skip_nan => true)",
        "v.weighted(np.cos(np.deg2rad(v.lat))).mean(['lat', 'lon'])",
    ),
    ("v.weighted(lat).sum(lat, skip_nan => true)", "v.weighted(v.lat).sum('lat')"),
    ("v.groupby(lat > 45).mean()", "v.groupby(v.lat > 45).mean(skipna=False)"),
    (
        "v.groupby(lat.digitize((35, 55))).max(skip_nan => true)",
        "v.groupby(xr.DataArray(np.digitize(v.lat, [35, 55]), dims='lat', name='g')).max()",
    ),
    ("v.groupby(lat.digitize((35, 55))).max(skip_nan => true).lat", "np.array([0, 1, 2])"),
    ("v.groupby(floor(lon / 20)).min()", "v.groupby(np.floor(v.lon / 20)).min(skipna=False)"),
    ("v.groupby(v[:, 0, 0] > 20).mean()", "v.groupby(v[:, 0, 0] > 20).mean(skipna=False)"),
    (
        "v.groupby(time.month).mean()[::2, 1, ::-1]",
        "v.groupby('time.month').mean(skipna=False)[::2, 1, ::-1]",
    ),
    // The calendar, before 1970 as well.
    ("old.time.year + 0", "old.time.dt.year"),
    ("old.time.month + 0", "old.time.dt.month"),
    ("old.time.day + 0", "old.time.dt.day"),
    ("old.time.dayofyear + 0", "old.time.dt.dayofyear"),
    ("old.time.weekday + 0", "old.time.dt.weekday"),
    ("old.time.hour + 0", "old.time.dt.hour"),
    ("old.time.season + 0", "old.time.dt.month % 12 // 3 + 1"),
    ("old.groupby(time.season).sum()", "old.groupby(old.time.dt.month % 12 // 3).sum()"),
    ("y = old.resample(time => 'YS').count(); y.time.year + 0", "np.arange(1895, 1909)"),
];

#[tokio::test(flavor = "multi_thread")]
async fn groups_come_to_what_xarray_makes_of_them() {
    let Some((here, _folder)) = come_to_xarrays(ALIKE, 1e-9).await else { return };
    let asked = [
        ("v.groupby(time.month)", "no array yet"),
        ("v.groupby(time.month) + 1", "no dimension 'month'"),
        ("v.groupby(time.month) - v.groupby(time.month).mean()[3:]", "not all groups are there"),
        ("v.groupby(time.month).median()", "groups have no verb 'median'"),
        ("v.groupby(time.month).argmax()", "places are told along whole dimensions"),
        ("v.groupby(v).mean()", "labels along one dimension"),
        ("v.groupby(arange(7)).mean()", "7 labels belong to no dimension"),
        ("v.groupby(time.fortnight).mean()", "no part 'fortnight'"),
        ("v.groupby(time.month).mean(depth)", "no dimension 'depth'"),
        ("v.resample(time => '2 moons').mean()", "no period"),
        ("v.resample(lat => '1MS').mean()", "only times have"),
        ("v.resample(depth => '1MS').mean()", "no dimension 'depth'"),
        ("v.coarsen(lat => 0).mean()", "0 places"),
        ("v.weighted(lat).max()", "have no verb 'max'"),
    ];
    refused(&here, &asked).await;
}

/// Runs statements about a cube of temperatures, `v`, and a series, `old`, here and on a pool; what they come to is what
/// Xarray makes of the same. Gives a session that knows both, and the folder where they lie.
pub(super) async fn come_to_xarrays(
    alike: &[(&str, &str)],
    near: f64,
) -> Option<(SessionContext, tempfile::TempDir)> {
    let python = python_with("xarray")?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.zarr").display().to_string();
    let theirs: Vec<&str> = alike.iter().map(|(_, theirs)| *theirs).collect();
    let script = format!(
        "import json, warnings, numpy as np, pandas as pd, xarray as xr\n\
         warnings.simplefilter('ignore')\n\
         time = pd.date_range('1999-12-25', periods=800, freq='D')\n\
         values = (np.arange(800 * 5 * 3.0) * 7919 % 101 - 40).reshape(800, 5, 3)\n\
         values[::61, 1] = np.nan\n\
         v = xr.DataArray(values, dims=('time', 'lat', 'lon'), name='v', coords={{\n\
             'time': time, 'lat': [60.0, 50.0, 40.0, 30.0, 20.0], 'lon': [0.0, 15.0, 30.0]}})\n\
         old = xr.DataArray(np.arange(500.0), dims='then', coords={{'then': \
             pd.date_range('1895-02-27 05:00', periods=500, freq='239h')}}, name='old').rename(then='time')\n\
         xr.Dataset({{'v': v}}).to_zarr({path:?} + '/v', encoding={{'v': {{'chunks': (37, 2, 3)}}}})\n\
         xr.Dataset({{'old': old}}).to_zarr({path:?} + '/old')\n\
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
    for session in [here.clone(), pool.session(&[])] {
        for name in ["v", "old"] {
            let opened = format!("{name} = zarr('{path}/{name}').{name}");
            session.run(&opened).await.unwrap().collect().await.unwrap();
        }
        for ((text, theirs), expected) in alike.iter().zip(&expected) {
            let (setup, last) = text.rsplit_once("; ").unwrap_or(("", text));
            if !setup.is_empty() {
                session.run(setup).await.unwrap().collect().await.unwrap();
            }
            let got = answer(&session, last).await.unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(got.rows.len(), expected.len(), "{text} has not the values of {theirs}");
            for (row, expected) in got.rows.iter().zip(expected) {
                let got = match row.last().unwrap() {
                    Cell::Int(value) => *value as f64,
                    Cell::Real(value) => *value,
                    Cell::Null => f64::NAN,
                    other => panic!("{text}: {other:?}"),
                };
                match expected.as_f64() {
                    Some(value) => assert!(
                        (got - value).abs() <= near * (1.0 + value.abs()),
                        "{text}: {got}, not {value}"
                    ),
                    None => assert!(got.is_nan(), "{text}: {got}, not NaN"),
                }
            }
        }
    }
    Some((here, folder))
}
