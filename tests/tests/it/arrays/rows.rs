//! Rows become an array as Xarray makes one of them.

use strata::{RunText, Settings};
use strata_tests::python::python_with;

use super::npy::run;

const WRITE: &str = "
import sys, numpy as np, pandas as pd
rng = np.random.default_rng(5)
days = np.datetime64('2020-01-01', 's') + np.arange(9) * np.timedelta64(1, 'D')
all = pd.MultiIndex.from_product([days, [-7.5, -0.5, 0.0, 30.25], [3, -4, 11]], names=['day', 'lat', 'station'])
frame = pd.DataFrame({'temp': np.round(rng.standard_normal(len(all)), 3), 'n': np.arange(len(all))}, index=all).reset_index()
frame.sample(frac=1, random_state=1).to_parquet(f'{sys.argv[1]}/all.parquet')
frame.sample(frac=0.7, random_state=2).to_parquet(f'{sys.argv[1]}/some.parquet')
";

const READ: &str = "
import sys, numpy as np, pandas as pd, xarray as xr
for name in ('all', 'some'):
    frame = pd.read_parquet(f'{sys.argv[1]}/{name}.parquet')
    theirs = frame.set_index(['day', 'lat', 'station']).to_xarray()
    for value in ('temp', 'n'):
        ours = xr.open_zarr(f'{sys.argv[1]}/{name}_{value}.zarr')
        xr.testing.assert_equal(ours[value], theirs[value])
        assert ours[value].dtype == theirs[value].dtype, (ours[value].dtype, theirs[value].dtype)
filled = np.load(f'{sys.argv[1]}/filled.npy')
np.testing.assert_array_equal(filled, theirs.n.fillna(-1)); assert filled.dtype == 'i8'
print('read')
";

#[tokio::test(flavor = "multi_thread")]
async fn rows_become_an_array() {
    let Some(python) = python_with("pyarrow") else { return };
    let folder = tempfile::tempdir().unwrap();
    run(&python, WRITE, folder.path());
    let session = strata::session(Settings::default()).unwrap();
    let at = |text: &str| text.replace('$', &folder.path().display().to_string());
    for name in ["all", "some"] {
        let text = format!(
            "rows = '$/{name}.parquet'.filter(n >= 0);
             rows.to_array(day, lat, station, value => temp).save('$/{name}_temp.zarr');
             rows.to_array(day, lat, station, value => n).save('$/{name}_n.zarr')"
        );
        session.run(&at(&text)).await.unwrap();
    }
    let text = "rows.to_array(day, lat, station, value => n, fill => -1).save('$/filled.npy')";
    session.run(&at(text)).await.unwrap();
    assert_eq!(run(&python, READ, folder.path()).trim(), "read");
    for (text, says) in [
        ("rows.to_array(day, lat, value => n)", "two rows have the same day, lat"),
        ("rows.to_array(day, where_, value => n)", "where_"),
        ("rows.to_array(day, lat)", "value => is missing"),
        ("nothing.to_array(day, value => n)", "nothing"),
    ] {
        let error = session.run(text).await.expect_err(text).to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}
