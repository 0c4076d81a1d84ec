//! Packed files that are cut, damaged, or not packed at all; contents under a wrong name.

use super::samples::{good, half};
use super::{Case, put, run_all};

#[test]
fn streams_that_break_off() {
    run_all(&[
        Case {
            name: "half a gzip CSV",
            make: |at| put(at, "x.csv.gz", half("good.csv.gz")),
            statement: "SELECT count(*) FROM '$/x.csv.gz'",
            says: &["x.csv.gz'", "the gzip stream is cut short", "download the file again"],
        },
        Case {
            name: "half a zstd CSV",
            make: |at| put(at, "x.csv.zst", half("good.csv.zst")),
            statement: "SELECT count(*) FROM '$/x.csv.zst'",
            says: &["x.csv.zst'", "the zstd stream is cut short", "download the file again"],
        },
        Case {
            name: "half a bzip2 CSV",
            make: |at| put(at, "x.csv.bz2", half("good.csv.bz2")),
            statement: "SELECT count(*) FROM '$/x.csv.bz2'",
            says: &["x.csv.bz2'", "the bzip2 stream is cut short", "download the file again"],
        },
        Case {
            name: "half an xz CSV",
            make: |at| put(at, "x.csv.xz", half("good.csv.xz")),
            statement: "SELECT count(*) FROM '$/x.csv.xz'",
            says: &["x.csv.xz'", "the xz stream is cut short", "download the file again"],
        },
        Case {
            name: "half a gzip JSON",
            make: |at| put(at, "x.json.gz", half("good.json.gz")),
            statement: "SELECT count(*) FROM '$/x.json.gz'",
            says: &["x.json.gz'", "the gzip stream is cut short", "download the file again"],
        },
        Case {
            name: "half a zstd JSON",
            make: |at| put(at, "x.json.zst", half("good.json.zst")),
            statement: "SELECT count(*) FROM '$/x.json.zst'",
            says: &["x.json.zst'", "the zstd stream is cut short", "download the file again"],
        },
        Case {
            name: "gzip damaged in the middle",
            make: |at| {
                let mut bytes = good("good.csv.gz");
                let middle = bytes.len() / 2;
                bytes[middle..middle + 200].fill(0xff);
                put(at, "x.csv.gz", bytes);
            },
            statement: "SELECT count(*) FROM '$/x.csv.gz'",
            says: &["x.csv.gz'", "copy it again"],
        },
    ]);
}

#[test]
fn names_that_lie() {
    run_all(&[
        Case {
            name: "text named gzip",
            make: |at| put(at, "x.csv.gz", "a,b\n1,2\n"),
            statement: "SELECT * FROM '$/x.csv.gz'",
            says: &["x.csv.gz': this is no gzip stream", "give it the name its contents have"],
        },
        Case {
            name: "text named zstd",
            make: |at| put(at, "x.csv.zst", "a,b\n1,2\n"),
            statement: "SELECT * FROM '$/x.csv.zst'",
            says: &["x.csv.zst': this is no zstd stream", "give it the name its contents have"],
        },
        Case {
            name: "text named bzip2",
            make: |at| put(at, "x.csv.bz2", "a,b\n1,2\n"),
            statement: "SELECT * FROM '$/x.csv.bz2'",
            says: &["x.csv.bz2': this is no bzip2 stream", "give it the name its contents have"],
        },
        Case {
            name: "text named xz",
            make: |at| put(at, "x.json.xz", "{\"a\": 1}\n"),
            statement: "SELECT * FROM '$/x.json.xz'",
            says: &["x.json.xz': this is no xz stream", "give it the name its contents have"],
        },
        Case {
            name: "Parquet named CSV",
            make: |at| put(at, "x.csv", good("good.parquet")),
            statement: "SELECT * FROM '$/x.csv'",
            says: &["x.csv', byte 0: this is a Parquet file", "ends in '.parquet'"],
        },
        Case {
            name: "Arrow named JSON",
            make: |at| put(at, "x.json", good("good.arrow")),
            statement: "SELECT * FROM '$/x.json'",
            says: &["x.json', byte 0: this is an Arrow file", "ends in '.arrow'"],
        },
        Case {
            name: "gzip named CSV",
            make: |at| put(at, "x.csv", good("good.csv.gz")),
            statement: "SELECT * FROM '$/x.csv'",
            says: &["x.csv', byte 0: this is packed with gzip", "ends in '.gz'"],
        },
        Case {
            name: "CSV named Parquet",
            make: |at| put(at, "x.parquet", "a,b\n1,2\n3,4\n"),
            statement: "SELECT * FROM '$/x.parquet'",
            says: &["x.parquet', byte 0: this is no Parquet file", "give it the name"],
        },
    ]);
}
