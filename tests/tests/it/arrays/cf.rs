//! What numbers mean by the CF conventions is what Xarray makes of them.

use serde_json::Value;
use strata::Settings;
use strata_connectors::zarr::{Opened, variables};
use strata_engine::{DType, Kind, Labelled, Tensor, Unit};
use strata_tests::python::python_with;

use super::npy::run;

/// Stores, and what Xarray reads of each: numbers and their type, microseconds, or nothing at all. A scale that
/// is written as a whole number is left out: Xarray takes its type for that of the values, and cuts off what
/// comes after the point.
const WRITE: &str = "
import sys, json, base64, struct, datetime, numpy as np, xarray as xr, zarr
folder, cases = sys.argv[1], []
i2 = np.array([0, 1, 2, -5], 'i2'); i4, i8, f4, f8 = (i2.astype(k) for k in ('i4', 'i8', 'f4', 'f8'))
u1 = np.array([0, 1, 255], 'u1'); few = np.array([0, 59, 60, 400], 'i4')
def case(data, version, fill=None, **attributes):
    path = f'case{len(cases)}.zarr'
    group = zarr.create_group(f'{folder}/{path}', zarr_format=version)
    dims = {'dimension_names': ['x']} if version == 3 else {}
    array = group.create_array('v', shape=data.shape, chunks=(3,), dtype=data.dtype, fill_value=fill, **dims)
    array[...] = data
    if version == 2: attributes['_ARRAY_DIMENSIONS'] = ['x']
    array.attrs.update(attributes)
    told = dict(path=path, what=f'{data.dtype} v{version} {fill} {attributes}')
    try:
        calendar = attributes.get('calendar')
        v = leapless(data) if calendar in ('noleap', '365_day') else xr.open_zarr(f'{folder}/{path}', consolidated=False).v.values
        kind, bits = v.dtype.kind, v.dtype.itemsize * 8
        if kind in 'Mm': v = v.astype(f'{kind}8[ns]').view('i8')
        told |= dict(kind=f'{kind}{bits}', values=f'{path}.bin')
        open(f'{folder}/{path}.bin', 'wb').write(v.tobytes())
    except ValueError as error:
        told |= dict(kind='refused')
    cases.append(told)
# Xarray makes objects of these, by a package of their own: the dates that come of hours from 1850-02-28 06:00.
def leapless(hours):
    first = datetime.datetime(1849, 1, 1) + datetime.timedelta(days=58, hours=6)
    years = [divmod(int(hour) + (first - datetime.datetime(1849, 1, 1)) // datetime.timedelta(hours=1), 365 * 24) for hour in hours]
    dates = [(datetime.datetime(2001, 1, 1) + datetime.timedelta(hours=rest)).replace(year=1850 + years) for years, rest in years]
    return np.array(dates, 'M8[ns]')
b64 = lambda value: base64.standard_b64encode(struct.pack('<d', value)).decode()
for v in (2, 3):
    for data in (i2, i4, i8, f4, f8):
        case(data, v, 0); case(data, v, 1); case(data, v)
        case(data, v, scale_factor=0.5); case(data, v, scale_factor=2.0); case(data, v, add_offset=1.5)
        case(data, v, scale_factor=2.0, add_offset=1.0); case(data, v, 1, scale_factor=0.5, add_offset=1.0)
        case(data, v, missing_value=2); case(data, v, missing_value=[1, 2])
    for data in (i2, i4, i8):
        case(data, v, _FillValue=-5); case(data, v, _FillValue=-5, missing_value=2); case(data, v, scale_factor=0.5, _FillValue=-5)
        case(data, v, 0, _FillValue=-5)
    case(u1, v, _FillValue=255); case(u1, v, scale_factor=0.5); case(u1, v, 255)
    case(np.array([-1, 1, 5], 'i1'), v, _Unsigned='true'); case(np.array([-1, 1, 5], 'i1'), v, _Unsigned='true', _FillValue=-1)
    case(np.array([0, np.nan, 1.]), v, np.nan)
    for units in ('days since 2000-01-01', 'hours since 2000-01-01 00:00 +02:00', 'hours since 2000-01-01 00:00:00 -5:30',
                  'hours since 2000-01-01T00:00:00+0200', 'seconds since 1970-01-01T00:00:00Z', 'minutes since 1999-12-31 23:59:30.5 UTC',
                  'hours since 2000-1-1 6:0:0', 'milliseconds since 2000-01-01', 'microseconds since 2000-01-01',
                  'nanoseconds since 2000-01-01', 'months since 2000-01-01', 'hours since 2000-01-01 00:00:00 2', 'K'):
        for data in (i4, i8, f8): case(data, v, units=units)
    case(np.array([0.1, 0.5, np.nan]), v, units='days since 2000-01-01')
    case(i4, v, units='days since 2000-01-01', _FillValue=-5); case(i4, v, 1, units='days since 2000-01-01')
    case(i4, v, units='hours', dtype='timedelta64[ns]'); case(i4, v, units='days')
    for calendar in ('noleap', '365_day'):
        for kind in ('i4', 'i8', 'f8'): case(np.arange(-1_500_000, 1_500_000, 7_919, dtype=kind), v, units='hours since 1850-02-28 06:00', calendar=calendar)
    for calendar in ('360_day', 'julian', 'all_leap', 'standard', 'gregorian', 'proleptic_gregorian'):
        case(few, v, units='days since 2000-01-01', calendar=calendar)
    for unit in ('ns', 's'): case(np.array(['2020-01-01', 'NaT', '2020-01-03'], f'M8[{unit}]'), v, np.datetime64('NaT'))
for data in (f4, f8): case(data, 3, _FillValue=b64(2.0)); case(data, 3, _FillValue=b64(2.0), missing_value=1.0)
json.dump(cases, open(f'{folder}/cases.json', 'w'))
";

/// Our name of a type, and the bytes of values as that of Xarray has them.
async fn ours(session: &datafusion::prelude::SessionContext, array: Labelled) -> (String, Tensor) {
    let dtype = array.array.dtype();
    let values = match dtype {
        DType::Time(_) => array.cast(DType::Time(Unit::Nanoseconds)).unwrap(),
        DType::Span(_) => array.cast(DType::Span(Unit::Nanoseconds)).unwrap(),
        DType::Plain(_) => array,
    };
    let name = match dtype {
        DType::Time(_) => "M64".to_string(),
        DType::Span(_) => "m64".to_string(),
        DType::Plain(Kind::Bool) => "b8".to_string(),
        DType::Plain(kind) => kind.to_string(),
    };
    (name, values.array.compute(session).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_mean_what_xarray_makes_of_them() {
    let Some(python) = python_with("xarray") else { return };
    let folder = tempfile::tempdir().unwrap();
    run(&python, WRITE, folder.path());
    let cases = std::fs::read(folder.path().join("cases.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&cases).unwrap();
    assert!(cases.len() > 200, "{}", cases.len());
    let session = strata::session(Settings::default()).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let text = |key: &str| case[key].as_str().unwrap();
        let path = folder.path().join(text("path")).display().to_string();
        let Opened::Group(group) = variables(&session, &path).await.unwrap() else {
            panic!("a group was written");
        };
        let expected = text("kind");
        let array = match (group.get("v"), expected) {
            (Err(error), "refused") => {
                assert!(error.to_string().contains(text("path")), "{error}");
                continue;
            }
            (Ok(_), "refused") => {
                wrong.push(format!("{}: Xarray refuses it", text("what")));
                continue;
            }
            (array, _) => array.unwrap_or_else(|error| panic!("{}: {error}", text("what"))),
        };
        let (kind, values) = ours(&session, array).await;
        let bytes = std::fs::read(folder.path().join(text("values"))).unwrap();
        if kind != expected || values.data().as_slice() != bytes {
            let shown = Tensor::new(values.dtype(), values.shape().to_vec(), bytes.into());
            let shown = shown.map(|shown| format!("{:?}", shown.values()));
            wrong.push(format!(
                "{}: {kind} {:?}, for {expected} {shown:?}",
                text("what"),
                values.values()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
