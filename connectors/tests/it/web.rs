//! Files of a web server: read by URL, with and without ranges, and servers that are not there.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::Bench;

/// A one-body response: hyper wants a `Body`, and a string of bytes will do.
type Answer = Response<http_body_util::Full<Bytes>>;

/// Serves a folder as the simplest of servers does: whole files only.
async fn serve(folder: std::path::PathBuf) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let folder = Arc::new(folder);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let folder = Arc::clone(&folder);
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let folder = Arc::clone(&folder);
                    async move { Ok::<_, Infallible>(answer(&folder, &request)) }
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    address
}

fn answer(folder: &std::path::Path, request: &Request<Incoming>) -> Answer {
    let path = folder.join(request.uri().path().trim_start_matches('/'));
    if request.uri().path().starts_with("/private/")
        && request.headers().get("authorization").is_none_or(|v| v != "Bearer open-sesame")
    {
        let mut refused = Response::new(Default::default());
        *refused.status_mut() = StatusCode::UNAUTHORIZED;
        return refused;
    }
    let Ok(contents) = std::fs::read(path) else {
        let mut missing = Response::new(Default::default());
        *missing.status_mut() = StatusCode::NOT_FOUND;
        return missing;
    };
    let length = contents.len();
    let body = if request.method() == Method::HEAD { Bytes::new() } else { contents.into() };
    Response::builder()
        .header("content-length", length)
        .header("last-modified", "Wed, 01 Jan 2020 00:00:00 GMT")
        .body(body.into())
        .unwrap()
}

#[tokio::test]
async fn files_are_read_without_ranges() {
    let bench = Bench::new();
    bench.put("a.csv", "a;b\n1;2\n3;4\n");
    bench.sql("COPY (SELECT value AS v FROM generate_series(1, 1000)) TO '$/a.parquet'").await;
    let address = serve(bench.folder.path().to_path_buf()).await;
    let rows = bench.rows(&format!("SELECT sum(a), sum(b) FROM 'http://{address}/a.csv'")).await;
    assert_eq!(rows, ["4,6"]);
    let rows = bench.rows(&format!("SELECT sum(v) FROM 'http://{address}/a.parquet'")).await;
    assert_eq!(rows, ["500500"]);
    let error = bench.error(&format!("SELECT * FROM 'http://{address}/none.csv'")).await;
    assert!(error.contains("none.csv' does not exist"), "{error}");
    let error = bench.error(&format!("SELECT * FROM 'http://{address}/*.csv'")).await;
    assert!(error.contains("cannot list"), "{error}");
}

#[tokio::test]
async fn a_secret_opens_what_is_private() {
    let bench = Bench::new();
    bench.put("private/a.csv", "a\n1\n");
    let address = serve(bench.folder.path().to_path_buf()).await;
    let query = format!("SELECT a FROM 'http://{address}/private/a.csv'");
    let error = bench.error(&query).await;
    assert!(error.contains("refuses these credentials"), "{error}");
    let secret = strata_connectors::Secret {
        name: "sesame".to_string(),
        kind: strata_connectors::SecretKind::Http,
        scope: Some(format!("http://{address}/private/")),
        options: [("bearer_token".to_string(), "open-sesame".to_string())].into(),
    };
    strata_connectors::secrets(&bench.session).unwrap().add(secret, false).unwrap();
    assert_eq!(bench.rows(&query).await, ["1"]);
}

#[tokio::test]
async fn a_server_that_refuses_fails_fast() {
    let bench = Bench::new();
    let begun = Instant::now();
    let error = bench.error("SELECT * FROM 'http://127.0.0.1:9/x.csv'").await;
    assert!(error.contains("cannot be reached"), "{error}");
    assert!(begun.elapsed().as_secs_f64() < 2.0, "{:?}", begun.elapsed());
}
