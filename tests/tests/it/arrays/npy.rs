//! NumPy's files are read as it meant them, and it reads ours.

use std::path::Path;
use std::process::{Command, Stdio};

use datafusion::prelude::SessionContext;
use serde_json::Value;
use strata::{RunText, Settings};
use strata_connectors::numpy::{npy, npz};
use strata_engine::{Index, Tensor};
use strata_tests::pool::{Shape, TestPool};
use strata_tests::python::{Python, python_with};
use strata_tests::random::Random;

const WRITE: &str = "
import sys, json, numpy as np
from numpy.lib import format
folder, cases, rng = sys.argv[1], [], np.random.default_rng(1)
def values(dtype, shape):
    dtype = np.dtype(dtype)
    raw = rng.integers(0, 250, shape)
    if dtype.kind == 'b': return (raw % 2).astype(dtype)
    if dtype.kind in 'Mm':
        found = (raw - 100).astype('i8').view(dtype.newbyteorder('=')).astype(dtype)
        if found.size > 2: found.reshape(-1)[1] = 'NaT'
        return found
    if dtype.kind == 'f':
        found = ((raw - 100) / 8).astype(dtype)
        if found.size > 2: found.reshape(-1)[:2] = np.nan, np.inf
        return found
    return (raw - (100 if dtype.kind == 'i' else 0)).astype(dtype)
def expect(name, array, member=''):
    native = array.astype(array.dtype.newbyteorder('='))
    if native.dtype.kind in 'Mm':
        unit = np.datetime_data(native.dtype)[0]
        kept = unit if unit in ('s', 'ms', 'us', 'ns') else 's'
        dtype = ('time' if native.dtype.kind == 'M' else 'span') + f'[{kept}]'
        native = native.astype(f'{native.dtype.kind}8[{kept}]').view('i8')
    else:
        dtype = {'b': 'bool'}.get(native.dtype.kind, f'{native.dtype.kind}{native.dtype.itemsize * 8}')
    values = f'{len(cases)}.bin'
    open(f'{folder}/{values}', 'wb').write(np.ascontiguousarray(native).tobytes())
    cases.append(dict(name=name, member=member, dtype=dtype, shape=list(array.shape), values=values))
kinds = ['?', 'i1', 'u1'] + [e + k for e in '<>' for k in ('i2', 'i4', 'i8', 'u2', 'u4', 'u8', 'f4', 'f8', 'M8[ns]', 'm8[ms]', 'M8[D]')]
for at, kind in enumerate(kinds):
    for shape in ((), (0, 5), (1,), (7, 10), (3, 4, 5)):
        for order in 'CF':
            array = np.asarray(values(kind, shape), order=order)
            version = [(1, 0), (2, 0), (3, 0)][len(cases) % 3]
            name = f'x{len(cases)}.npy'
            with open(f'{folder}/{name}', 'wb') as file: format.write_array(file, array, version=version)
            expect(name, array)
for order in 'CF':
    array = np.asarray(rng.standard_normal((700, 900, 7)), order=order)
    np.save(f'{folder}/large{order}.npy', array); expect(f'large{order}.npy', array)
several = dict(a=values('<f4', (70, 90)), b=values('>i8', (5,)), c=np.asfortranarray(values('f8', (60, 80))), d=values('?', ()))
np.savez(f'{folder}/stored.npz', **several); np.savez_compressed(f'{folder}/deflated.npz', **several)
for name in ('stored.npz', 'deflated.npz'):
    for member, array in several.items(): expect(name, array, member)
np.savez(f'{folder}/mixed.npz', good=np.arange(3), objects=np.array([{}, None]))
np.save(f'{folder}/objects.npy', np.array([{}, None]))
np.save(f'{folder}/records.npy', np.zeros(3, dtype=[('a', 'f4'), ('b', 'i2')]))
np.save(f'{folder}/complex.npy', np.zeros(3, 'c8')); np.save(f'{folder}/words.npy', np.array(['a', 'bc']))
json.dump(cases, open(f'{folder}/cases.json', 'w'))
";

const READ: &str = "
import sys, numpy as np
at = lambda name: np.load(f'{sys.argv[1]}/{name}.npy')
x = np.arange(210_000).reshape(300, 100, 7)
np.testing.assert_array_equal(at('grid'), x); assert at('grid').dtype == 'i8'
np.testing.assert_array_equal(at('turned'), x.transpose(2, 0, 1))
np.testing.assert_array_equal(at('anomaly'), (x - x.mean(0)).astype('f4')); assert at('anomaly').dtype == 'f4'
assert at('none').shape == (0, 3) and at('one') == 4950 and at('one').shape == ()
np.testing.assert_array_equal(at('truth'), np.arange(5) > 2); assert at('truth').dtype == bool
times = at('times'); assert times.dtype == 'M8[ns]'
np.testing.assert_array_equal(times, np.load(f'{sys.argv[1]}/source.npy'))
print('read')
";

pub(super) fn run(python: &Python, program: &str, folder: &Path) -> String {
    let output = Command::new(python.program())
        .args(["-W", "ignore", "-c", program])
        .arg(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn check(session: &SessionContext, folder: &Path, case: &Value, random: &mut Random) {
    let text = |key: &str| case[key].as_str().unwrap().to_string();
    let (name, member) = (text("name"), text("member"));
    let what = format!("{name} {member} {}", case["dtype"]);
    let path = folder.join(&name).display().to_string();
    let array = match member.as_str() {
        "" => npy(session, &path).await.expect(&what),
        member => npz(session, &path).await.unwrap().get(member).expect(&what),
    };
    let array = array.array;
    let shape: Vec<u64> = serde_json::from_value(case["shape"].clone()).unwrap();
    assert_eq!(
        (array.dtype().to_string(), array.shape()),
        (text("dtype"), shape.clone()),
        "{what}"
    );
    let values = std::fs::read(folder.join(text("values"))).unwrap();
    let expected = Tensor::new(array.dtype(), shape.clone(), values.into()).unwrap();
    let got = array.compute(session).await.expect(&what);
    assert_eq!(got.data(), expected.data(), "{what}");
    let region: Vec<std::ops::Range<u64>> = shape
        .iter()
        .map(|length| {
            let (a, b) = (random.below(length + 1), random.below(length + 1));
            a.min(b)..a.max(b)
        })
        .collect();
    let slices = region.iter().map(|range| Index::Slice {
        start: Some(range.start as i64),
        stop: Some(range.end as i64),
        step: None,
    });
    let part = array.index(&slices.collect::<Vec<_>>()).unwrap();
    let got = part.compute(session).await.expect(&what);
    assert_eq!(got.data(), expected.part(&region).unwrap().data(), "{what} {region:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_numpy_are_read() {
    let Some(python) = python_with("numpy") else { return };
    let folder = tempfile::tempdir().unwrap();
    run(&python, WRITE, folder.path());
    let cases = std::fs::read(folder.path().join("cases.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&cases).unwrap();
    assert!(cases.len() > 200, "{}", cases.len());
    let session = strata::session(Settings::default()).unwrap();
    let mut random = Random::new(3);
    for case in &cases {
        check(&session, folder.path(), case, &mut random).await;
    }
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    let on_pool = pool.session(&[]);
    for case in cases.iter().rev().take(14) {
        check(&on_pool, folder.path(), case, &mut random).await;
    }
    // What cannot be read is named, and keeps nothing else from being read.
    let at = |name: &str| folder.path().join(name).display().to_string();
    for (name, says) in [
        ("objects", "Python objects"),
        ("records", "records"),
        ("complex", "cannot be read"),
        ("words", "cannot be read"),
        ("missing", "no such file"),
    ] {
        let error = npy(&session, &at(&format!("{name}.npy"))).await.unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(says), "{error}");
    }
    let mixed = npz(&session, &at("mixed.npz")).await.unwrap();
    assert!(mixed.get("good").is_ok() && mixed.get("objects").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_lie_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let session = strata::session(Settings::default()).unwrap();
    let file = |shape: &str, values: usize| {
        let said = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((said.len() as u16).to_le_bytes());
        bytes.extend(said.as_bytes());
        bytes.resize(bytes.len() + values, 7);
        bytes
    };
    for (bytes, says) in [
        (file("(1000, 1000)", 8_000), "cut off"),
        (file("(4611686018427387904,)", 8), "larger than can be counted"),
        (file("(1152921504606846975, 4)", 8), "larger than can be counted"),
        (file("(3,)", 23), "cut off"),
        (file("(3,)", 0), "cut off"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{}".to_vec(), "no more than"),
        (b"\x93NUMPY\x01\x00\xff\xff{}".to_vec(), "cut off"),
        (vec![0; 100], "no .npy file"),
    ] {
        let path = folder.path().join("lies.npy");
        std::fs::write(&path, bytes).unwrap();
        let error = npy(&session, &path.display().to_string()).await.unwrap_err().to_string();
        assert!(error.contains("lies.npy") && error.contains(says), "{says}: {error}");
    }
    // Cut while it is read.
    let path = folder.path().join("cut.npy");
    std::fs::write(&path, file("(3,)", 24)).unwrap();
    let array = npy(&session, &path.display().to_string()).await.unwrap().array;
    std::fs::write(&path, file("(3,)", 8)).unwrap();
    let error = array.compute(&session).await.unwrap_err().to_string();
    assert!(error.contains("cut.npy"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_written_whole_or_not_at_all() {
    let Some(python) = python_with("numpy") else { return };
    let folder = tempfile::tempdir().unwrap();
    let times = "import sys, numpy as np
np.save(f'{sys.argv[1]}/source.npy', np.array([-100, 5, 'NaT'], 'M8[ns]'))";
    run(&python, times, folder.path());
    let session = strata::session(Settings::default()).unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let text = format!(
        "x = arange(210000).reshape(300, 100, 7); x.rechunk(70, 33, 3).save('{}'); \
         x.transpose(2, 0, 1).save('{}'); (x - x.mean(0)).cast('f32').save('{}'); \
         zeros(0, 3).save('{}'); arange(100).sum().save('{}'); (arange(5) > 2).save('{}'); \
         npy('{}').save('{}')",
        at("grid.npy"),
        at("turned.npy"),
        at("anomaly.npy"),
        at("none.npy"),
        at("one.npy"),
        at("truth.npy"),
        at("source.npy"),
        at("times.npy"),
    );
    session.run(&text).await.unwrap();
    assert_eq!(run(&python, READ, folder.path()).trim(), "read");
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    let before = names();
    let again = format!("arange(3).save('{}')", at("one.npy"));
    let error = session.run(&again).await.unwrap_err().to_string();
    assert!(error.contains("there already"), "{error}");
    let broken = format!("(arange(3) ** -1).save('{}')", at("new/broken.npy"));
    assert!(session.run(&broken).await.is_err());
    assert_eq!(names(), before, "a folder or file is left");
    let over = format!("arange(3).save('{}', overwrite => true)", at("one.npy"));
    session.run(&over).await.unwrap();
    let read = npy(&session, &at("one.npy")).await.unwrap().array;
    assert_eq!((read.shape(), names()), (vec![3], before));
}
