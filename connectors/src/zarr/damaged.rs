//! Stores that were damaged by chance, or by somebody: they are refused with a reason that names them, or read.
//! Nothing else happens: no panic, no hang, no memory for what is only claimed.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Map, json};
use strata_engine::{ArrayError, ArraySource, DType, Kind, cells, shape_of};

use super::tests::{counted, memory, put, url};
use super::*;

/// How many stores are damaged, unless that takes too long.
const CASES: u64 = 3_000;
const FEWEST: u64 = 300;
const LONGEST: Duration = Duration::from_secs(40);

/// No more address space than this is taken: what is claimed is often more.
const MOST: u64 = 8 << 30;

/// Numbers by chance, the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit.max(1)
    }
}

type Files = Vec<(String, Vec<u8>)>;

/// Sound stores: each way to pack, shards, both versions.
async fn sound() -> Vec<Files> {
    let plain = ArraySpec::new(DType::Plain(Kind::I32), vec![10, 6], vec![4, 3]);
    let blosc = |name: &str| Compression::Blosc(name.to_string(), 5);
    let mut specs: Vec<ArraySpec> = [
        Compression::None,
        Compression::Zstd(3),
        Compression::Gzip(5),
        blosc("lz4"),
        blosc("zlib"),
        blosc("zstd"),
        Compression::GDeflate(6),
        Compression::Zfp(Kept::All),
    ]
    .into_iter()
    .map(|compression| ArraySpec { compression, ..plain.clone() })
    .collect();
    specs.push(ArraySpec { shard: Some(vec![8, 6]), ..plain.clone() });
    let shard = Some(vec![8, 3]);
    specs.push(ArraySpec { shard, compression: Compression::None, ..plain });
    let mut all = Vec::new();
    for spec in specs {
        let store = memory();
        let mut writer =
            StoreWriter::create(&url(), Arc::clone(&store), Existing::Refuse, Map::new())
                .await
                .unwrap();
        for name in ["a", "b"] {
            let to = writer.array(name, &spec).await.unwrap();
            to.write(&[0, 0], &counted(&[10, 6], &[0..10, 0..6])).await.unwrap();
        }
        writer.finish().await.unwrap();
        all.push(files(&store).await);
    }
    let said = json!({"zarr_format": 2, "shape": [10], "chunks": [4], "dtype": "<i4", "fill_value": 7, "order": "C",
        "compressor": null, "filters": null, "dimension_separator": "."});
    let both = json!({"zarr_consolidated_format": 1, "metadata": {".zgroup": {"zarr_format": 2}, "t/.zarray": said,
        "t/.zattrs": {"units": "days since 2000-01-01", "_ARRAY_DIMENSIONS": ["t"]}}});
    let chunk = vec![1; 16];
    all.push(vec![
        (".zmetadata".to_string(), both.to_string().into_bytes()),
        ("t/.zarray".to_string(), said.to_string().into_bytes()),
        (".zgroup".to_string(), json!({"zarr_format": 2}).to_string().into_bytes()),
        ("t/0".to_string(), chunk.clone()),
        ("t/1".to_string(), chunk),
    ]);
    all
}

async fn files(store: &Arc<dyn ObjectStore>) -> Files {
    let place = Place::new(&url(), Arc::clone(store)).unwrap();
    let mut files = Vec::new();
    for key in place.keys().await.unwrap() {
        let bytes = store.get(&key).await.unwrap().bytes().await.unwrap().to_vec();
        let name = key.as_ref().strip_prefix("cube.zarr/").unwrap();
        files.push((name.to_string(), bytes));
    }
    files.sort();
    files
}

/// Changes some of one file.
fn damage(name: &str, bytes: &mut Vec<u8>, chance: &mut Chance) {
    let document = name.ends_with(".json") || name.contains(".z");
    match chance.below(if document { 6 } else { 4 }) {
        0 => bytes.truncate(chance.below(bytes.len())),
        1 => {
            let (at, count) = (chance.below(bytes.len()), chance.below(8) + 1);
            bytes.iter_mut().skip(at).take(count).for_each(|byte| *byte = 0xff);
        }
        2 => (0..=chance.below(3)).for_each(|_| {
            let at = chance.below(bytes.len());
            bytes[at] = chance.below(256) as u8;
        }),
        3 => bytes.extend_from_within(chance.below(bytes.len())..),
        _ => {
            // A number becomes another, and a text of any kind.
            let digits: Vec<usize> =
                (0..bytes.len()).filter(|at| bytes[*at].is_ascii_digit()).collect();
            let with = [
                "0",
                "-1",
                "4294967296",
                "9223372036854775807",
                "18446744073709551615",
                "1e300",
                "null",
                "3",
                "[]",
                "\"x\"",
                "{}",
                "1152921504606846976",
            ][chance.below(12)];
            let at = digits[chance.below(digits.len())];
            bytes.splice(at..=at, with.bytes());
        }
    }
}

/// Reads all that can be read, and looks at what is said of the rest.
async fn read(store: Arc<dyn ObjectStore>) -> Result<u64, String> {
    let named = |error: ArrayError| match error.to_string() {
        said if said.contains("cube.zarr") => Ok(0),
        said => Err(format!("names no array: {said}")),
    };
    let place = Place::new(&url(), store).unwrap();
    let group = match open(&place).await {
        Ok(Node::Array(array)) => {
            Group { arrays: [(String::new(), Ok(array))].into(), ..Group::default() }
        }
        Ok(Node::Group(group)) => group,
        Err(error) => return named(error),
    };
    let mut count = 0;
    for array in group.arrays.into_values() {
        let array = match array {
            Ok(array) => array,
            Err(error) => {
                named(error)?;
                continue;
            }
        };
        if let Err(error) = cf::decoded(&array) {
            named(error)?;
        }
        let region: Vec<_> =
            array.form().shape().iter().map(|length| 0..(*length).min(12)).collect();
        if cells(&shape_of(&region)).is_none_or(|cells| cells > 1 << 20) {
            continue;
        }
        match array.read(&region).await {
            Ok(_) => count += 1,
            Err(ArrayError::Chunk { array, chunk, key, .. }) => {
                assert!(array.contains("cube.zarr") && chunk.starts_with('[') && !key.is_empty());
            }
            Err(error) => {
                named(error)?;
            }
        }
    }
    Ok(count)
}

/// The most address space that this process has had.
fn most() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or(0) * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_stores_are_refused_by_name_or_read() {
    let stores = sound().await;
    let (begun, before) = (Instant::now(), most());
    let (mut intact, mut hurt, mut cases) = (0, 0, 0);
    for seed in 0..CASES {
        if begun.elapsed() > LONGEST {
            break;
        }
        let mut chance = Chance(seed);
        let files = &stores[chance.below(stores.len())];
        let victim = chance.below(files.len());
        let store = memory();
        for (at, (name, bytes)) in files.iter().enumerate() {
            let mut bytes = bytes.clone();
            if at == victim {
                damage(name, &mut bytes, &mut chance);
            }
            put(&store, name, bytes).await;
        }
        let what = &files[victim].0;
        let reading = AssertUnwindSafe(read(store)).catch_unwind();
        let read = tokio::time::timeout(Duration::from_secs(20), reading).await;
        let read = read.unwrap_or_else(|_| panic!("seed {seed}: {what} damaged, and it hangs"));
        let read = read.unwrap_or_else(|_| panic!("seed {seed}: {what} damaged, and it panics"));
        let read = read.unwrap_or_else(|said| panic!("seed {seed}: {what} damaged: {said}"));
        let whole = if files.len() == 5 { 1 } else { 2 };
        if read == whole {
            intact += 1
        } else {
            hurt += 1
        }
        cases += 1;
    }
    let taken = most().saturating_sub(before);
    assert!(cases >= FEWEST, "only {cases} in {:?}", begun.elapsed());
    assert!(
        hurt > cases / 4 && intact > cases / 20,
        "{hurt} of {cases} were refused, {intact} read"
    );
    assert!(taken < MOST, "{taken} bytes were taken");
}
