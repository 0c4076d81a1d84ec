//! Arrays in a bucket and on a web server: written, added to, read by ranges. What is missing has the fill
//! value; what may not be read is an error.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use datafusion::execution::context::SessionContext;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use strata_connectors::zarr::{Lengths, Mode, Opened, Saves, Saving, Start, save, variables};
use strata_connectors::{Secret, SecretKind, numpy, secrets};
use strata_engine::{Array, Block, DType, Index, Kind, Labelled, Tensor};
use tokio::net::TcpListener;

use crate::Bench;

/// A path, and the range of it, where one was asked for.
type Asked = (String, Option<String>);

/// What a server has been asked for, and what it refuses.
#[derive(Debug, Clone, Default)]
struct Rules {
    /// Paths, and their ranges.
    asked: Arc<Mutex<Vec<Asked>>>,
    /// What paths end in, and the answer to those who ask.
    refused: Arc<Mutex<Option<(String, StatusCode)>>>,
}

impl Rules {
    fn answer(&self, request: &Request<Incoming>) -> Option<StatusCode> {
        let path = request.uri().path().to_string();
        let range = request.headers().get("range").map(|range| range.to_str().unwrap().to_string());
        let refused = self.refused.lock().unwrap().clone();
        let refused =
            refused.filter(|(end, _)| path.ends_with(end.as_str())).map(|(_, status)| status);
        self.asked.lock().unwrap().push((path, range));
        refused
    }

    fn refuse(&self, end: &str, status: StatusCode) {
        *self.refused.lock().unwrap() = Some((end.to_string(), status));
    }

    fn allow(&self) {
        *self.refused.lock().unwrap() = None;
    }
}

/// A bench with a bucket `data`, whose server keeps these rules.
async fn bucket(rules: Rules) -> Bench {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("data")).unwrap();
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(bench.folder.path()).unwrap());
    service.set_auth(SimpleAuth::from_single("AKEY", "ASECRET"));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (service, rules) = (service.clone(), rules.clone());
            let ruled = service_fn(move |request: Request<Incoming>| {
                let (service, refused) = (service.clone(), rules.answer(&request));
                async move {
                    match refused {
                        Some(status) => {
                            let mut response = Response::new(s3s::Body::empty());
                            *response.status_mut() = status;
                            Ok(response)
                        }
                        None => Service::call(&service, request).await,
                    }
                }
            });
            tokio::spawn(async move {
                let http = Builder::new(TokioExecutor::new());
                let _ = http.serve_connection(TokioIo::new(stream), ruled).await;
            });
        }
    });
    let options = [
        ("key_id", "AKEY"),
        ("secret", "ASECRET"),
        ("region", "us-east-1"),
        ("endpoint", &endpoint),
    ];
    let options = options.map(|(name, value)| (name.to_string(), value.to_string())).into();
    let scope = Some("s3://data".to_string());
    let secret = Secret { name: "bucket".to_string(), kind: SecretKind::S3, scope, options };
    secrets(&bench.session).unwrap().add(secret, false).unwrap();
    bench
}

/// Serves a folder, parts of files too.
async fn web(folder: PathBuf, rules: Rules) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (folder, rules) = (folder.clone(), rules.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = part(&folder, &rules, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            tokio::spawn(async move {
                let http = hyper::server::conn::http1::Builder::new();
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    format!("http://{address}")
}

fn part(
    folder: &std::path::Path,
    rules: &Rules,
    request: &Request<Incoming>,
) -> Response<http_body_util::Full<Bytes>> {
    let with = |status: StatusCode, body: Bytes| {
        let response = Response::builder()
            .status(status)
            .header("last-modified", "Wed, 01 Jan 2020 00:00:00 GMT");
        response.header("content-length", body.len()).body(body.into()).unwrap()
    };
    if let Some(status) = rules.answer(request) {
        return with(status, Bytes::new());
    }
    let path = folder.join(request.uri().path().trim_start_matches('/'));
    let Ok(contents) = std::fs::read(path) else {
        return with(StatusCode::NOT_FOUND, Bytes::new());
    };
    let contents = Bytes::from(contents);
    let range = request
        .headers()
        .get("range")
        .and_then(|range| range.to_str().ok()?.strip_prefix("bytes="));
    let Some((start, end)) = range.and_then(|range| range.split_once('-')) else {
        let mut whole = with(StatusCode::OK, contents.clone());
        if request.method() == Method::HEAD {
            *whole.body_mut() = Bytes::new().into();
        }
        return whole;
    };
    let length = contents.len();
    let (start, end) = match (start.parse::<usize>(), end.parse::<usize>()) {
        (Ok(start), Ok(end)) => (start, (end + 1).min(length)),
        (Ok(start), Err(_)) => (start, length),
        (_, last) => (length.saturating_sub(last.unwrap()), length),
    };
    if start >= length {
        return with(StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new());
    }
    let mut response = with(StatusCode::PARTIAL_CONTENT, contents.slice(start..end));
    let said = format!("bytes {start}-{}/{length}", end - 1);
    response.headers_mut().insert("content-range", said.parse().unwrap());
    response
}

/// `rows` of 12 numbers that count, with names.
fn counted(first: u64, rows: u64) -> Labelled {
    let numbers = (first * 12..(first + rows) * 12).map(|number| number as f64 + 1.0).collect();
    let tensor =
        Tensor::from_block(DType::Plain(Kind::F64), vec![rows, 12], Block::F64(numbers)).unwrap();
    let array = Array::of(tensor)
        .unwrap()
        .named(vec![Some("y".to_string()), Some("x".to_string())])
        .unwrap();
    Labelled { name: Some("temp".to_string()), ..array.into() }
}

async fn temp(session: &SessionContext, path: &str) -> Array {
    match variables(session, path).await.unwrap() {
        Opened::Group(group) => group.get("temp").unwrap().array,
        Opened::Array(_) => panic!("{path} is one array"),
    }
}

fn rows(array: &Array, from: i64, to: i64) -> Array {
    array.index(&[Index::Slice { start: Some(from), stop: Some(to), step: None }]).unwrap()
}

/// Reads what is there, by ranges; what is gone; and what may not be read.
async fn reads(bench: &Bench, path: &str, folder: &str, rules: &Rules) {
    let session = &bench.session;
    let array = temp(session, path).await;
    let all = array.compute(session).await.unwrap();
    assert_eq!(all.data(), counted(0, 16).array.compute(session).await.unwrap().data());
    rules.asked.lock().unwrap().clear();
    let corner = rows(&temp(session, path).await, 0, 4);
    let corner = corner
        .index(&[Index::ALL, Index::Slice { start: None, stop: Some(4), step: None }])
        .unwrap();
    assert_eq!(corner.compute(session).await.unwrap().shape(), [4, 4]);
    let asked = rules.asked.lock().unwrap().clone();
    let shards: Vec<_> = asked.iter().filter(|(path, _)| path.contains("/c/")).collect();
    assert!(!shards.is_empty() && shards.len() <= 3, "{asked:?}");
    assert!(shards.iter().all(|(_, range)| range.is_some()), "whole shards were read: {asked:?}");
    for status in
        [StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED, StatusCode::INTERNAL_SERVER_ERROR]
    {
        rules.refuse("temp/c/1/0", status);
        let error = array.compute(session).await.unwrap_err().to_string();
        assert!(
            error.contains("temp") && error.contains("c/1/0") && error.contains("chunk ["),
            "{error}"
        );
        assert_eq!(rows(&array, 0, 8).compute(session).await.unwrap().shape(), [8, 12]);
    }
    rules.allow();
    std::fs::remove_file(bench.path(&format!("{folder}/temp/c/1/0"))).unwrap();
    let missing = rows(&temp(session, path).await, 8, 16).compute(session).await.unwrap();
    assert!(missing.data().iter().all(|byte| *byte == 0));
}

fn sharded() -> Saving {
    Saving {
        chunks: Some(Lengths::All(4)),
        shards: Some(Lengths::Each(vec![8, 12])),
        ..Saving::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_has_arrays() {
    let rules = Rules::default();
    let bench = bucket(rules.clone()).await;
    let session = &bench.session;
    let path = "s3://data/cube.zarr";
    save(session, Saves::Array(&counted(0, 10)), path, &sharded()).await.unwrap();
    let again = save(session, Saves::Array(&counted(0, 3)), path, &sharded()).await.unwrap_err();
    assert!(again.to_string().contains("there already"), "{again}");
    // What fails in the middle is not seen.
    rules.refuse("temp/c/1/0", StatusCode::FORBIDDEN);
    let append = Saving { mode: Mode::Append("y".to_string()), ..Saving::default() };
    let error = save(session, Saves::Array(&counted(10, 6)), path, &append).await.unwrap_err();
    assert!(error.to_string().contains("c/1/0"), "{error}");
    assert_eq!(temp(session, path).await.shape(), [10, 12]);
    rules.allow();
    save(session, Saves::Array(&counted(10, 6)), path, &append).await.unwrap();
    let region = Saving { mode: Mode::Region(Start::At(vec![5, 0])), ..Saving::default() };
    save(session, Saves::Array(&counted(0, 3)), path, &region).await.unwrap();
    let written = rows(&temp(session, path).await, 5, 8).compute(session).await.unwrap();
    assert_eq!(written.data(), counted(0, 3).array.compute(session).await.unwrap().data());
    let region = Saving { mode: Mode::Region(Start::At(vec![5, 0])), ..Saving::default() };
    save(session, Saves::Array(&counted(5, 3)), path, &region).await.unwrap();
    reads(&bench, path, "data/cube.zarr", &rules).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_server_has_arrays() {
    let rules = Rules::default();
    let bench = Bench::new();
    let local = bench.path("cube.zarr").display().to_string();
    save(&bench.session, Saves::Array(&counted(0, 16)), &local, &sharded()).await.unwrap();
    let address = web(bench.folder.path().to_path_buf(), rules.clone()).await;
    reads(&bench, &format!("{address}/cube.zarr"), "cube.zarr", &rules).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_numpy_go_into_a_bucket_and_come_back() {
    let rules = Rules::default();
    let bench = bucket(rules.clone()).await;
    let session = &bench.session;
    // More than one part.
    let numbers = strata_engine::Scalar::Signed;
    let array = Array::arange(numbers(0), numbers(3_000_000), numbers(1)).unwrap();
    numpy::save(session, &array, "s3://data/x.npy", Default::default()).await.unwrap();
    let read = numpy::npy(session, "s3://data/x.npy").await.unwrap().array;
    assert_eq!(
        read.compute(session).await.unwrap().data(),
        array.compute(session).await.unwrap().data()
    );
    rules.asked.lock().unwrap().clear();
    let some = rows(&read, 1_000_000, 1_000_010).compute(session).await.unwrap();
    assert_eq!(some.shape(), [10]);
    let asked = rules.asked.lock().unwrap().clone();
    assert!(asked.iter().all(|(_, range)| range.is_some()), "{asked:?}");
    // Nothing is left of what could not be sent.
    rules.refuse("y.npy", StatusCode::FORBIDDEN);
    assert!(numpy::save(session, &array, "s3://data/y.npy", Default::default()).await.is_err());
    let left =
        bench.tree().into_iter().filter(|name| name.contains("y.npy") || name.contains("upload"));
    assert_eq!(left.count(), 0);
}
