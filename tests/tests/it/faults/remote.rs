//! Servers and stores that refuse, are not there, or have nothing.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener as Listener};

use crate::run_in;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::said_by_library;

/// A port on which nobody listens: it was free a moment ago.
fn closed() -> SocketAddr {
    Listener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A server that answers everything with this status, for as long as the returned runtime lives.
fn answering(status: u16) -> (SocketAddr, tokio::runtime::Runtime) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(move |_: Request<Incoming>| async move {
                let answer = Response::builder().status(status).header("content-length", 0);
                Ok::<_, Infallible>(answer.body(Empty).unwrap())
            });
            tokio::spawn(async move {
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    (address, runtime)
}

/// A body without a byte.
struct Empty;

impl hyper::body::Body for Empty {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        std::task::Poll::Ready(None)
    }
}

fn fails(statement: &str, says: &[&str]) {
    let home = tempfile::tempdir().unwrap();
    let said = said_by_library(statement).expect("it fails");
    let ran = run_in(home.path(), &["-c", statement], "");
    assert_eq!((ran.code, ran.errors().len()), (Some(1), 1), "{statement}\n{}", ran.err);
    for part in says {
        assert!(said.contains(part), "{statement}: the library does not say '{part}'\n{said}");
        assert!(ran.err.contains(part), "{statement}: it does not say '{part}'\n{}", ran.err);
    }
}

#[test]
fn a_server_that_is_not_there() {
    let address = closed();
    fails(
        &format!("SELECT * FROM 'http://{address}/x.parquet'"),
        &["/x.parquet': the server cannot be reached", "check the address"],
    );
    let secret = format!(
        "CREATE SECRET s (TYPE s3, KEY_ID 'key', SECRET 'hush', REGION 'us-east-1', \
         ENDPOINT 'http://{address}')"
    );
    fails(
        &format!("{secret}; SELECT * FROM 's3://bucket/x.parquet'"),
        &["'s3://bucket/x.parquet': the server cannot be reached", "the endpoint"],
    );
    fails(
        &format!("{secret}; COPY (SELECT 1 AS a) TO 's3://bucket/x.parquet'"),
        &["'s3://bucket/x.parquet'"],
    );
}

#[test]
fn a_server_that_has_nothing() {
    let (address, _server) = answering(404);
    fails(&format!("SELECT * FROM 'http://{address}/none.csv'"), &["/none.csv' does not exist"]);
    fails(&format!("SELECT * FROM 'http://{address}/*.csv'"), &["/*.csv'", "name each file"]);
}

#[test]
fn a_server_that_refuses() {
    for status in [401, 403] {
        let (address, _server) = answering(status);
        fails(
            &format!("SELECT * FROM 'http://{address}/x.csv'"),
            &["/x.csv': the store refuses these credentials", "CREATE SECRET"],
        );
    }
    let (address, _server) = answering(403);
    fails(
        &format!(
            "CREATE SECRET s (TYPE s3, KEY_ID 'key', SECRET 'hush', REGION 'us-east-1', \
             ENDPOINT 'http://{address}'); SELECT * FROM 's3://bucket/x.parquet'"
        ),
        &["'s3://bucket/x.parquet': the store refuses these credentials", "CREATE SECRET"],
    );
}

#[test]
fn urls_that_nobody_serves() {
    fails(
        "SELECT * FROM 'ftp://host/x.csv'",
        &["'ftp://host/x.csv': there is no store for 'ftp://'", "known are file, s3"],
    );
    fails("SELECT * FROM 's4://bucket/x.csv'", &["did you mean 's3://'?"]);
    fails("COPY (SELECT 1) TO 'http://127.0.0.1/x.csv'", &["can only be read", "a bucket"]);
    fails("COPY (SELECT 1) TO 's4://bucket/x.csv'", &["did you mean 's3://'?"]);
}
