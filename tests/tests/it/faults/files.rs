//! Files that are missing, empty, in disguise, or wrong inside; text formats, Arrow and Avro.

use super::samples::{cut, good, half};
use super::{Case, nothing, put, run_all, said_by_library};

/// Of a format that tells no more than its bytes.
const NOISE: [u8; 500] = [0x99; 500];

#[test]
fn what_is_not_there() {
    run_all(&[
        Case {
            name: "missing file",
            make: |at| put(at, "orders.csv", "a\n1\n"),
            statement: "SELECT * FROM '$/order.csv'",
            says: &["'order.csv' does not exist in", "did you mean 'orders.csv'?"],
        },
        Case {
            name: "missing folder on the way",
            make: nothing,
            statement: "SELECT * FROM '$/nowhere/x.csv'",
            says: &["folder 'nowhere' does not exist in"],
        },
        Case {
            name: "missing folder",
            make: nothing,
            statement: "SELECT * FROM '$/nowhere/'",
            says: &["folder 'nowhere' does not exist in"],
        },
        Case {
            name: "missing file in a chain",
            make: |at| put(at, "orders.csv", "a\n1\n"),
            statement: "'$/order.csv'.head(1)",
            says: &["'order.csv' does not exist in", "did you mean 'orders.csv'?"],
        },
        Case {
            name: "glob without a match",
            make: |at| put(at, "a.csv", "a\n1\n"),
            statement: "SELECT * FROM '$/*.parquet'",
            says: &["no file matches", "*.parquet'", "check the pattern"],
        },
        Case {
            name: "empty folder",
            make: |at| std::fs::create_dir(at.join("bare")).unwrap(),
            statement: "SELECT * FROM '$/bare'",
            says: &["bare' holds no file to read", "put files there"],
        },
        Case {
            name: "folder named like a file",
            make: |at| std::fs::create_dir(at.join("x.parquet")).unwrap(),
            statement: "SELECT * FROM '$/x.parquet'",
            says: &["folder '", "x.parquet' holds no file to read"],
        },
        Case {
            name: "file named like a folder",
            make: |at| put(at, "x.csv", "a\n1\n"),
            statement: "SELECT * FROM '$/x.csv/'",
            says: &["x.csv/", "not a folder"],
        },
        #[cfg(unix)]
        Case {
            name: "link to nothing",
            make: |at| std::os::unix::fs::symlink("gone.csv", at.join("link.csv")).unwrap(),
            statement: "SELECT * FROM '$/link.csv'",
            says: &["link.csv'", "a link to 'gone.csv', which does not exist", "point the link"],
        },
        #[cfg(unix)]
        Case {
            name: "links in a circle",
            make: |at| {
                std::os::unix::fs::symlink("b.csv", at.join("a.csv")).unwrap();
                std::os::unix::fs::symlink("a.csv", at.join("b.csv")).unwrap();
            },
            statement: "SELECT * FROM '$/a.csv'",
            says: &["a.csv'"],
        },
        #[cfg(unix)]
        Case {
            name: "a device",
            make: nothing,
            statement: "SELECT * FROM '/dev/null'",
            says: &["'/dev/null'", "neither a file nor a folder"],
        },
    ]);
}

#[test]
fn what_is_empty() {
    run_all(&[
        Case {
            name: "empty CSV",
            make: |at| put(at, "x.csv", ""),
            statement: "SELECT * FROM '$/x.csv'",
            says: &["CSV file", "x.csv' is empty (0 bytes)", "write it again"],
        },
        Case {
            name: "empty JSON",
            make: |at| put(at, "x.json", ""),
            statement: "SELECT * FROM '$/x.json'",
            says: &["JSON file", "x.json' is empty (0 bytes)", "write it again"],
        },
        Case {
            name: "empty Parquet",
            make: |at| put(at, "x.parquet", ""),
            statement: "SELECT * FROM '$/x.parquet'",
            says: &["Parquet file", "x.parquet' is empty (0 bytes)", "write it again"],
        },
        Case {
            name: "empty Arrow",
            make: |at| put(at, "x.arrow", ""),
            statement: "SELECT * FROM '$/x.arrow'",
            says: &["Arrow file", "x.arrow' is empty (0 bytes)", "write it again"],
        },
        Case {
            name: "empty Avro",
            make: |at| put(at, "x.avro", ""),
            statement: "SELECT * FROM '$/x.avro'",
            says: &["Avro file", "x.avro' is empty (0 bytes)", "write it again"],
        },
        Case {
            name: "packed file without a byte",
            make: |at| put(at, "x.csv.gz", ""),
            statement: "SELECT * FROM '$/x.csv.gz'",
            says: &["CSV file", "x.csv.gz' is empty (0 bytes)", "write it again"],
        },
        Case {
            name: "folder of empty files",
            make: |at| {
                put(at, "d/a.csv", "");
                put(at, "d/b.csv", "");
            },
            statement: "SELECT * FROM '$/d'",
            says: &["d/a.csv' is empty"],
        },
    ]);
}

#[test]
fn csv() {
    run_all(&[
        Case {
            name: "too few fields",
            make: |at| put(at, "x.csv", "a,b,c\n1,2,3\n4,5\n"),
            statement: "SELECT * FROM '$/x.csv'",
            says: &["x.csv', line 3: 2 fields where the header has 3", "truncated_rows"],
        },
        Case {
            name: "too many fields",
            make: |at| put(at, "x.csv", "a,b\n1,2\n3,4,5\n"),
            statement: "SELECT * FROM '$/x.csv'",
            says: &["x.csv', line 3: 3 fields where the header has 2", "must be quoted"],
        },
        Case {
            name: "too few fields where nobody looked",
            make: |at| put(at, "x.csv", "a,b\n1,2\n".to_string() + &"3,4\n".repeat(3_000) + "5\n"),
            statement: "SET files.sniff = '4KiB'; SELECT sum(a) FROM '$/x.csv'",
            says: &["x.csv', line 3003: 1 field where the header has 2", "truncated_rows"],
        },
        Case {
            name: "a quote left open",
            make: |at| put(at, "x.csv", "a,b\n1,x\n2,\"y\n3,z\n"),
            statement: "SELECT * FROM '$/x.csv'",
            says: &["x.csv', line 3: a quote is opened there and never closed", "close it"],
        },
        Case {
            name: "another encoding",
            make: |at| put(at, "x.csv", b"a,b\n1,caf\xe9\n"),
            statement: "SELECT * FROM '$/x.csv'",
            says: &["x.csv', line 2, column 'b': the text is not UTF-8", "iconv"],
        },
        Case {
            name: "another encoding where nobody looked",
            make: |at| {
                let start = "a,b\n1,x\n".to_string() + &"2,y\n".repeat(3_000);
                put(at, "x.csv", [start.as_bytes(), b"3,caf\xe9\n"].concat());
            },
            statement: "SET files.sniff = '4KiB'; SELECT max(b) FROM '$/x.csv'",
            says: &["x.csv', line 3003, column 'b': the text is not UTF-8", "iconv"],
        },
        Case {
            name: "UTF-16",
            make: |at| put(at, "x.csv", b"\xff\xfea\x00,\x00b\x00\n\x001\x00,\x002\x00\n\x00"),
            statement: "SELECT * FROM '$/x.csv'",
            says: &["x.csv', byte 0: the text is UTF-16", "iconv"],
        },
        Case {
            name: "a number turns into text where nobody looked",
            make: |at| put(at, "x.csv", "a,b\n".to_string() + &"1,2\n".repeat(3_000) + "one,2\n"),
            statement: "SET files.sniff = '4KiB'; SELECT max(a) FROM '$/x.csv'",
            says: &["x.csv', line 3002, column 'a': 'one' is no Int64", "SET files.sniff"],
        },
        Case {
            name: "a value that does not fit its declared type",
            make: |at| put(at, "x.csv", "a,b\n1,2\nx,4\n"),
            statement: "CREATE EXTERNAL TABLE t (a BIGINT, b BIGINT) STORED AS CSV \
                        LOCATION '$/x.csv'; SELECT max(a) FROM t",
            says: &["x.csv', line 3, column 'a': 'x' is no Int64", "fix the value"],
        },
        Case {
            name: "headers that differ",
            make: |at| {
                put(at, "d/a.csv", "x,y\n1,2\n");
                put(at, "d/b.csv", "y,x\n1,2\n");
            },
            statement: "SELECT * FROM '$/d'",
            says: &["d/a.csv' has the columns (x, y)", "d/b.csv' has (y, x)", "UNION ALL BY NAME"],
        },
    ]);
}

#[test]
fn csv_that_is_odd_but_readable() {
    for (contents, columns, rows) in [
        ("a,a\n1,2\n", vec!["a", "a_1"], 1),
        ("a,b\n", vec!["a", "b"], 0),
        ("a,b\n1,x\0y\n2,z\n", vec!["a", "b"], 2),
        ("a,b\r\n1,2\r\n\r\n3,4", vec!["a", "b"], 2),
    ] {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "x.csv", contents);
        let path = folder.path().join("x.csv").display().to_string();
        assert_eq!(said_by_library(&format!("SELECT * FROM '{path}'")), None, "{contents:?}");
        let ran = crate::run_in(
            folder.path(),
            &["-F", "ndjson", "-c", &format!("SELECT count(*) AS n FROM '{path}'")],
            "",
        );
        assert_eq!(ran.out, format!("{{\"n\":{rows}}}\n"), "{contents:?}: {}", ran.err);
        let ran = crate::run_in(
            folder.path(),
            &["-c", &format!("SELECT column_name FROM (DESCRIBE '{path}')")],
            "",
        );
        let described = match ran.code {
            Some(0) => ran.out,
            _ => {
                let args = ["-c", &format!("DESCRIBE '{path}'")];
                crate::run_in(folder.path(), &args, "").out
            }
        };
        for column in columns {
            assert!(described.lines().any(|line| line.starts_with(column)), "{described}");
        }
    }
}

#[test]
fn json() {
    run_all(&[
        Case {
            name: "a line that is no JSON",
            make: |at| put(at, "x.json", "{\"a\": 1}\n{\"a\": \n{\"a\": 3}\n"),
            statement: "SELECT * FROM '$/x.json'",
            says: &["x.json', line 2: not JSON", "fix or remove the line"],
        },
        Case {
            name: "a late line that is no JSON",
            make: |at| put(at, "x.json", "{\"a\": 1}\n".repeat(12_000) + "{\"a\" 2}\n"),
            statement: "SELECT sum(a) FROM '$/x.json'",
            says: &["x.json', line 12001: not JSON", "fix or remove the line"],
        },
        Case {
            name: "lines that are no objects",
            make: |at| put(at, "x.json", "1\n2\n"),
            statement: "SELECT * FROM '$/x.json'",
            says: &["x.json', line 1: a JSON value that is no object", "{\"a\": 1}"],
        },
        Case {
            name: "an object where a number was",
            make: |at| put(at, "x.json", "{\"a\": 1}\n\n{\"a\": {\"b\": 1}}\n"),
            statement: "SELECT * FROM '$/x.json'",
            says: &["x.json', line 3, column 'a': an object where line 1 has a plain value"],
        },
        Case {
            name: "an array where an object was",
            make: |at| put(at, "x.json", "{\"a\": {\"b\": 1}}\n{\"a\": [1]}\n"),
            statement: "SELECT * FROM '$/x.json'",
            says: &["x.json', line 2, column 'a': an array where line 1 has an object"],
        },
        Case {
            name: "text where numbers were",
            make: |at| put(at, "x.json", "{\"a\": 1}\n".repeat(12_000) + "{\"a\": \"x\"}\n"),
            statement: "SELECT sum(a) FROM '$/x.json'",
            says: &["x.json', line 12001, column 'a': \"x\" is no Int64", "CREATE EXTERNAL TABLE"],
        },
        Case {
            name: "an array that breaks off",
            make: |at| put(at, "x.json", "[{\"a\": 1},\n {\"a\":]"),
            statement: "SELECT * FROM '$/x.json'",
            says: &["x.json', line 2, column 7: not an array of JSON objects", "fix it there"],
        },
        Case {
            name: "arrays within arrays",
            make: |at| {
                let deep = "[".repeat(10_000) + &"]".repeat(10_000);
                put(at, "x.json", format!("{{\"a\": {deep}}}\n"));
            },
            statement: "SELECT * FROM '$/x.json'",
            says: &["x.json', line 1: not JSON", "recursion limit"],
        },
        Case {
            name: "objects within objects",
            make: |at| put(at, "x.json", "{\"a\":".repeat(10_000) + "1" + &"}".repeat(10_000)),
            statement: "SELECT * FROM '$/x.json'",
            says: &["x.json', line 1: not JSON", "recursion limit"],
        },
    ]);
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "x.json", "[{\"a\": 1}, {\"a\": 2}]");
    let sum = format!("SELECT sum(a) AS s FROM '{}/x.json'", folder.path().display());
    assert_eq!(crate::run_in(folder.path(), &["-c", &sum], "").out, "s\n3\n");
}

#[test]
fn arrow_and_avro() {
    run_all(&[
        Case {
            name: "Arrow file cut in the middle",
            make: |at| put(at, "x.arrow", half("good.arrow")),
            statement: "SELECT * FROM '$/x.arrow'",
            says: &["x.arrow', byte", "cut short", "copy it again"],
        },
        Case {
            name: "Arrow file without its last bytes",
            make: |at| put(at, "x.arrow", cut("good.arrow", 3)),
            statement: "SELECT * FROM '$/x.arrow'",
            says: &["x.arrow', byte", "cut short", "copy it again"],
        },
        Case {
            name: "Arrow file with garbage inside",
            make: |at| put(at, "x.arrow", [b"ARROW1\0\0".as_slice(), &NOISE, b"ARROW1"].concat()),
            statement: "SELECT * FROM '$/x.arrow'",
            says: &["x.arrow', header: it cannot be opened as Arrow", "copy it again"],
        },
        Case {
            name: "garbage named Arrow",
            make: |at| put(at, "x.arrow", NOISE),
            statement: "SELECT * FROM '$/x.arrow'",
            says: &["x.arrow', header: it cannot be opened as Arrow", "copy it again"],
        },
        Case {
            name: "Arrow stream that breaks off in its schema",
            make: |at| put(at, "x.arrow", &good("good.arrow")[8..40]),
            statement: "SELECT * FROM '$/x.arrow'",
            says: &["x.arrow'", "copy it again"],
        },
        Case {
            name: "Avro file that breaks off in its header",
            make: |at| put(at, "x.avro", &good("good.avro")[..20]),
            statement: "SELECT * FROM '$/x.avro'",
            says: &["x.avro'", "copy it again"],
        },
        Case {
            name: "Avro file cut in a block",
            make: |at| put(at, "x.avro", cut("good.avro", 100)),
            statement: "SELECT sum(id) FROM '$/x.avro'",
            says: &["x.avro'", "copy it again"],
        },
        Case {
            name: "Avro file with garbage inside",
            make: |at| put(at, "x.avro", [b"Obj\x01".as_slice(), &NOISE].concat()),
            statement: "SELECT * FROM '$/x.avro'",
            says: &["x.avro', header: it cannot be opened as Avro", "copy it again"],
        },
        Case {
            name: "text named Avro",
            make: |at| put(at, "x.avro", "a,b\n1,2\n"),
            statement: "SELECT * FROM '$/x.avro'",
            says: &["x.avro', byte 0: this is no Avro file", "give it the name"],
        },
    ]);
}

#[test]
fn many_files() {
    run_all(&[
        Case {
            name: "several formats",
            make: |at| {
                put(at, "d/a.csv", "a\n1\n");
                put(at, "d/b.json", "{\"a\": 1}\n");
            },
            statement: "SELECT * FROM '$/d'",
            says: &["mixes formats", "a.csv' is CSV", "b.json' is JSON", "**/*.csv'"],
        },
        Case {
            name: "different partition columns",
            make: |at| {
                put(at, "t/a=1/x.csv", "v\n1\n");
                put(at, "t/b=1/x.csv", "v\n1\n");
            },
            statement: "SELECT * FROM '$/t'",
            says: &["a=1/x.csv' has a,", "b=1/x.csv' has b;", "one level of folders"],
        },
        Case {
            name: "partitions at different depths",
            make: |at| {
                put(at, "t/a=1/x.csv", "v\n1\n");
                put(at, "t/y.csv", "v\n1\n");
            },
            statement: "SELECT * FROM '$/t'",
            says: &["different partition columns", "y.csv' has none", "one level of folders"],
        },
        Case {
            name: "the bad one among many",
            make: |at| {
                for day in 0..40 {
                    put(at, &format!("d/{day:02}.csv"), "a,b\n1,2\n");
                }
                put(at, "d/37.csv", "a,b\n1,2\n3\n");
            },
            statement: "SELECT sum(a) FROM '$/d'",
            says: &["37.csv', line 3: 1 field where the header has 2"],
        },
    ]);
}
