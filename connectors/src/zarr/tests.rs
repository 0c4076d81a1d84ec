//! What is read of stores, and what is refused. Stores of other programs are compared in
//! `tests/python/zarr_interop.py`.

// Boxes of one dimension are meant.
#![allow(clippy::single_range_in_vec_init)]

use std::ops::Range;
use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use serde_json::{Map, Value, json};
use strata_engine::{ArrayError, ArraySource, Block, DType, Kind, Slice, Tensor, cells, shape_of};
use url::Url;

use super::*;

pub(super) const URL: &str = "memory:///cube.zarr";

pub(super) fn url() -> Url {
    Url::parse(URL).unwrap()
}

pub(super) async fn put(store: &Arc<dyn ObjectStore>, key: &str, bytes: impl Into<PutPayload>) {
    let path = object_store::path::Path::parse(format!("cube.zarr/{key}")).unwrap();
    store.put(&path, bytes.into()).await.unwrap();
}

pub(super) async fn array(store: &Arc<dyn ObjectStore>) -> Result<Arc<ZarrArray>, ArrayError> {
    match open(&Place::new(&url(), Arc::clone(store))?).await? {
        Node::Array(array) => Ok(array),
        Node::Group(_) => panic!("it is a group"),
    }
}

pub(super) fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

/// Numbers that count the cells of `shape`, for a box of it.
pub(super) fn counted(shape: &[u64], region: &[Range<u64>]) -> Tensor {
    let size = shape_of(region);
    let places = boxes::places(region);
    let values = places
        .map(|place| place.iter().zip(shape).fold(0, |sum, (at, length)| sum * length + at) as i32);
    let values: Vec<i32> = if size.contains(&0) { vec![] } else { values.collect() };
    Tensor::from_block(DType::Plain(Kind::I32), size, Block::I32(values)).unwrap()
}

fn document(said: Value) -> Map<String, Value> {
    let mut document = json!({
        "zarr_format": 3, "node_type": "array", "shape": [10, 6], "data_type": "int32",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [4, 3]}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": -1,
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]
    });
    for (name, value) in said.as_object().unwrap() {
        document[name] = value.clone();
    }
    document.as_object().unwrap().clone()
}

/// Opens what says this of itself, with one chunk of these bytes.
async fn with(said: Value, chunk: &[u8]) -> Result<Arc<ZarrArray>, ArrayError> {
    let store = memory();
    put(&store, "zarr.json", serde_json::to_vec(&document(said)).unwrap()).await;
    put(&store, "c/0/0", chunk.to_vec()).await;
    array(&store).await
}

#[tokio::test]
async fn only_what_is_asked_for_is_read() {
    let store = memory();
    let shard = Some(vec![8, 6]);
    let spec =
        ArraySpec { shard, ..ArraySpec::new(DType::Plain(Kind::I32), vec![16, 6], vec![4, 3]) };
    let mut writer = StoreWriter::create(&url(), Arc::clone(&store), Existing::Refuse, Map::new())
        .await
        .unwrap();
    let to = writer.array("", &spec).await.unwrap();
    to.write(&[0, 0], &counted(&spec.shape, &[0..16, 0..6])).await.unwrap();
    writer.finish().await.unwrap();

    let array = array(&store).await.unwrap();
    let place = array.place().clone();
    assert_eq!(array.form().grid.counts(), [4, 2]);
    let reads = async |region: &[Range<u64>]| {
        let before = place.reads();
        let got = array.read(region).await.unwrap();
        assert_eq!(got.values(), counted(&spec.shape, region).values());
        place.reads() - before
    };
    assert_eq!(reads(&[0..4, 0..3]).await, 2, "the index, and a chunk");
    assert_eq!(reads(&[4..8, 0..3]).await, 1, "the index is known");
    assert_eq!(reads(&[0..8, 0..6]).await, 1, "all of a shard");
    assert_eq!(reads(&[0..16, 0..6]).await, 2, "all of both");
    assert_eq!(reads(&[1..2, 2..4]).await, 2, "parts of two chunks");
    assert_eq!(reads(&[3..3, 0..6]).await, 0, "nothing");
    assert!(array.read(&[0..17, 0..6]).await.is_err());
    assert!(array.read(&[0..16]).await.is_err());

    let wire = array.to_wire().unwrap();
    let sent = ZarrArray::from_wire(&wire, |at| {
        assert_eq!(at, &url());
        Ok(Arc::clone(&store))
    });
    let sent = sent.unwrap();
    assert_eq!((sent.form(), sent.version()), (array.form(), array.version()));
    assert_eq!(
        sent.read(&[4..8, 3..6]).await.unwrap().values(),
        counted(&spec.shape, &[4..8, 3..6]).values()
    );
    assert_eq!(sent.place().reads(), 2, "nothing is opened again");
}

#[tokio::test]
async fn a_chunk_is_handed_out_as_it_was_read() {
    let chunk: Vec<u8> = (0..12_i32).flat_map(i32::to_le_bytes).collect();
    let store = memory();
    put(&store, "zarr.json", serde_json::to_vec(&document(json!({}))).unwrap()).await;
    put(&store, "c/0/0", chunk.clone()).await;
    let array = array(&store).await.unwrap();
    let stored = store.get(&"cube.zarr/c/0/0".into()).await.unwrap().bytes().await.unwrap();
    let read = array.read(&[0..4, 0..3]).await.unwrap();
    assert_eq!(read.data().as_ptr(), stored.as_ptr());
    let rows = array.read(&[1..3, 0..3]).await.unwrap();
    assert_eq!(rows.values(), Slice::I32(&[3, 4, 5, 6, 7, 8]));
    assert_eq!(rows.data().as_ptr(), stored[12..].as_ptr());
    let missing = array.read(&[4..5, 2..5]).await.unwrap();
    assert_eq!(missing.values(), Slice::I32(&[-1, -1, -1]));
    assert_eq!(array.fill_value().unwrap().values(), Slice::I32(&[-1]));
}

#[tokio::test]
async fn any_box_of_any_array() {
    let mut seed = 1_u64;
    let mut below = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    for round in 0..60 {
        let rank = below(4) as usize;
        let shape: Vec<u64> = (0..rank).map(|_| below(9)).collect();
        let chunk: Vec<u64> = (0..rank).map(|_| 1 + below(5)).collect();
        let shard =
            (round % 2 == 0).then(|| chunk.iter().map(|length| length * (1 + below(3))).collect());
        let compression =
            [Compression::None, Compression::Zstd(1), Compression::Blosc("lz4".into(), 5)];
        let compression = compression[below(3) as usize].clone();
        let spec = ArraySpec {
            shard,
            compression,
            ..ArraySpec::new(DType::Plain(Kind::I32), shape.clone(), chunk)
        };
        let store = memory();
        let mut writer =
            StoreWriter::create(&url(), Arc::clone(&store), Existing::Refuse, Map::new())
                .await
                .unwrap();
        let to = writer.array("", &spec).await.unwrap();
        // In boxes that are no chunks.
        let step: Vec<u64> = shape.iter().map(|length| 1 + below((*length).max(1))).collect();
        let boxes = strata_engine::Grid::even(&shape, &step);
        for number in 0..boxes.chunks().unwrap() {
            let region = boxes.region(&boxes.place(number));
            let start: Vec<u64> = region.iter().map(|range| range.start).collect();
            to.write(&start, &counted(&shape, &region)).await.unwrap();
        }
        writer.finish().await.unwrap();
        let array = array(&store).await.unwrap();
        for _ in 0..10 {
            let region: Vec<Range<u64>> = shape
                .iter()
                .map(|length| (below(length + 1), below(length + 1)))
                .map(|(a, b)| a.min(b)..a.max(b))
                .collect();
            let got = array.read(&region).await.unwrap();
            assert_eq!(got.values(), counted(&shape, &region).values(), "{spec:?} {region:?}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_when_it_is_opened() {
    let bytes = json!({"name": "bytes", "configuration": {"endian": "little"}});
    let grid = |shape: Value| json!({"name": "regular", "configuration": {"chunk_shape": shape}});
    let shards = |inner: Value, codecs: Value| {
        json!([{"name": "sharding_indexed", "configuration": {
            "chunk_shape": inner, "codecs": codecs, "index_codecs": [bytes, {"name": "crc32c"}]
        }}])
    };
    let huge = 1_u64 << 32;
    for (said, says) in [
        (json!({"chunk_grid": grid(json!([huge, huge]))}), "can be counted"),
        (json!({"chunk_grid": grid(json!([1 << 20, 1 << 20]))}), "smaller chunks"),
        (json!({"chunk_grid": grid(json!([0, 3]))}), "empty"),
        (json!({"chunk_grid": grid(json!([4]))}), "dimensions"),
        (json!({"chunk_grid": grid(json!([-4, 3]))}), "no shape"),
        (
            json!({"chunk_grid": {"name": "rectilinear", "configuration": {"chunk_shapes": [[[1, i64::MAX]]]}}}),
            "rectilinear",
        ),
        (json!({"shape": [u64::MAX, 6]}), "more values than can be counted"),
        (json!({"shape": [huge, huge]}), "more values than can be counted"),
        (json!({"shape": vec![1; 40], "chunk_grid": grid(json!(vec![1; 40]))}), "40 dimensions"),
        (
            json!({"data_type": {"name": "fixed_length_utf32", "configuration": {"length_bytes": 1_u64 << 50}}}),
            "cannot be read",
        ),
        (json!({"data_type": "r16"}), "cannot be read"),
        (json!({"fill_value": 3_000_000_000_u64}), "fill_value"),
        (json!({"fill_value": "NaN"}), "fill_value"),
        (
            json!({"codecs": [bytes, {"name": "wild", "must_understand": false}]}),
            "'wild' is not known",
        ),
        (json!({"codecs": [bytes, {"name": "zstd", "configuration": {"level": "x"}}]}), "level"),
        (json!({"codecs": shards(json!([4]), json!([bytes]))}), "chunks 1"),
        (json!({"codecs": shards(json!([3, 3]), json!([bytes]))}), "no whole chunks"),
        (json!({"codecs": shards(json!([0, 3]), json!([bytes]))}), "empty"),
        (
            json!({"codecs": shards(json!([1, 1]), json!([bytes])), "chunk_grid": grid(json!([1 << 15, 1 << 15]))}),
            "shards hold",
        ),
        (
            json!({"codecs": shards(json!([2, 3]), shards(json!([1, 1]), json!([bytes])))}),
            "shards within shards",
        ),
        (
            json!({"codecs": shards(json!([2, 3]), json!([bytes])).as_array().unwrap().iter().cloned().chain([json!("crc32c")]).collect::<Vec<_>>()}),
            "around its shards",
        ),
        (json!({"storage_transformers": [{"name": "x"}]}), "storage transformers"),
        (json!({"surprise": {"name": "x"}}), "surprise"),
        (json!({"dimension_names": ["x"]}), "dimension_names"),
        (json!({"zarr_format": 4}), "version"),
        (json!({"node_type": "tree"}), "neither"),
        (
            json!({"chunk_key_encoding": {"name": "default", "configuration": {"separator": "-"}}}),
            "separated",
        ),
    ] {
        let error =
            with(said.clone(), &[]).await.err().unwrap_or_else(|| panic!("{said} was opened"));
        assert!(matches!(error, ArrayError::Source { .. }), "{error:?}");
        assert!(error.to_string().contains(says), "{said}: {error}");
    }
    let store = memory();
    assert!(array(&store).await.unwrap_err().to_string().contains("no Zarr array"));
    put(&store, "zarr.json", "{\"a\":").await;
    assert!(array(&store).await.unwrap_err().to_string().contains("zarr.json"));
}

#[tokio::test]
async fn what_is_large_is_opened_and_not_read() {
    let large = json!({"shape": [1_u64 << 31, 1_u64 << 31], "fill_value": 7});
    let array = with(large, &[]).await.unwrap();
    assert_eq!(cells(&array.form().shape()), Some(1 << 62));
    let far = array.read(&[(1 << 30)..(1 << 30) + 2, (1 << 31) - 1..1 << 31]).await.unwrap();
    assert_eq!(far.values(), Slice::I32(&[7, 7]));
    let all = array.read(&[0..1 << 31, 0..1 << 31]).await.unwrap_err();
    assert!(all.to_string().contains("memory"), "{all}");
}

#[tokio::test]
async fn what_is_damaged_is_named() {
    let bytes = json!({"name": "bytes", "configuration": {"endian": "little"}});
    let packed = |name: &str| json!({"codecs": [bytes, {"name": name, "configuration": {}}]});
    let shards = json!({"codecs": [{"name": "sharding_indexed", "configuration": {
        "chunk_shape": [4, 3], "codecs": [bytes], "index_codecs": [bytes]
    }}]});
    let index = |start: u64, length: u64| [start.to_le_bytes(), length.to_le_bytes()].concat();
    // A frame of zstd that claims 2^46 bytes.
    let claims =
        [&[0x28, 0xb5, 0x2f, 0xfd, 0xe0][..], &(1_u64 << 46).to_le_bytes(), &[1, 0, 0]].concat();
    let zeros = vec![0; 64 << 20];
    let bomb = {
        let mut packed = Vec::new();
        let mut encoder =
            flate2::read::GzEncoder::new(zeros.as_slice(), flate2::Compression::best());
        std::io::Read::read_to_end(&mut encoder, &mut packed).unwrap();
        packed
    };
    for (said, chunk, says) in [
        (json!({}), vec![0; 47], "47"),
        (json!({}), vec![0; 49], "49"),
        (json!({}), vec![], "0"),
        (packed("zstd"), claims, "damaged"),
        (packed("zstd"), vec![1, 2, 3], "damaged"),
        (
            packed("zstd"),
            zstd::bulk::compress(&[0; 47], 1).unwrap(),
            "47 bytes come out, expected 48",
        ),
        (packed("zstd"), zstd::bulk::compress(&zeros, 1).unwrap(), "48"),
        (packed("gzip"), bomb, "more than the expected 48"),
        (packed("numcodecs.zlib"), vec![0x78, 0x9c], "damaged"),
        (packed("numcodecs.bz2"), vec![b'B', b'Z', b'h', b'9'], "damaged"),
        (packed("numcodecs.lz4"), vec![0xff; 8], "expected 48"),
        (
            packed("blosc"),
            vec![2, 1, 0, 4, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 16, 0, 0, 0],
            "expected 48",
        ),
        (packed("crc32c"), vec![0; 52], "checksum"),
        (packed("crc32c"), vec![0; 3], ""),
        (packed("numcodecs.fletcher32"), vec![1; 52], "checksum"),
        (packed("numcodecs.adler32"), vec![1; 2], ""),
        (packed("numcodecs.shuffle"), vec![1; 2], ""),
        (shards.clone(), index(u64::MAX, 2), "truncated or damaged"),
        (shards.clone(), index(0, 1 << 40), "truncated or damaged"),
        (shards.clone(), index(0, 16), ""),
        (shards.clone(), vec![0; 3], "truncated"),
    ] {
        let array = with(said.clone(), &chunk).await.unwrap();
        let error =
            array.read(&[0..4, 0..3]).await.err().unwrap_or_else(|| panic!("{said} was read"));
        let ArrayError::Chunk { array, chunk, key, reason } = &error else { panic!("{error:?}") };
        assert_eq!(
            (array.as_str(), chunk.as_str(), key.as_str()),
            ("cube.zarr", "[0, 0]", "c/0/0")
        );
        assert!(reason.contains(says), "{said}: {reason}");
    }
}

#[tokio::test]
async fn one_array_does_not_spoil_the_others() {
    let store = memory();
    let good = json!({"zarr_format": 2, "shape": [4], "chunks": [2], "dtype": ">i2", "compressor": null,
        "fill_value": null, "order": "F", "filters": null});
    put(&store, ".zgroup", "{\"zarr_format\": 2}").await;
    put(&store, ".zattrs", "{\"x\": NaN}").await;
    put(&store, "good/.zarray", good.to_string()).await;
    put(&store, "good/.zattrs", "{\"_ARRAY_DIMENSIONS\": [\"time\"], \"limit\": -Infinity}").await;
    put(&store, "good/0", vec![1, 2, 3, 4]).await;
    let mut words = good.clone();
    words["dtype"] = json!("|O");
    put(&store, "words/.zarray", words.to_string()).await;
    put(&store, "broken/.zarray", "{").await;
    put(&store, "elsewhere/readme.txt", "no array").await;
    let Node::Group(group) = open(&Place::new(&url(), Arc::clone(&store)).unwrap()).await.unwrap()
    else {
        panic!()
    };
    assert_eq!(group.attributes["x"], "NaN");
    assert_eq!(group.arrays.keys().collect::<Vec<_>>(), ["broken", "good", "words"]);
    let words = group.arrays["words"].as_ref().unwrap_err().to_string();
    assert!(words.contains("cube.zarr/words") && words.contains("|O"), "{words}");
    let good = group.arrays["good"].as_ref().unwrap();
    assert_eq!(good.form().dims, [Some("time".to_string())]);
    assert_eq!(good.attributes()["limit"], "-Infinity");
    assert!(good.fill_value().is_none());
    assert_eq!(good.read(&[0..4]).await.unwrap().values(), Slice::I16(&[0x102, 0x304, 0, 0]));
}
