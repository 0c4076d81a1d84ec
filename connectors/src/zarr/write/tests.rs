//! Stores appear whole or not at all.

// Boxes of one dimension are meant.
#![allow(clippy::single_range_in_vec_init)]

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use serde_json::{Map, json};
use strata_engine::{ArraySource, DType, Kind};
use url::Url;

use super::*;
use crate::zarr::tests::{array, counted, memory, put, url};
use crate::zarr::{Node, Place, open};

fn spec() -> ArraySpec {
    ArraySpec::new(DType::Plain(Kind::I32), vec![10, 6], vec![4, 3])
}

async fn keys(store: &Arc<dyn ObjectStore>) -> Vec<String> {
    let place = Place::new(&url(), Arc::clone(store)).unwrap();
    let mut keys: Vec<String> =
        place.keys().await.unwrap().into_iter().map(|key| key.to_string()).collect();
    keys.sort();
    keys
}

async fn write(store: &Arc<dyn ObjectStore>, existing: Existing) -> StoreWriter {
    let mut writer =
        StoreWriter::create(&url(), Arc::clone(store), existing, Map::new()).await.unwrap();
    let to = writer.array("", &spec()).await.unwrap();
    to.write(&[0, 0], &counted(&[10, 6], &[0..10, 0..6])).await.unwrap();
    writer
}

#[tokio::test]
async fn nothing_is_there_until_it_is_finished() {
    let store = memory();
    let writer = write(&store, Existing::Refuse).await;
    assert_eq!(keys(&store).await.len(), 6);
    assert!(array(&store).await.is_err());
    writer.abort().await.unwrap();
    assert!(keys(&store).await.is_empty());
    write(&store, Existing::Refuse).await.finish().await.unwrap();
    assert_eq!(array(&store).await.unwrap().form().shape(), [10, 6]);
    let again = StoreWriter::create(&url(), Arc::clone(&store), Existing::Refuse, Map::new()).await;
    assert!(again.unwrap_err().to_string().contains("there already"));
    write(&store, Existing::Overwrite).await.finish().await.unwrap();
    assert_eq!(keys(&store).await.len(), 7);
}

#[tokio::test]
async fn folders_change_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("cube.zarr");
    let url = Url::from_file_path(&target).unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
    let names = || {
        let names = std::fs::read_dir(folder.path()).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    for fill in [1, 2] {
        let existing = Existing::Overwrite;
        let mut writer =
            StoreWriter::create(&url, Arc::clone(&store), existing, Map::new()).await.unwrap();
        let spec = ArraySpec { fill: Some(json!(fill)), ..spec() };
        let to = writer.array("a/b", &spec).await.unwrap();
        to.write(&[0, 0], &counted(&[10, 6], &[0..10, 0..6])).await.unwrap();
        assert_eq!(target.exists(), fill == 2);
        writer.finish().await.unwrap();
        assert_eq!(names(), ["cube.zarr"]);
    }
    // Given up, or let go of: the old one stays, and nothing else.
    let mut writer = StoreWriter::create(&url, Arc::clone(&store), Existing::Overwrite, Map::new())
        .await
        .unwrap();
    let to = writer.array("", &spec()).await.unwrap();
    to.write(&[0, 0], &counted(&[10, 6], &[0..4, 0..3])).await.unwrap();
    assert_eq!(names().len(), 2);
    drop(writer);
    assert_eq!(names(), ["cube.zarr"]);
    let place = Place::new(&url, Arc::clone(&store)).unwrap();
    let Node::Group(group) = open(&place).await.unwrap() else { panic!() };
    assert_eq!(place.reads(), 1, "one document says all");
    let found = group.groups["a"].arrays["b"].as_ref().unwrap();
    let read = found.read(&[3..9, 1..5]).await.unwrap();
    assert_eq!(read.values(), counted(&[10, 6], &[3..9, 1..5]).values());
    // What is no store is not taken for one.
    let other = folder.path().join("notes");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("a.txt"), "x").unwrap();
    let url = Url::from_file_path(&other).unwrap();
    let refused = StoreWriter::create(&url, store, Existing::Overwrite, Map::new()).await;
    assert!(refused.unwrap_err().to_string().contains("no Zarr store"));
}

#[tokio::test]
async fn arrays_grow() {
    let store = memory();
    write(&store, Existing::Refuse).await.finish().await.unwrap();
    let before = keys(&store).await;
    let all = counted(&[15, 6], &[0..15, 0..6]);
    for finish in [false, true] {
        let mut writer = StoreWriter::append(&url(), Arc::clone(&store)).await.unwrap();
        let to = writer.grow("", 0, 5).await.unwrap();
        assert!(to.write(&[9, 0], &counted(&[15, 6], &[9..15, 0..6])).await.is_err());
        to.write(&[10, 0], &counted(&[15, 6], &[10..15, 0..6])).await.unwrap();
        assert_eq!(array(&store).await.unwrap().form().shape(), [10, 6]);
        if finish {
            writer.finish().await.unwrap();
            let array = array(&store).await.unwrap();
            assert_eq!(array.read(&[0..15, 0..6]).await.unwrap().values(), all.values());
        } else {
            writer.abort().await.unwrap();
            assert_eq!(keys(&store).await, before);
            let array = array(&store).await.unwrap();
            let read = array.read(&[0..10, 0..6]).await.unwrap();
            assert_eq!(read.values(), counted(&[10, 6], &[0..10, 0..6]).values());
        }
    }
    let mut writer = StoreWriter::append(&url(), Arc::clone(&store)).await.unwrap();
    assert!(writer.array("b", &spec()).await.unwrap_err().to_string().contains("one array"));
    assert!(StoreWriter::append(&Url::parse("memory:///none.zarr").unwrap(), store).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parts_of_one_chunk_are_written_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let url = Url::from_file_path(folder.path().join("cube.zarr")).unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
    let mut writer =
        StoreWriter::create(&url, Arc::clone(&store), Existing::Refuse, Map::new()).await.unwrap();
    let spec = ArraySpec::new(DType::Plain(Kind::I32), vec![10, 6], vec![10, 6]);
    let to = writer.array("", &spec).await.unwrap();
    let tasks = (0..60).map(|at| {
        let (to, start) = (to.clone(), [at / 6, at % 6]);
        let region = start.map(|at| at..at + 1);
        let values = counted(&[10, 6], &region);
        tokio::spawn(async move { to.write(&start, &values).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
    writer.finish().await.unwrap();
    let Node::Array(array) = open(&Place::new(&url, store).unwrap()).await.unwrap() else {
        panic!()
    };
    let read = array.read(&[0..10, 0..6]).await.unwrap();
    assert_eq!(read.values(), counted(&[10, 6], &[0..10, 0..6]).values());
}

#[tokio::test]
async fn arrays_of_v2_grow_too() {
    let store = memory();
    let said = json!({"zarr_format": 2, "shape": [3], "chunks": [2], "dtype": ">i4", "fill_value": 0, "order": "C",
        "compressor": {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}, "filters": null});
    let all = json!({"zarr_consolidated_format": 1, "metadata": {".zgroup": {"zarr_format": 2}, "t/.zarray": said}});
    put(&store, ".zmetadata", all.to_string()).await;
    put(&store, ".zgroup", json!({"zarr_format": 2}).to_string()).await;
    put(&store, "t/.zarray", said.to_string()).await;
    let mut writer = StoreWriter::append(&url(), Arc::clone(&store)).await.unwrap();
    assert!(writer.array("b", &spec()).await.is_err());
    let to = writer.grow("t", 0, 4).await.unwrap();
    to.write(&[3], &counted(&[7], &[3..7])).await.unwrap();
    writer.finish().await.unwrap();
    let Node::Group(group) = open(&Place::new(&url(), Arc::clone(&store)).unwrap()).await.unwrap()
    else {
        panic!()
    };
    let read = group.arrays["t"].as_ref().unwrap().read(&[0..7]).await.unwrap();
    assert_eq!(read.values(), strata_engine::Slice::I32(&[0, 0, 0, 3, 4, 5, 6]));
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let store = memory();
    let mut writer =
        StoreWriter::create(&url(), store, Existing::Refuse, Map::new()).await.unwrap();
    let to = writer.array("a", &spec()).await.unwrap();
    assert!(writer.array("a", &spec()).await.is_err());
    assert!(writer.array("a/b", &spec()).await.is_err());
    assert!(writer.array("", &spec()).await.is_err());
    assert!(writer.array("../b", &spec()).await.is_err());
    let bad = ArraySpec { shard: Some(vec![5, 3]), ..spec() };
    assert!(writer.array("b", &bad).await.unwrap_err().to_string().contains("whole chunks"));
    let values = counted(&[10, 6], &[0..4, 0..3]);
    assert!(to.write(&[8, 0], &values).await.is_err());
    assert!(to.write(&[0], &values).await.is_err());
    assert!(to.write_chunk(&[3, 0], &values).await.is_err());
    assert!(to.write(&[u64::MAX, 0], &values).await.is_err());
    let times = values.meaning(DType::Plain(Kind::I32)).unwrap();
    assert!(to.write_chunk(&[0, 0], &times).await.is_ok());
}
