//! Arrays that meet by their labels, and verbs of several arrays at once, as Xarray has them.

use strata::{RunText, Settings};
use strata_tests::oracle::{Grain, answer};
use strata_tests::python::python_with;

use super::language::refused;
use super::npy::run;

const STORES: &str = "
import sys, numpy as np, xarray as xr, zarr
folder = sys.argv[1]
times = np.datetime64('2020-01-01', 'ns') + np.arange(10) * np.timedelta64(1, 'D')
cube = xr.Dataset({'t': (('time', 'lat', 'lon'), np.arange(120.0).reshape(10, 4, 3)), 'm': (('lat', 'lon'), np.arange(12.0).reshape(4, 3)),
    'n': (('time',), np.arange(10) * 0.5)}, coords={'time': times, 'lat': [4.0, 3, 2, 1], 'lon': [0, 1, 2]}, attrs={'title': 'cube'})
cube.to_zarr(f'{folder}/cube.zarr', zarr_format=3, encoding={'t': {'chunks': (4, 3, 2)}})
xr.Dataset({'v': (('x',), [1.0, 2, 3, 4, 5, 6])}, coords={'x': [1.0, np.nan, 3, 2, np.nan, 5]}).to_zarr(f'{folder}/nan.zarr', zarr_format=3)
xr.Dataset({'v': (('x',), [1.0, 2, 3]), 'w': (('x',), [1.0, 2, 3])}, coords={'x': [1, 2, 2]}).to_zarr(f'{folder}/twice.zarr', zarr_format=3)
names = zarr.create_array(f'{folder}/names.zarr', shape=(3, 3), chunks=(2, 2), dtype='f8', dimension_names=('a', 'a'))
names[...] = np.arange(9.0).reshape(3, 3)
far = zarr.create_array(f'{folder}/far.zarr', shape=(2,), chunks=(2,), dtype='i8')
far[...] = [1, 2**62]
far.attrs['units'] = 'days since 2000-01-01'
";

/// What is asked of both.
const ASKED: &[(&str, &str)] = &[
    ("t[0:10] - t[0:10]", "t - t"),
    ("t[0:6] - t[2:9]", "t[0:6] - t[2:9]"),
    ("t[2:9] + t[::-1]", "t[2:9] + t[::-1]"),
    ("t - t[3:4]", "t - t[3:4]"),
    ("m[::-1] * m[1:, :2]", "m[::-1] * m[1:, :2]"),
    ("n[[5, 1, 3]] - n[[3, 5, 7]]", "n[[5, 1, 3]] - n[[3, 5, 7]]"),
    ("where(m[1:] > 3, m[:3], m)", "m[1:3].where(m[1:3] > 3, m[1:3])"),
    ("maximum(m[:, 1:], m[:, :2])", "np.maximum(m[:, 1:], m[:, :2])"),
    ("n[0:3] + m", "n[0:3] + m"),
];

/// What is asked of the whole store.
const GROUPS: &[(&str, &str)] = &[
    ("s.mean(time)", "s.mean('time', skipna=False)"),
    ("s.sum((time, lon))", "s.sum(('time', 'lon'), skipna=False)"),
    ("s.max()", "s.max(skipna=False)"),
    (
        "s.sel(lat > 1, time < '2020-01-04')",
        "s.sel(lat=s.lat[s.lat > 1], time=slice('2020-01-01', '2020-01-03'))",
    ),
    ("s.isel(time => 3)", "s.isel(time=3, drop=True)"),
    ("s.sqrt()", "np.sqrt(s)"),
    ("s.without(t, n)", "s.drop_vars(['t', 'n'])"),
    ("s.clip(2, 5).cast('f32')", "s.clip(2, 5).astype('f4')"),
];

const READ: &str = "
import sys, json, numpy as np, xarray as xr
folder = sys.argv[1]
s = xr.open_zarr(f'{folder}/cube.zarr').load()
t, m, n = s.t, s.m, s.n
asked = json.load(open(f'{folder}/asked.json'))
for at, text in enumerate(asked['arrays']):
    made = xr.open_zarr(f'{folder}/a{at}.zarr')['made'].load()
    try: xr.testing.assert_equal(made, eval(text).rename('made').transpose(*made.dims))
    except AssertionError as error: raise AssertionError(text) from error
for at, text in enumerate(asked['groups']):
    made, expected = xr.open_zarr(f'{folder}/g{at}.zarr').load(), eval(text)
    expected = expected.drop_vars([name for name in expected.coords if name not in made.coords])
    assert set(made.data_vars) == set(expected.data_vars) and made.attrs == {'title': 'cube'}, (text, made)
    try: xr.testing.assert_equal(made, expected)
    except AssertionError as error: raise AssertionError(text) from error
print('the same')
";

#[tokio::test(flavor = "multi_thread")]
async fn arrays_meet_by_their_labels_and_groups_are_done_to_as_one() {
    let Some(python) = python_with("xarray") else { return };
    let folder = tempfile::tempdir().unwrap();
    run(&python, STORES, folder.path());
    let at = folder.path().display();
    let session = strata::session(Settings::default()).unwrap();
    let opened = format!("s = zarr('{at}/cube.zarr'); t = s.t; m = s.m; n = s.n");
    session.run(&opened).await.unwrap();
    for (number, (asked, _)) in ASKED.iter().enumerate() {
        let text = format!("({asked}).named('made').save('{at}/a{number}.zarr')");
        session.run(&text).await.unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    for (number, (asked, _)) in GROUPS.iter().enumerate() {
        let text = format!("{asked}.save('{at}/g{number}.zarr')");
        session.run(&text).await.unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    let python_of =
        |all: &[(&str, &'static str)]| all.iter().map(|(_, text)| *text).collect::<Vec<_>>();
    let asked = serde_json::json!({ "arrays": python_of(ASKED), "groups": python_of(GROUPS) });
    std::fs::write(folder.path().join("asked.json"), asked.to_string()).unwrap();
    let read = run(&python, READ, folder.path());
    assert!(read.contains("the same"), "{read}");
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_that_are_no_number_or_are_there_twice() {
    let Some(python) = python_with("xarray") else { return };
    let folder = tempfile::tempdir().unwrap();
    run(&python, STORES, folder.path());
    let at = folder.path().display();
    let session = Grain { batch_size: 8192, partitions: 2 }.session();
    for (text, rows) in [
        (format!("zarr('{at}/nan.zarr').v.sel(x > 2)"), 2),
        (format!("zarr('{at}/nan.zarr').v.sel(NOT x < 3)"), 2),
        // In SQL they are not known: NULL.
        (format!("SELECT v FROM zarr('{at}/nan.zarr') WHERE x > 2"), 2),
        (format!("SELECT v FROM zarr('{at}/nan.zarr') WHERE x IS NULL"), 2),
        (format!("SELECT x, sum(v) FROM zarr('{at}/nan.zarr') GROUP BY x"), 5),
        (format!("zarr('{at}/twice.zarr').v.sel(x = 2)"), 2),
        (format!("zarr('{at}/twice.zarr').v + zarr('{at}/twice.zarr').w"), 3),
        // Of two dimensions of one name, one has it.
        (format!("x = zarr('{at}/names.zarr'); x * 2 + x.sum(a)"), 9),
        (format!("zarr('{at}/far.zarr').isnan()"), 2),
    ] {
        let (setup, last) = text.rsplit_once("; ").unwrap_or(("", &text));
        if !setup.is_empty() {
            session.run(setup).await.unwrap();
        }
        let got = answer(&session, last).await.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(got.rows.len(), rows, "{text}: {got:?}");
    }
    let far = answer(&session, &format!("zarr('{at}/far.zarr').isnan().sum()")).await.unwrap();
    assert_eq!(format!("{:?}", far.rows), "[[Int(1)]]", "a time that is too far away is none");
    let asked = [
        (format!("zarr('{at}/twice.zarr').v.sel(x => 2)"), "both labelled 2"),
        (format!("zarr('{at}/twice.zarr').v + zarr('{at}/twice.zarr').w[1:]"), "there twice"),
        (format!("zarr('{at}/cube.zarr').groupby(time.month)"), "something else than an array"),
        (format!("zarr('{at}/cube.zarr').without(depth)"), "no array 'depth'"),
        (format!("zarr('{at}/cube.zarr').mean(depth)"), "depth"),
        (format!("zarr('{at}/cube.zarr').t.without(t)"), "one array"),
        (
            "arange(10)[arange(3) > 1]".to_string(),
            "3 truth values does not fit axis 0 of length 10",
        ),
        ("arange(10).reshape(2, 5)[..., arange(2) > 0]".to_string(), "axis 1 of length 5"),
        ("arange(10).reshape(2, 5)[[true, false, true]]".to_string(), "axis 0 of length 2"),
        ("ones(5, chunks => (2, 4))".to_string(), "do not make up a dimension of 5"),
        ("ones(5, dims => 'x').rechunk(x => (2, 0, 3))".to_string(), "do not make up"),
        ("ones(5).repeat(-1)".to_string(), "0 or more"),
        ("ones(5).save('x.nc')".to_string(), "'.nc' are not written"),
        (format!("zarr('{at}/x.nc')"), "NetCDF"),
        ("ones(5).expand_dims(7)".to_string(), "out of range"),
        ("ones(5).sum(dim_1)".to_string(), "no dimension 'dim_1'"),
    ];
    refused(&session, &asked).await;
}
