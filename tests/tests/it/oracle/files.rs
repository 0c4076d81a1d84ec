//! Files that others might write: read here, they have the rows and the types that DuckDB reads.

use std::io::Write;

use strata_tests::answer::{Answer, Cell};
use strata_tests::oracle::{COARSE, answer};
use strata_tests::python::python_with;
use strata_tests::random::Random;

/// How somebody writes CSV.
struct Dialect {
    name: &'static str,
    delimiter: char,
    quote: char,
    header: bool,
    line_end: &'static str,
    quote_all: bool,
    marked: bool,
}

const PLAIN: Dialect = Dialect {
    name: "plain",
    delimiter: ',',
    quote: '"',
    header: true,
    line_end: "\n",
    quote_all: false,
    marked: false,
};

const DIALECTS: [Dialect; 11] = [
    PLAIN,
    Dialect { name: "semicolons", delimiter: ';', ..PLAIN },
    Dialect { name: "bars", delimiter: '|', ..PLAIN },
    Dialect { name: "tabs", delimiter: '\t', ..PLAIN },
    Dialect { name: "headless", header: false, ..PLAIN },
    Dialect { name: "headless_bars", header: false, delimiter: '|', ..PLAIN },
    Dialect { name: "windows", line_end: "\r\n", ..PLAIN },
    Dialect { name: "windows_quoted", line_end: "\r\n", quote_all: true, delimiter: ';', ..PLAIN },
    Dialect { name: "quoted", quote_all: true, ..PLAIN },
    Dialect { name: "apostrophes", quote: '\'', quote_all: true, ..PLAIN },
    Dialect { name: "marked", marked: true, ..PLAIN },
];

const COLUMNS: [&str; 7] = ["id", "name", "price", "day", "at", "good", "note"];

/// A row as text; numbers, dates and truth as everybody writes them.
fn row(random: &mut Random, id: usize, hard: bool) -> Vec<Option<String>> {
    let words = ["north", "south east", "Zürich", "日本", "x-1"];
    let hard_words = ["a,b", "say \"x\"", "semi;colon", "b|ar", "two\nlines", "it's"];
    let word = |random: &mut Random| {
        let words = if hard && random.percent(40) { &hard_words[..] } else { &words[..] };
        random.of(words).to_string()
    };
    vec![
        Some(id.to_string()),
        Some(word(random)),
        random.maybe(10, |r| format!("{}.{:02}", r.below(900), r.below(100))),
        random.maybe(10, |r| format!("2024-{:02}-{:02}", r.below(12) + 1, r.below(28) + 1)),
        random.maybe(10, |r| {
            format!("2024-05-{:02} {:02}:{:02}:07", r.below(28) + 1, r.below(24), r.below(60))
        }),
        random.maybe(10, |r| if r.percent(50) { "true" } else { "false" }.to_string()),
        random.maybe(10, word),
    ]
}

fn csv(dialect: &Dialect, rows: &[Vec<Option<String>>]) -> Vec<u8> {
    let mut text = if dialect.marked { "\u{feff}".to_string() } else { String::new() };
    let quote = dialect.quote;
    let mut line = |cells: Vec<String>| {
        text.push_str(&cells.join(&dialect.delimiter.to_string()));
        text.push_str(dialect.line_end);
    };
    let quoted = |text: &str| {
        let doubled = text.replace(quote, &format!("{quote}{quote}"));
        format!("{quote}{doubled}{quote}")
    };
    if dialect.header {
        line(COLUMNS.iter().map(|name| name.to_string()).collect());
    }
    for row in rows {
        line(
            row.iter()
                .map(|cell| match cell {
                    None => String::new(),
                    Some(text)
                        if dialect.quote_all
                            || text.contains([dialect.delimiter, quote, '\n', '\r', '"']) =>
                    {
                        quoted(text)
                    }
                    Some(text) => text.clone(),
                })
                .collect(),
        );
    }
    text.into_bytes()
}

/// A type without its width, as both engines would call it.
fn family(data_type: &str) -> String {
    let lower = data_type.to_lowercase();
    let family = match lower.as_str() {
        name if name.contains("timestamp") => "timestamp",
        name if name.contains("int") => "integer",
        name if name.starts_with("decimal") => "decimal",
        name if name.starts_with("float") || name == "double" => "float",
        name if name.starts_with("utf8") || name.starts_with("largeutf8") || name == "varchar" => {
            "text"
        }
        name if name.starts_with("date") => "date",
        name if name.starts_with("bool") => "boolean",
        other => other,
    };
    family.to_string()
}

/// What differs in names and types, then in rows.
fn difference(mine: &Answer, theirs: &Answer, names: bool) -> Option<String> {
    if names && mine.names != theirs.names {
        return Some(format!("columns {:?} instead of {:?}", mine.names, theirs.names));
    }
    let families = |types: &[String]| types.iter().map(|t| family(t)).collect::<Vec<_>>();
    let (a, b) = (families(&mine.types), families(&theirs.types));
    if a != b {
        return Some(format!("types {a:?} instead of {b:?}"));
    }
    mine.difference(theirs, false)
}

/// The file, the words for it in DuckDB, and whether its columns are named.
struct Sample {
    file: String,
    theirs: String,
    named: bool,
}

async fn check(folder: &std::path::Path, samples: &[Sample]) {
    let Some(python) = python_with("duckdb") else { return };
    let path = |file: &str| folder.join(file).display().to_string();
    let questions: Vec<String> = samples
        .iter()
        .map(|sample| {
            format!("SELECT * FROM {}", sample.theirs.replace("FILE", &path(&sample.file)))
        })
        .collect();
    let expected = python.ask(&[], &questions);
    let mut wrong = Vec::new();
    for grain in COARSE {
        let session = grain.session();
        for (sample, expected) in samples.iter().zip(&expected) {
            let expected = expected.as_ref().unwrap_or_else(|e| panic!("{}: {e}", sample.file));
            let text = format!("SELECT * FROM '{}'", path(&sample.file));
            let difference = match answer(&session, &text).await {
                Ok(mine) => difference(&mine, expected, sample.named),
                Err(error) => Some(error),
            };
            if let Some(difference) = difference {
                wrong.push(format!("{} {grain:?}: {difference}", sample.file));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_of_many_dialects() {
    let folder = tempfile::tempdir().unwrap();
    let mut samples = Vec::new();
    for (number, dialect) in DIALECTS.iter().enumerate() {
        for (size, hard) in [(1, false), (60, false), (60, true)] {
            // Neither engine looks for a quote within text that the dialect does not quote.
            let mut random = Random::new(number as u64 * 10 + size as u64);
            let rows: Vec<_> = (0..size).map(|id| row(&mut random, id, hard)).collect();
            let file = format!("{}_{size}_{hard}.csv", dialect.name);
            std::fs::write(folder.path().join(&file), csv(dialect, &rows)).unwrap();
            // What a dialect is by definition is told to the oracle: it stands for the writer.
            let theirs = format!(
                "read_csv('FILE', delim='{}', quote='{}', escape='{}', header={})",
                dialect.delimiter,
                if dialect.quote == '\'' { "''".to_string() } else { dialect.quote.to_string() },
                if dialect.quote == '\'' { "''".to_string() } else { dialect.quote.to_string() },
                dialect.header
            );
            samples.push(Sample { file, theirs, named: dialect.header });
        }
    }
    check(folder.path(), &samples).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_of_odd_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let auto = "read_csv('FILE')";
    let headed = "read_csv('FILE', header=true)";
    let cases: [(&str, &str, &str); 9] = [
        ("one_column.csv", "name\nann\nbob\n", headed),
        ("numbers.csv", "a,b\n1,2.5\n-3,4e3\n,0.001\n", auto),
        ("leading_zeros.csv", "zip,n\n00123,1\n04567,2\n", auto),
        ("big.csv", "a,b\n9223372036854775807,1\n-9223372036854775808,2\n", auto),
        ("mixed.csv", "a,b\n1,x\ntwo,y\n", auto),
        ("no_end.csv", "a,b\n1,2\n3,4", auto),
        (
            "dates.csv",
            "d,t\n2024-02-29,2024-02-29T12:30:00\n1999-12-31,1999-12-31T23:59:59\n",
            auto,
        ),
        ("spaces.csv", "a b,c d\nx y,1\n z ,2\n", auto),
        ("empty_text.csv", "a,b,n\nx,\"\",1\n,y,2\n", auto),
    ];
    let mut samples = Vec::new();
    for (file, text, theirs) in cases {
        std::fs::write(folder.path().join(file), text).unwrap();
        samples.push(Sample { file: file.to_string(), theirs: theirs.to_string(), named: true });
    }
    check(folder.path(), &samples).await;
    // Wider than any integer: text, which loses nothing. (DuckDB has wider ones.)
    let path = folder.path().join("wide.csv");
    std::fs::write(&path, "a,b\n92233720368547758070,1\n5,2\n").unwrap();
    let read =
        answer(&COARSE[0].session(), &format!("SELECT a FROM '{}' ORDER BY b", path.display()))
            .await;
    let texts = ["92233720368547758070", "5"].map(|text| vec![Cell::Text(text.to_string())]);
    assert_eq!(read.unwrap().rows, texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_csv() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::new(5);
    let rows: Vec<_> = (0..200).map(|id| row(&mut random, id, true)).collect();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&csv(&PLAIN, &rows)).unwrap();
    std::fs::write(folder.path().join("x.csv.gz"), packed.finish().unwrap()).unwrap();
    let theirs = "read_csv('FILE', header=true, quote='\"')".to_string();
    check(folder.path(), &[Sample { file: "x.csv.gz".into(), theirs, named: true }]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_lines() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::new(6);
    let mut text = String::new();
    for id in 0..150 {
        let mut object = serde_json::Map::new();
        object.insert("id".into(), id.into());
        object.insert("price".into(), (random.below(8000) as f64 / 8.0 + 0.125).into());
        let name =
            random.maybe(15, |r| ["ann", "b \"q\"", "line\nbreak", "日本"][r.below(4) as usize]);
        object.insert("name".into(), name.into());
        if random.percent(70) {
            object.insert("good".into(), random.percent(50).into());
        }
        let list: Vec<u64> = (0..random.below(4)).map(|_| random.below(100)).collect();
        object.insert("list".into(), list.into());
        text.push_str(&serde_json::Value::Object(object).to_string());
        text.push('\n');
    }
    std::fs::write(folder.path().join("x.ndjson"), &text).unwrap();
    let python = python_with("duckdb");
    let Some(python) = python else { return };
    let path = folder.path().join("x.ndjson").display().to_string();
    let columns = "id, price, name, good, list";
    let sql = format!("SELECT {columns} FROM read_json('{path}', format='newline_delimited')");
    let expected = python.ask(&[], &[sql]).remove(0).unwrap();
    for grain in COARSE {
        let mine =
            answer(&grain.session(), &format!("SELECT {columns} FROM '{path}'")).await.unwrap();
        assert_eq!(mine.difference(&expected, false), None, "{grain:?}");
        assert!(
            mine.rows.iter().any(|row| matches!(&row[4], Cell::List(list) if !list.is_empty()))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_of_every_type() {
    let Some(python) = python_with("duckdb") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet").display().to_string();
    let write = format!(
        "COPY (SELECT i AS id, (i % 100)::TINYINT AS i8, (i % 9)::USMALLINT AS u16, i::INTEGER AS i32, \
         i::UBIGINT AS u64, (i / 8)::FLOAT AS f32, CASE WHEN i % 7 = 0 THEN 'NaN'::DOUBLE ELSE i / 4 END AS f64, \
         (i / 100)::DECIMAL(12, 3) AS dec, (i * 1000003)::DECIMAL(30, 2) AS wide, \
         CASE WHEN i % 5 > 0 THEN 'w' || (i % 11) END AS text, i % 3 = 0 AS b, \
         DATE '1960-01-01' + (i * 100)::INTEGER AS d, TIMESTAMP '1970-01-01' + to_seconds(i * 100003) AS ts, \
         to_timestamp(i) AT TIME ZONE 'UTC' AS utc, [i, NULL, i + 1] AS list \
         FROM range(-500, 1500) AS r(n), LATERAL (SELECT greatest(n, 0) AS i)) \
         TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 512)"
    );
    let read = format!("SELECT * FROM '{path}'");
    let mut answers = python.ask(&[write], std::slice::from_ref(&read));
    let expected = answers.remove(0).unwrap();
    assert_eq!(expected.rows.len(), 2000);
    for grain in COARSE {
        let mine = answer(&grain.session(), &read).await.unwrap();
        assert_eq!(difference(&mine, &expected, true), None, "{grain:?}");
    }
}
