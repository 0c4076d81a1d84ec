//! Zarr stores of other programs are read as they meant them, and theirs read ours.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use strata::{RunText, Settings};
use strata_connectors::zarr::{Opened, variables};
use strata_engine::Tensor;
use strata_tests::python::{Python, python_with};
use strata_tests::random::Random;

fn script(python: &Python, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/zarr_interop.py");
    let output = Command::new(python.program())
        .arg(script)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The array of a case, before its numbers are decoded.
async fn raw(
    folder: &Path,
    case: &Value,
) -> Result<std::sync::Arc<strata_connectors::zarr::ZarrArray>, String> {
    use object_store::local::LocalFileSystem;
    use strata_connectors::zarr::{Group, Node, Place, open};
    fn find(
        group: &Group,
        path: &str,
    ) -> Result<std::sync::Arc<strata_connectors::zarr::ZarrArray>, String> {
        match path.split_once('/') {
            Some((first, rest)) => find(&group.groups[first], rest),
            None => group.arrays[path].clone().map_err(|error| error.to_string()),
        }
    }
    let path = folder.join(case["path"].as_str().unwrap());
    let url = url::Url::from_file_path(path).unwrap();
    let place = Place::new(&url, std::sync::Arc::new(LocalFileSystem::new())).unwrap();
    match open(&place).await.map_err(|error| error.to_string())? {
        Node::Array(array) => Ok(array),
        Node::Group(group) => find(&group, case["array"].as_str().unwrap()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_of_zarr_python_are_read() {
    let Some(python) = python_with("zarr") else { return };
    let folder = tempfile::tempdir().unwrap();
    script(&python, &["write", &folder.path().display().to_string()]);
    let manifest = std::fs::read(folder.path().join("manifest.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&manifest).unwrap();
    assert!(cases.len() > 200, "{}", cases.len());
    if python_with("zfpy").is_some() {
        let zfp = |case: &&Value| case["path"].as_str().is_some_and(|path| path.contains("_zfp"));
        assert!(cases.iter().filter(zfp).count() > 150);
    }
    let session = strata::session(Settings::default()).unwrap();
    let mut random = Random::new(7);
    for case in &cases {
        let what = format!("{} {}", case["path"], case["array"]);
        let opened = raw(folder.path(), case).await;
        if let Some(says) = case["refused"].as_str() {
            let error = opened.expect_err(&what);
            assert!(error.contains(says), "{what}: {error}");
            continue;
        }
        let array = strata_engine::Array::read(opened.expect(&what)).unwrap();
        let shape: Vec<u64> = serde_json::from_value(case["shape"].clone()).unwrap();
        let dims: Vec<Option<String>> = serde_json::from_value(case["dims"].clone()).unwrap();
        assert_eq!(array.dtype().to_string(), case["dtype"].as_str().unwrap(), "{what}");
        assert_eq!((array.shape(), array.dims()), (shape.clone(), &dims[..]), "{what}");
        let values = std::fs::read(folder.path().join(case["values"].as_str().unwrap())).unwrap();
        let expected = Tensor::new(array.dtype(), shape.clone(), values.into()).unwrap();
        let got = array.compute(&session).await.expect(&what);
        assert_eq!(got.data(), expected.data(), "{what}");
        // Any box of it.
        for _ in 0..3 {
            let region: Vec<std::ops::Range<u64>> = shape
                .iter()
                .map(|length| {
                    let (a, b) = (random.below(length + 1), random.below(length + 1));
                    a.min(b)..a.max(b)
                })
                .collect();
            let slices = region.iter().map(|range| strata_engine::Index::Slice {
                start: Some(range.start as i64),
                stop: Some(range.end as i64),
                step: None,
            });
            let part = array.index(&slices.collect::<Vec<_>>()).unwrap();
            let got = part.compute(&session).await.expect(&what);
            assert_eq!(got.data(), expected.part(&region).unwrap().data(), "{what} {region:?}");
        }
    }
}

const XARRAY: &str = "
import sys, numpy as np, xarray as xr
folder = sys.argv[1]
data = np.arange(24 * 6 * 8, dtype='f4').reshape(24, 6, 8)
data[3, 2, 1] = np.nan
times = np.datetime64('2020-01-01', 'ns') + np.arange(24) * np.timedelta64(15, 'D')
cube = xr.Dataset(
    {'temp': (('time', 'lat', 'lon'), data)},
    coords={'time': times, 'lat': np.linspace(-75, 75, 6), 'lon': np.arange(8) * 45.0})
for version in (2, 3):
    cube.to_zarr(f'{folder}/cube{version}.zarr', zarr_format=version,
                 encoding={'temp': {'chunks': (5, 6, 8)}})
packed = cube.fillna(-1).isel(time=slice(0, 4))
packed.to_zarr(f'{folder}/packed.zarr', zarr_format=2, encoding={
    'temp': {'dtype': 'int16', 'scale_factor': 0.5, 'add_offset': 10.0, '_FillValue': -9999}})
";

const READ_BACK: &str = "
import sys, numpy as np, xarray as xr
cube = xr.open_zarr(f'{sys.argv[1]}/cube3.zarr')
ours = xr.open_zarr(f'{sys.argv[1]}/anomaly.zarr')
theirs = (cube.temp - cube.temp.mean('time', skipna=False)).std(('lat', 'lon'), skipna=False)
assert ours.temp.dims == ('time',) and ours.temp.dtype == 'float32', ours
np.testing.assert_array_equal(ours.time, cube.time)
np.testing.assert_allclose(ours.temp, theirs, rtol=1e-5)
rechunked = xr.open_zarr(f'{sys.argv[1]}/rechunked.zarr')
assert rechunked.temp.encoding['chunks'] == (24, 3, 4), rechunked.temp.encoding
np.testing.assert_array_equal(rechunked.temp, cube.temp)
np.testing.assert_array_equal(rechunked.lat, cube.lat)
print('read')
";

fn run(python: &Python, program: &str, folder: &Path) -> String {
    let output = Command::new(python.program())
        .args(["-W", "ignore", "-c", program])
        .arg(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn xarrays_cubes_are_read_and_ours_by_xarray() {
    let Some(python) = python_with("xarray") else { return };
    let folder = tempfile::tempdir().unwrap();
    run(&python, XARRAY, folder.path());
    let session = strata::session(Settings::default()).unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    for version in [2, 3] {
        let text = format!(
            "zarr('{}').temp.sel(time BETWEEN '2020-02-01' AND '2020-04-01', lat > 30).mean(lat, lon)",
            at(&format!("cube{version}.zarr"))
        );
        let frame = session.run(&text).await.unwrap();
        let rows = frame.collect().await.unwrap();
        let shown = arrow::util::pretty::pretty_format_batches(&rows).unwrap().to_string();
        for row in ["2020-02-15T00:00:00 | 183.5", "2020-03-31T00:00:00 | 327.5"] {
            assert!(shown.contains(row), "{shown}");
        }
    }
    let text = format!(
        "t = zarr('{}').temp; (t - t.mean(time)).std(lat, lon).save('{}'); \
         t.rechunk(time => -1, lat => 3, lon => 4).save('{}')",
        at("cube3.zarr"),
        at("anomaly.zarr"),
        at("rechunked.zarr")
    );
    session.run(&text).await.unwrap();
    assert_eq!(run(&python, READ_BACK, folder.path()).trim(), "read");
    // What is there is not written over by the way, and nothing is left of what fails.
    let again = format!("arange(3).save('{}')", at("anomaly.zarr"));
    let error = session.run(&again).await.unwrap_err().to_string();
    assert!(error.contains("there already"), "{error}");
    let broken = format!("(arange(3) ** -1).save('{}')", at("broken.zarr"));
    assert!(session.run(&broken).await.is_err());
    assert!(!folder.path().join("broken.zarr").exists());
    // Packed numbers are what they stand for.
    let Opened::Group(group) = variables(&session, &at("packed.zarr")).await.unwrap() else {
        panic!("a group was written");
    };
    let packed = group.get("temp").unwrap().array;
    let first = packed.reduce(strata_engine::Reduce::Max, true, &[]).unwrap();
    let first = first.compute(&session).await.unwrap();
    assert_eq!(format!("{:?}", first.values()), "F64([191.0])");
}
