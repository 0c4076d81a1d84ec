//! What is said of arrays goes along with their values, as Xarray has it: read, computed, shown and written.

use strata::{RunText, Settings};
use strata_tests::python::python_with;

use super::npy::run;

/// Attributes of every kind, under every version; packed numbers, whose attributes say how they are stored, too.
const STORES: &str = "
import sys, numpy as np, xarray as xr
folder = sys.argv[1]
times = np.datetime64('2020-01-01', 'ns') + np.arange(6) * np.timedelta64(1, 'D')
def named(data, dims, **attrs): return xr.DataArray(data, dims=dims, attrs=attrs)
cube = xr.Dataset({
    't': named(np.arange(6 * 4 * 3, dtype='f4').reshape(6, 4, 3) / 7, ('time', 'lat', 'lon'),
        units='K', long_name='Air temperature', valid_range=[-1.5, 400.0], flags=[1, 2], note='é', nested={'a': [1, None]}),
    'm': named(np.arange(12.0).reshape(4, 3), ('lat', 'lon'), units='m', long_name='Air temperature', cell_methods='time: mean'),
    'plain': (('lat', 'lon'), np.ones((4, 3)))},
    coords={'time': ('time', times, {'standard_name': 'time', 'axis': 'T'}), 'lat': ('lat', [4.0, 3, 2, 1], {'units': 'degrees_north'}),
            'lon': ('lon', [0.0, 1, 2])}, attrs={'title': 'a cube', 'history': ['made', 'read'], 'version': 3})
packed = {'t': {'dtype': 'int16', 'scale_factor': 0.5, 'add_offset': 1.0, '_FillValue': -1}, 'time': {'units': 'hours since 2020-01-01', 'dtype': 'int32'}}
for version in (2, 3):
    cube.to_zarr(f'{folder}/cube{version}.zarr', zarr_format=version, consolidated=version == 2)
    cube.to_zarr(f'{folder}/packed{version}.zarr', zarr_format=version, encoding=packed)
";

/// What is asked of both: in the language, and in Python.
const ASKED: &[(&str, &str)] = &[
    ("t", "t"),
    ("t.mean(time)", "t.mean('time')"),
    ("t - t.mean(time)", "t - t.mean('time')"),
    ("(t - t.mean(time)).std(lat, lon)", "(t - t.mean('time')).std(('lat', 'lon'))"),
    ("t - m", "t - m"),
    ("m * t", "m * t"),
    ("t + plain", "t + plain"),
    ("plain + t", "plain + t"),
    ("2 * t", "2 * t"),
    ("1 - sqrt(t)", "1 - np.sqrt(t)"),
    ("t > 3", "t > 3"),
    ("isnan(t)", "t.isnull()"),
    ("where(m > 3, t, m)", "xr.where(m > 3, t, m)"),
    ("t[1:, 2]", "t[1:, 2]"),
    ("t.sel(lat > 2)", "t.sel(lat=t.lat[t.lat > 2])"),
    ("t.transpose(lon, lat, time)", "t.transpose('lon', 'lat', 'time')"),
    ("concatenate(t, t, axis => lat)", "xr.concat([t, t], 'lat')"),
    ("t.cumsum(time)", "t.cumsum('time')"),
    ("t.median(time)", "t.median('time')"),
    ("t.quantile(0.25, time)", "t.quantile(0.25, 'time')"),
    ("t.argmax(time)", "t.argmax('time')"),
    ("t.clip(0, 1)", "t.clip(0, 1)"),
    ("t.cast('f64')", "t.astype('f8')"),
    ("t.groupby(time.month).mean()", "t.groupby('time.month').mean('time')"),
    (
        "t.groupby(time.month) - t.groupby(time.month).mean()",
        "t.groupby('time.month') - t.groupby('time.month').mean('time')",
    ),
    ("t.rolling(time => 3).mean()", "t.rolling(time=3).mean()"),
    ("t.coarsen(time => 2).mean()", "t.coarsen(time=2).mean()"),
    ("t.resample(time => '2D').mean()", "t.resample(time='2D').mean()"),
    ("t.weighted(m).mean(lat, lon)", "t.weighted(m).mean(('lat', 'lon'))"),
    ("t.interp(lat => (1.5, 2.5))", "t.interp(lat=[1.5, 2.5])"),
    ("t.rechunk(time => -1).persist()", "t"),
    (
        "t.with_attributes(units => 'degC', n => 3, all => (1, 2.5))",
        "t.assign_attrs(units='degC', n=3, all=[1, 2.5])",
    ),
    ("t.without_attributes()", "t.drop_attrs(deep=False)"),
    (
        "m.without_attributes('units', 'cell_methods')",
        "m.drop_attrs(deep=False).assign_attrs(long_name='Air temperature')",
    ),
];

const READ: &str = "
import sys, json, numpy as np, xarray as xr
folder = sys.argv[1]
wrong = []
for store in ('cube2', 'cube3', 'packed2', 'packed3'):
    cube = xr.open_zarr(f'{folder}/{store}.zarr')
    t, m, plain = cube.t, cube.m, cube.plain
    copy = xr.open_zarr(f'{folder}/{store}-copy.zarr')
    xr.testing.assert_identical(copy.load(), cube.load())
    for at, asked in enumerate(json.load(open(f'{folder}/asked.json'))):
        expected = eval(asked)
        made = xr.open_zarr(f'{folder}/{store}-{at}.zarr')['made']
        if made.attrs != expected.attrs: wrong.append((store, asked, made.attrs, expected.attrs))
        for dim in set(made.dims) & set(expected.dims) & {'time', 'lat', 'lon'}:
            if dim in made.coords and made[dim].attrs != expected[dim].attrs: wrong.append((store, asked, dim, made[dim].attrs, expected[dim].attrs))

assert not wrong, wrong
told = xr.open_zarr(f'{folder}/told.zarr')
assert told.attrs == {'title': 'another', 'history': ['made', 'read'], 'version': 3}, told.attrs
alone = xr.open_zarr(f'{folder}/alone.zarr')
assert alone.attrs == {} and alone.m.attrs == {'units': 'km', 'long_name': 'Air temperature', 'cell_methods': 'time: mean'}, alone
print('the same')
";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_arrays_is_what_xarray_says() {
    let Some(python) = python_with("xarray") else { return };
    let folder = tempfile::tempdir().unwrap();
    run(&python, STORES, folder.path());
    let at = folder.path().display();
    let session = strata::session(Settings::default()).unwrap();
    for store in ["cube2", "cube3", "packed2", "packed3"] {
        let opened = format!("s = zarr('{at}/{store}.zarr'); t = s.t; m = s.m; plain = s.plain;");
        session.run(&opened).await.unwrap();
        session
            .run(&format!("zarr('{at}/{store}.zarr').save('{at}/{store}-copy.zarr')"))
            .await
            .unwrap();
        for (number, (asked, _)) in ASKED.iter().enumerate() {
            let text = format!("({asked}).named('made').save('{at}/{store}-{number}.zarr')");
            session.run(&text).await.unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }
    let asked: Vec<&str> = ASKED.iter().map(|(_, python)| *python).collect();
    std::fs::write(folder.path().join("asked.json"), serde_json::to_string(&asked).unwrap())
        .unwrap();
    let text = format!(
        "zarr('{at}/cube3.zarr').save('{at}/told.zarr', attributes => '{{\"title\": \"another\"}}');
         zarr('{at}/cube3.zarr').m.save('{at}/alone.zarr', attributes => '{{\"units\": \"km\"}}')"
    );
    session.run(&text).await.unwrap();
    let read = run(&python, READ, folder.path());
    assert!(read.contains("the same"), "{read}");
}
