//! A bucket: an S3 server on this machine that checks signatures.

use std::path::Path;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use strata_connectors::{Secret, SecretKind, check, secrets};
use tokio::net::TcpListener;

use crate::Bench;

/// Serves the folders below `root` as buckets.
async fn serve(root: &Path) -> String {
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
    service.set_auth(SimpleAuth::from_single("AKEY", "ASECRET"));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = service.clone();
            tokio::spawn(async move {
                let http = Builder::new(TokioExecutor::new());
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    format!("http://{address}")
}

/// A bench with a bucket `data`, and the secret that opens it.
async fn bucket() -> Bench {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("data")).unwrap();
    let endpoint = serve(bench.folder.path()).await;
    let store = secrets(&bench.session).unwrap();
    store.add(secret(&endpoint, "ASECRET"), false).unwrap();
    bench
}

fn secret(endpoint: &str, key: &str) -> Secret {
    Secret {
        name: "bucket".to_string(),
        kind: SecretKind::S3,
        scope: Some("s3://data".to_string()),
        options: [
            ("key_id", "AKEY"),
            ("secret", key),
            ("region", "us-east-1"),
            ("endpoint", endpoint),
        ]
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .into(),
    }
}

/// The objects, without what the server keeps for itself.
fn objects(bench: &Bench) -> Vec<String> {
    let all = bench.tree().into_iter();
    all.filter(|name| name.starts_with("data/") && bench.path(name).is_file()).collect()
}

/// Uploads that were begun and neither finished nor called off.
fn uploads(bench: &Bench) -> Vec<String> {
    bench.tree().into_iter().filter(|name| name.contains("upload")).collect()
}

#[tokio::test]
async fn reading_and_globbing() {
    let bench = bucket().await;
    bench.put("data/t/a.csv", "x\n1\n");
    bench.put("data/t/b.csv", "x\n10\n");
    bench.put("data/t/sub/c.csv", "x\n100\n");
    bench.put("data/p/k=1/x.csv", "v\n1\n");
    bench.put("data/p/k=2/x.csv", "v\n2\n");
    for (path, sum) in [
        ("t/a.csv", "1"),
        ("t", "111"),
        ("t/", "111"),
        ("t/*.csv", "11"),
        ("t/**/*.csv", "111"),
        ("t/{a,b}.csv", "11"),
        ("*/a.csv", "1"),
    ] {
        let rows = bench.rows(&format!("SELECT sum(x) FROM 's3://data/{path}'")).await;
        assert_eq!(rows, [sum], "{path}");
    }
    assert_eq!(bench.rows("SELECT v FROM 's3a://data/p' WHERE k = 2").await, ["2"]);
    let error = bench.error("SELECT * FROM 's3://data/t/aa.csv'").await;
    assert!(
        error.contains("'s3://data/t/aa.csv' does not exist: did you mean 'a.csv'?"),
        "{error}"
    );
    let error = bench.error("SELECT * FROM 's3://data/t/*.json'").await;
    assert!(error.contains("no file matches"), "{error}");
    let report = check(&bench.session.state(), "s3://data/t/").await.unwrap();
    assert!(report.is_ok() && report.files.len() == 3, "{report}");
}

#[tokio::test]
async fn writing_whole_or_not_at_all() {
    let bench = bucket().await;
    bench.sql("COPY (VALUES (1, 'x'), (2, 'y')) TO 's3://data/out.parquet'").await;
    assert_eq!(bench.rows("SELECT sum(column1) FROM 's3://data/out.parquet'").await, ["3"]);
    bench.sql("COPY (VALUES (1, 'x'), (2, 'y')) TO 's3://data/f/' STORED AS CSV").await;
    assert_eq!(bench.rows("SELECT sum(column1) FROM 's3://data/f/'").await, ["3"]);
    let before = objects(&bench);
    let fails = "(SELECT value, 1 / (value - 1999999) AS x FROM generate_series(0, 1999999))";
    for target in ["s3://data/bad.csv", "s3://data/bad/", "s3://data/out.parquet"] {
        let error = bench.error(&format!("COPY {fails} TO '{target}' STORED AS CSV")).await;
        assert!(error.to_lowercase().contains("zero"), "{error}");
        assert_eq!(objects(&bench), before, "{target}");
    }
    let error = bench.error("COPY (SELECT 1) TO 's3://data/f/' STORED AS CSV").await;
    assert!(error.contains("already holds CSV files"), "{error}");
    bench
        .sql("COPY (SELECT 7 AS a) TO 's3://data/f/' STORED AS CSV OPTIONS ('overwrite' 'true')")
        .await;
    assert_eq!(bench.rows("SELECT a FROM 's3://data/f/'").await, ["7"]);
    bench.sql("CREATE EXTERNAL TABLE t (a BIGINT) STORED AS PARQUET LOCATION 's3://data/t/'").await;
    bench.sql("INSERT INTO t VALUES (1), (2)").await;
    assert_eq!(bench.rows("SELECT sum(a) FROM t").await, ["3"]);
    assert!(uploads(&bench).is_empty(), "{:?}", uploads(&bench));
}

#[tokio::test]
async fn a_large_object_goes_in_parts() {
    let bench = bucket().await;
    bench
        .sql("COPY (SELECT value, repeat('x', 20) AS s FROM generate_series(1, 800000)) TO 's3://data/big.csv'")
        .await;
    assert!(bench.path("data/big.csv").metadata().unwrap().len() > 20 << 20);
    assert_eq!(bench.rows("SELECT count(*) FROM 's3://data/big.csv'").await, ["800000"]);
}

#[tokio::test]
async fn a_wrong_key_is_said_and_a_right_one_heals() {
    let bench = bucket().await;
    bench.put("data/a.csv", "x\n1\n");
    let store = secrets(&bench.session).unwrap();
    let endpoint = store.list()[0].options["endpoint"].clone();
    store.add(secret(&endpoint, "WRONG"), true).unwrap();
    let error = bench.error("SELECT * FROM 's3://data/a.csv'").await;
    assert!(error.contains("refuses these credentials"), "{error}");
    assert!(!error.contains("WRONG"), "{error}");
    store.add(secret(&endpoint, "ASECRET"), true).unwrap();
    assert_eq!(bench.rows("SELECT x FROM 's3://data/a.csv'").await, ["1"]);
    store.add(secret("http://127.0.0.1:9", "ASECRET"), true).unwrap();
    let begun = std::time::Instant::now();
    let error = bench.error("SELECT * FROM 's3://data/a.csv'").await;
    assert!(error.contains("cannot be reached"), "{error}");
    assert!(begun.elapsed().as_secs_f64() < 2.0, "{:?}", begun.elapsed());
}
