//! Parquet files that are cut, damaged, or disagree.

use super::samples::{cut, good, half};
use super::{Case, put, run_all};
use strata::RunText;

/// A sound file with some of its bytes overwritten.
fn damaged(range: impl Fn(usize) -> std::ops::Range<usize>, with: u8) -> Vec<u8> {
    let mut bytes = good("good.parquet");
    let range = range(bytes.len());
    bytes[range].fill(with);
    bytes
}

/// A sound file that claims a footer of so many bytes.
fn with_footer_of(length: u32) -> Vec<u8> {
    let mut bytes = good("good.parquet");
    let end = bytes.len();
    bytes[end - 8..end - 4].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// A file of one column packed with snappy, its codec exchanged for another in the footer.
fn with_codec(codec: u8) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let copy = format!(
        "COPY (SELECT value AS id FROM range(0, 10)) TO '{}' OPTIONS (compression 'snappy')",
        path.display()
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let session = strata::session(strata::Settings::default()).unwrap();
        session.run(&copy).await.unwrap().collect().await.unwrap();
    });
    let mut bytes = std::fs::read(path).unwrap();
    // In the column's metadata: its path, a list of one text `id`, then the codec as a zigzag number.
    let mark = b"\x19\x18\x02id\x15";
    let places: Vec<usize> = bytes
        .windows(mark.len())
        .enumerate()
        .filter(|(_, w)| *w == mark)
        .map(|(at, _)| at)
        .collect();
    assert_eq!(places.len(), 1, "the footer has changed its form");
    bytes[places[0] + mark.len()] = codec * 2;
    bytes
}

#[test]
fn parquet() {
    run_all(&[
        Case {
            name: "nothing but the magic",
            make: |at| put(at, "x.parquet", "PAR1"),
            statement: "SELECT * FROM '$/x.parquet'",
            says: &["x.parquet': 4 bytes are too few for a Parquet file", "copy it again"],
        },
        Case {
            name: "cut in the middle",
            make: |at| put(at, "x.parquet", half("good.parquet")),
            statement: "SELECT * FROM '$/x.parquet'",
            says: &["x.parquet', byte", "cut short: it does not end with 'PAR1'", "copy it again"],
        },
        Case {
            name: "cut in the footer",
            make: |at| put(at, "x.parquet", cut("good.parquet", 6)),
            statement: "SELECT * FROM '$/x.parquet'",
            says: &["x.parquet', byte", "cut short: it does not end with 'PAR1'", "copy it again"],
        },
        Case {
            name: "wrong magic",
            make: |at| {
                let mut bytes = good("good.parquet");
                let end = bytes.len();
                bytes[..4].copy_from_slice(b"NOPE");
                bytes[end - 4..].copy_from_slice(b"NOPE");
                put(at, "x.parquet", bytes);
            },
            statement: "SELECT * FROM '$/x.parquet'",
            says: &["x.parquet', byte 0: this is no Parquet file", "give it the name"],
        },
        Case {
            name: "a footer that begins within another part",
            make: |at| put(at, "x.parquet", with_footer_of(50)),
            statement: "SELECT * FROM '$/x.parquet'",
            says: &["x.parquet', footer: the footer cannot be read", "copy it again"],
        },
        Case {
            name: "a footer without a byte",
            make: |at| put(at, "x.parquet", with_footer_of(0)),
            statement: "SELECT * FROM '$/x.parquet'",
            says: &["x.parquet', footer: the footer cannot be read", "copy it again"],
        },
        Case {
            name: "garbage in the footer",
            make: |at| put(at, "x.parquet", damaged(|size| size - 300..size - 8, 0xa5)),
            statement: "SELECT * FROM '$/x.parquet'",
            says: &["x.parquet', footer: the footer cannot be read", "copy it again"],
        },
        Case {
            name: "a damaged page",
            make: |at| put(at, "x.parquet", damaged(|_| 4..40, 0xff)),
            statement: "SELECT sum(id) FROM '$/x.parquet'",
            says: &["x.parquet', row group 0, column 'id'", "copy it again"],
        },
        Case {
            name: "a damaged page in one of several files",
            make: |at| {
                put(at, "d/a.parquet", good("good.parquet"));
                put(at, "d/b.parquet", damaged(|_| 4..40, 0xff));
            },
            statement: "SELECT sum(id) FROM '$/d'",
            says: &["b.parquet', row group 0, column 'id'", "copy it again"],
        },
        Case {
            name: "a codec nobody packs with any more",
            make: |at| put(at, "x.parquet", with_codec(3)),
            statement: "SELECT sum(id) FROM '$/x.parquet'",
            says: &["x.parquet', row group 0, column 'id'", "LZO", "SNAPPY or ZSTD"],
        },
        Case {
            name: "a codec that does not exist",
            make: |at| put(at, "x.parquet", with_codec(60)),
            statement: "SELECT sum(id) FROM '$/x.parquet'",
            says: &["x.parquet', footer: the footer cannot be read", "copy it again"],
        },
        Case {
            name: "a codec other than its pages have",
            make: |at| put(at, "x.parquet", with_codec(2)),
            statement: "SELECT sum(id) FROM '$/x.parquet'",
            says: &["x.parquet', row group 0, column 'id'", "copy it again"],
        },
    ]);
}

#[tokio::test]
async fn types_that_disagree() {
    let folder = tempfile::tempdir().unwrap();
    let session = strata::session(strata::Settings::default()).unwrap();
    for (name, query) in [("a", "SELECT 1 AS a"), ("b", "SELECT 'x' AS a")] {
        let copy = format!("COPY ({query}) TO '{}/{name}.parquet'", folder.path().display());
        session.run(&copy).await.unwrap().collect().await.unwrap();
    }
    let statement = format!("SELECT * FROM '{}'", folder.path().display());
    let ran = crate::run_in(folder.path(), &["-c", &statement], "");
    assert_eq!((ran.code, ran.errors().len()), (Some(1), 1), "{}", ran.err);
    for part in ["column 'a' is Int64 in", "a.parquet'", "b.parquet'", "CAST and UNION ALL"] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
}
