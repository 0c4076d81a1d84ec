//! Sound files of every format, made once, for the cases to damage.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch};
use datafusion::arrow_avro::writer::AvroWriter;
use strata::{RunText, Settings};
use strata_tests::within;

const ROWS: &str = "SELECT value AS id, 'name ' || value AS name FROM range(0, 5000)";
const NAMES: [&str; 8] = [
    "good.parquet",
    "good.arrow",
    "good.csv.gz",
    "good.csv.zst",
    "good.csv.bz2",
    "good.csv.xz",
    "good.json.gz",
    "good.json.zst",
];

/// The bytes of a sound file.
pub(super) fn good(name: &str) -> Vec<u8> {
    static ALL: OnceLock<BTreeMap<&str, Vec<u8>>> = OnceLock::new();
    ALL.get_or_init(|| within("making sound files", make)).get(name).expect("a sample").clone()
}

/// All but the last `missing` bytes.
pub(super) fn cut(name: &str, missing: usize) -> Vec<u8> {
    let mut bytes = good(name);
    bytes.truncate(bytes.len() - missing);
    bytes
}

/// The first half.
pub(super) fn half(name: &str) -> Vec<u8> {
    let bytes = good(name);
    bytes[..bytes.len() / 2].to_vec()
}

fn make() -> BTreeMap<&'static str, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut all: BTreeMap<&str, Vec<u8>> = runtime.block_on(async {
        let session = strata::session(Settings::default()).unwrap();
        let mut all = BTreeMap::new();
        for name in NAMES {
            let path = folder.path().join(name);
            let copy = format!("COPY ({ROWS}) TO '{}'", path.display());
            session.run(&copy).await.unwrap().collect().await.unwrap();
            all.insert(name, std::fs::read(path).unwrap());
        }
        all
    });
    let ids: ArrayRef = std::sync::Arc::new(Int64Array::from_iter_values(0..5_000));
    let rows = RecordBatch::try_from_iter([("id", ids)]).unwrap();
    let mut avro = Vec::new();
    let mut writer = AvroWriter::new(&mut avro, rows.schema().as_ref().clone()).unwrap();
    writer.write(&rows).unwrap();
    writer.finish().unwrap();
    drop(writer);
    all.insert("good.avro", avro);
    all
}
