//! What is packed by zfp and written is what zfpy would have written, and zarr-python reads it.

use strata::{RunText, Settings};
use strata_tests::python::python_with;

use super::npy::run;

const WRITE: &str = "
import sys, numpy as np, xarray as xr
made = xr.Dataset({'v': (('x',), np.arange(20) * 1.1)}, coords={'x': np.arange(20) / 3})
made.to_zarr(f'{sys.argv[1]}/from.zarr', zarr_format=3)
";

const READ: &str = "
import sys, json, pathlib, numpy as np, zarr, zfpy, xarray as xr
folder = pathlib.Path(sys.argv[1])
t = (np.arange(7 * 6 * 9) ** 2 / 7).reshape(7, 6, 9)
for dtype in ('f4', 'f8'):
    data = t.astype(dtype)
    for name, how in (('tolerance', dict(tolerance=0.01)), ('rate', dict(rate=9.0)), ('precision', dict(precision=12)), ('all', {})):
        path = folder / f'{name}_{dtype}.zarr'
        array = zarr.open_array(path, mode='r')
        assert array.metadata.codecs[0].codec_name == 'numcodecs.zfpy' and len(array.metadata.codecs) == 1, array.metadata
        for at in np.ndindex(2, 2, 2):
            chunk = np.zeros((4, 3, 5), dtype)
            own = data[tuple(slice(i * n, (i + 1) * n) for i, n in zip(at, chunk.shape))]
            chunk[tuple(slice(0, n) for n in own.shape)] = own
            stored = path.joinpath('c', *map(str, at)).read_bytes()
            assert stored == zfpy.compress_numpy(chunk, **how), (name, dtype, at)
        if name == 'all':
            np.testing.assert_array_equal(array[...], data)
        if name == 'tolerance':
            assert 0 < np.abs(array[...] - data).max() <= 0.01
for name in ('i4', 'i8'):
    np.testing.assert_array_equal(zarr.open_array(folder / f'{name}.zarr', mode='r')[...], np.arange(600).reshape(20, 30))
made = xr.open_zarr(folder / 'made.zarr')
np.testing.assert_array_equal(made.x, np.arange(20) / 3)
assert 0 < np.abs(made.v - np.arange(20) * 1.1).max() <= 0.5
print('read')
";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_packed_by_zfp_is_read_by_zarr_python() {
    let Some(python) = python_with("zfpy") else { return };
    let folder = tempfile::tempdir().unwrap();
    let session = strata::session(Settings::default()).unwrap();
    let at = |text: &str| text.replace('$', &folder.path().display().to_string());
    let mut text = String::new();
    for (named, dtype) in [("f4", "f32"), ("f8", "f64")] {
        for (name, how) in [
            ("tolerance", ", tolerance => 0.01"),
            ("rate", ", rate => 9"),
            ("precision", ", precision => 12"),
            ("all", ""),
        ] {
            text += &format!(
                "(arange(378) ** 2 / 7).reshape(7, 6, 9).cast('{dtype}').save('$/{name}_{named}.zarr', \
                 chunks => (4, 3, 5), compression => 'zfp'{how});"
            );
        }
    }
    text += "
        i = arange(600).reshape(20, 30);
        i.cast('i32').save('$/i4.zarr', chunks => (6, 7), compression => 'zfp');
        i.save('$/i8.zarr', chunks => (6, 7), shards => (12, 14), compression => 'zfp');
        zarr('$/from.zarr').save('$/made.zarr', compression => 'zfp', tolerance => 0.5)";
    run(&python, WRITE, folder.path());
    session.run(&at(&text)).await.unwrap();
    assert_eq!(run(&python, READ, folder.path()).trim(), "read");
}

#[tokio::test(flavor = "multi_thread")]
async fn packings_are_chosen_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let session = strata::session(Settings::default()).unwrap();
    let at = |text: &str| text.replace('$', &folder.path().display().to_string());
    let text = "
        i = arange(60000).reshape(200, 300);
        i.save('$/g.zarr', chunks => (150, 100), compression => 'gdeflate', level => 9);
        i.save('$/g6.zarr', compression => 'gdeflate');
        (zarr('$/g.zarr') - i).abs().max() + (zarr('$/g6.zarr') - i).abs().max()";
    let frame = session.run(&at(text)).await.unwrap();
    let rows = frame.collect().await.unwrap();
    let shown = arrow::util::pretty::pretty_format_batches(&rows).unwrap().to_string();
    assert!(shown.contains("| 0 "), "{shown}");
    let stored = std::fs::metadata(folder.path().join("g.zarr/c/0/0")).unwrap().len();
    assert!(stored < 150 * 100 * 8 / 3, "{stored}");
    for (text, says) in [
        ("ones(3).save('$/new.zarr', compression => 'zfp', level => 3)", "no levels"),
        ("ones(3).save('$/new.zarr', tolerance => 0.1)", "keeps all"),
        (
            "ones(3).save('$/new.zarr', compression => 'zfp', rate => 3, precision => 4)",
            "not several",
        ),
        ("ones(3).save('$/new.zarr', compression => 'zfp', precision => 65)", "from 1 to 64"),
        ("ones(3).save('$/new.zarr', compression => 'zfp', rate => 1000000)", "bits; 1 to"),
        ("arange(3).save('$/new.zarr', compression => 'zfp', tolerance => 1)", "for floats"),
        ("(ones(3) / 0).save('$/new.zarr', compression => 'zfp', tolerance => 1)", "infinite"),
        ("ones(3).cast('i16').save('$/new.zarr', compression => 'zfp')", "zfp packs i32"),
        (
            "ones(1, 2, 1, 2, 1).save('$/g.zarr', compression => 'zfp', overwrite => true)",
            "5 dimensions",
        ),
        (
            "ones(3).save('$/new.zarr', compression => 'gdeflate', level => 13)",
            "levels from 0 to 12",
        ),
    ] {
        let error = session.run(&at(text)).await.expect_err(text).to_string();
        assert!(error.contains(says), "{text}: {error}");
        assert!(
            !folder.path().join("new.zarr").exists() && folder.path().join("g.zarr/c").exists()
        );
    }
}
