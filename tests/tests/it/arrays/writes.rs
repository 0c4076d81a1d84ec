//! Writing into Zarr stores: several arrays, more of them, parts of them. Xarray and zarr-python read the
//! results, and have the last word on what they should be.

use std::path::Path;

use datafusion::prelude::SessionContext;
use strata::{RunText, Settings};
use strata_connectors::zarr::{Opened, variables};
use strata_tests::python::{Python, python_with};

use super::npy::run;

const STORES: &str = "
import sys, numpy as np, xarray as xr, zarr
folder = sys.argv[1]
data = np.arange(10 * 4 * 6, dtype='f4').reshape(10, 4, 6)
data[3, 2, 1] = np.nan
times = np.datetime64('2020-01-01', 'ns') + np.arange(10) * np.timedelta64(6, 'h')
cube = xr.Dataset({'temp': (('time', 'lat', 'lon'), data), 'rain': (('time',), np.arange(10) * 0.5),
                   'height': (('lat', 'lon'), np.arange(24).reshape(4, 6))},
    coords={'time': times, 'lat': np.linspace(-75, 75, 4), 'lon': np.arange(6) * 60.0})
cube.to_zarr(f'{folder}/cube.zarr', zarr_format=3, encoding={'temp': {'chunks': (3, 4, 5)}})
first, last = cube.isel(time=slice(0, 7)), cube.isel(time=slice(7, 10))
last.to_zarr(f'{folder}/last.zarr', zarr_format=3)
for version in (2, 3):
    for name, packed in (('plain', {}), ('packed', {'temp': {'dtype': 'int16', 'scale_factor': 0.5, 'add_offset': 2.0, '_FillValue': -9999}})):
        how = {'temp': {'chunks': (3, 4, 5), **packed.get('temp', {})}, 'time': {'units': 'hours since 2020-01-01', 'dtype': 'int32', 'chunks': (4,)}}
        first.to_zarr(f'{folder}/{name}{version}.zarr', zarr_format=version, encoding=how)
first.to_zarr(f'{folder}/noleap.zarr', zarr_format=3, consolidated=False)
zarr.open_array(f'{folder}/noleap.zarr/time', mode='r+').attrs['calendar'] = 'noleap'
first.to_zarr(f'{folder}/sharded.zarr', zarr_format=3, encoding={'temp': {'chunks': (2, 4, 3), 'shards': (4, 4, 6)}})
";

const READ: &str = "
import sys, json, numpy as np, xarray as xr, zarr
folder = sys.argv[1]
cube = xr.open_zarr(f'{folder}/cube.zarr').load()
copy = xr.open_zarr(f'{folder}/copy.zarr').load()
xr.testing.assert_equal(copy, cube)
made = xr.open_zarr(f'{folder}/made.zarr')
assert made.attrs == {'title': 'made', 'n': 3}, made.attrs
assert set(made.data_vars) == {'temp', 'mean'} and set(made.coords) == {'time', 'lat', 'lon'}, made
np.testing.assert_array_equal(made.temp, cube.temp * 2)
np.testing.assert_allclose(made['mean'], cube.temp.mean('time', skipna=False), rtol=1e-6)
for name, codec in (('zstd', 'zstd'), ('gzip', 'gzip'), ('blosc', 'blosc'), ('none', None)):
    array = zarr.open_array(f'{folder}/{name}.zarr', mode='r')
    np.testing.assert_array_equal(array[...], np.arange(600).reshape(20, 30))
    assert array.chunks == (5, 10), array.chunks
    codecs = [c['name'] for c in json.load(open(f'{folder}/{name}.zarr/zarr.json'))['codecs']]
    assert codecs == ['bytes'] + ([codec] if codec else []), codecs
array = zarr.open_array(f'{folder}/shards.zarr', mode='r')
assert array.chunks == (5, 5) and array.shards == (10, 15) and array.attrs['units'] == 'K', array.info
np.testing.assert_array_equal(array[...], np.arange(600).reshape(20, 30))
for name in ('plain2', 'plain3', 'packed2', 'packed3', 'sharded'):
    for consolidated in (True, False):
        grown = xr.open_zarr(f'{folder}/{name}.zarr', consolidated=consolidated).load()
        xr.testing.assert_equal(grown, cube)
part = zarr.open_array(f'{folder}/part.zarr', mode='r')
expected = np.arange(100).reshape(10, 10); expected[3:7, 2:9] = -1; expected[0:4, 0:4] = -2
np.testing.assert_array_equal(part[...], expected)
moved = zarr.open_array(f'{folder}/moved.zarr', mode='r')
np.testing.assert_array_equal(moved[...], [*range(10), *range(40)])
region = xr.open_zarr(f'{folder}/region.zarr').load()
there = cube.temp.copy(); there[2:5, 1:3] = -there[2:5, 1:3]
np.testing.assert_array_equal(region.temp, there)
print('read')
";

async fn refused(session: &SessionContext, text: &str, says: &str) {
    let error = session.run(text).await.expect_err(text).to_string();
    assert!(error.contains(says), "{text}: {error}");
}

/// Every file below a folder, with its content.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut left = vec![folder.to_path_buf()];
    while let Some(at) = left.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => left.push(path),
                false => all.push((path.display().to_string(), std::fs::read(&path).unwrap())),
            }
        }
    }
    all.sort();
    all
}

fn stores(python: &Python) -> (tempfile::TempDir, SessionContext) {
    let folder = tempfile::tempdir().unwrap();
    run(python, STORES, folder.path());
    (folder, strata::session(Settings::default()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_into_stores_is_read_by_xarray() {
    let Some(python) = python_with("xarray") else { return };
    let (folder, session) = stores(&python);
    let at = |text: &str| text.replace('$', &folder.path().display().to_string());
    let mut text = "
        zarr('$/cube.zarr').save('$/copy.zarr');
        t = zarr('$/cube.zarr').temp;
        dataset(temp => t * 2, mean => t.mean(time)).save('$/made.zarr', attributes => '{\"title\": \"made\", \"n\": 3}');
        x = arange(600).reshape(20, 30);
        x.save('$/zstd.zarr', chunks => (5, 10), level => 7);
        x.save('$/gzip.zarr', chunks => (5, 10), compression => gzip);
        x.save('$/blosc.zarr', chunks => (5, 10), compression => 'blosc:zstd', level => 1);
        x.save('$/none.zarr', chunks => (5, 10), compression => 'none');
        x.save('$/shards.zarr', chunks => 5, shards => (10, 15), attributes => '{\"units\": \"K\"}');
        arange(100).reshape(10, 10).save('$/part.zarr', chunks => 4);
        full(-1, 4, 7).save('$/part.zarr', region => (3, 2));
        full(-2, 4, 4).save('$/part.zarr', region => (0, 0));
        t.save('$/region.zarr');
        arange(50).save('$/moved.zarr', chunks => 7);
        zarr('$/moved.zarr')[:40].save('$/moved.zarr', region => 10);
        (-(t[2:5, 1:3])).named('temp').save('$/region.zarr', region => auto)"
        .to_string();
    for name in ["plain2", "plain3", "packed2", "packed3", "sharded"] {
        text += &format!(";zarr('$/last.zarr').save('$/{name}.zarr', append => 'time')");
    }
    session.run(&at(&text)).await.unwrap();
    assert_eq!(run(&python, READ, folder.path()).trim(), "read");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_a_store_leaves_it_as_it_was() {
    let Some(python) = python_with("xarray") else { return };
    let (folder, session) = stores(&python);
    let at = |text: &str| text.replace('$', &folder.path().display().to_string());
    let hundred = "arange(100).save('$/hundred.zarr', chunks => 10)";
    session.run(&at(hundred)).await.unwrap();
    let before = files(folder.path());
    for (text, says) in [
        // The last of its chunks cannot be computed.
        (
            "x = arange(60, chunks => 10); (x ** where(x < 55, 1, -1)).save('$/hundred.zarr', region => 35)",
            "negative",
        ),
        ("zarr('$/last.zarr').save('$/plain3.zarr')", "there already"),
        ("zarr('$/last.zarr').temp.save('$/plain3.zarr', append => time)", "would not grow"),
        ("zarr('$/last.zarr').save('$/plain3.zarr', append => level)", "no dimension 'level'"),
        ("zarr('$/last.zarr').save('$/none.zarr', append => time)", "none.zarr"),
        ("zarr('$/last.zarr').save('$/noleap.zarr', append => time)", "without leap days"),
        ("zarr('$/last.zarr').temp[:, :2].save('$/plain3.zarr', append => time)", "plain3.zarr"),
        (
            "zarr('$/last.zarr').save('$/plain3.zarr', append => time, chunks => 3)",
            "those of what is there",
        ),
        (
            "zarr('$/last.zarr').save('$/plain3.zarr', append => time, overwrite => true)",
            "leave it out",
        ),
        ("zeros(3).named('rain').save('$/plain3.zarr', region => 5)", "do not lie within"),
        ("zeros(3).named('snow').save('$/plain3.zarr', region => 0)", "no array"),
        (
            "t = zarr('$/last.zarr').temp; t.save('$/plain3.zarr', region => auto)",
            "no places in a row",
        ),
        (
            "dataset(a => zeros(3, dims => 'x'), b => zeros(4, dims => 'x')).save('$/new.zarr')",
            "3 places",
        ),
        ("dataset(a => zeros(3)).save('$/new.zarr')", "no names"),
        ("zeros(3).save('$/new.zarr', compression => 'best')", "no way to pack"),
        ("zeros(3).save('$/new.zarr', level => 99)", "levels from"),
        ("zeros(3).save('$/new.zarr', chunks => 0)", "above 0"),
        ("zeros(9).save('$/new.zarr', chunks => 2, shards => 3)", "whole chunks"),
        ("zeros(3).save('$/new.zarr', attributes => '[1]')", "JSON"),
        ("(arange(3) ** -1).save('$/new.zarr')", "negative"),
        ("(arange(3) ** -1).save('$/cube.zarr', overwrite => true)", "negative"),
    ] {
        refused(&session, &at(text), says).await;
        let after = files(folder.path());
        let names = |all: &[(String, Vec<u8>)]| {
            all.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&after), names(&before), "{text}");
        assert!(after == before, "{text}");
    }
    // A value too large for what it is packed into, when other arrays have grown already: readers find what
    // was there, though chunks at its end may have more in them.
    let values = async |name: &str| {
        let path = folder.path().join("packed3.zarr").display().to_string();
        let Opened::Group(group) = variables(&session, &path).await.unwrap() else {
            panic!("it is a group");
        };
        let array = group.get(name).unwrap().array;
        (array.shape(), array.compute(&session).await.unwrap().data().to_vec())
    };
    let before = [values("temp").await, values("time").await, values("rain").await];
    let text = "l = zarr('$/last.zarr'); \
         dataset(temp => l.temp * 1000, rain => l.rain).save('$/packed3.zarr', append => time)";
    refused(&session, &at(text), "is beyond i16").await;
    assert_eq!([values("temp").await, values("time").await, values("rain").await], before);
    let text = "zarr('$/last.zarr').save('$/packed3.zarr', append => time)";
    session.run(&at(text)).await.unwrap();
    assert_eq!(values("temp").await.0, [10, 4, 6]);
}
