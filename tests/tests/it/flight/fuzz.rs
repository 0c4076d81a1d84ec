//! Noise by the wire, to a server of its own: headers, uploads and streams that make no sense. What the messages
//! within may be is tried by the thousands where they are read (`sql/src/flight/fuzz.rs`).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use arrow::ipc::CompressionType;
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use arrow_flight::{FlightData, FlightDescriptor};
use futures::TryStreamExt;
use prost::Message;
use strata_tests::random::Random;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use tonic::{Code, Request};

use super::ingest::{create, rows};
use super::{Client, Served, number};

fn noise(random: &mut Random, most: u64) -> Vec<u8> {
    (0..random.below(most)).map(|_| random.below(256) as u8).collect()
}

/// Changes a few bytes.
fn harm(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(3) {
        if bytes.is_empty() {
            return;
        }
        let at = random.index(bytes.len());
        match random.below(4) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.of(&[&0u8, &0x7f, &0x80, &0xff]).to_owned(),
            2 => {
                let end = (at + 8).min(bytes.len());
                bytes[at..end].fill(0xff);
            }
            _ => bytes.truncate(at),
        }
    }
}

fn question() -> FlightDescriptor {
    let command = CommandStatementQuery { query: "SELECT 1".to_string(), transaction_id: None };
    FlightDescriptor::new_cmd(command.as_any().encode_to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_noise_are_nobodys() {
    let server = Served::new(&["--set", "flight.sessions=400", "--set", "flight.idle=2s"]);
    let folder = tempfile::tempdir().unwrap();
    let token = "0123456789abcdef0123456789abcdef";
    std::fs::write(folder.path().join("token"), token).unwrap();
    let locked =
        Served::within(folder.path(), &["--listen", "127.0.0.1:0", "--token-file", "token"]);
    let (mut open, mut shut) = (server.client().await, locked.client().await);
    let mut random = Random::new(31);
    for round in 0..1000 {
        let begins =
            random.of(&["", "arrow_flight_session_id=", "Bearer ", "Basic ", "a=b; ", "Bearer\t"]);
        let mut value = begins.as_bytes().to_vec();
        value.extend(noise(&mut random, 120));
        // What no client could put into a header is left out.
        value.retain(|byte| (*byte >= 32 && *byte != 127) || *byte == 9);
        let Ok(value) = AsciiMetadataValue::try_from(value.as_slice()) else { continue };
        let name = random.of(&["cookie", "authorization", "x-noise", "grpc-timeout", "te"]);
        let key = AsciiMetadataKey::from_bytes(name.as_bytes()).unwrap();
        let mut request = Request::new(question());
        request.metadata_mut().append(key.clone(), value.clone());
        match open.inner_mut().get_flight_info(request).await {
            Ok(_) => {}
            Err(status) => {
                let told = [Code::Unauthenticated, Code::Internal, Code::Cancelled];
                let timed = [Code::DeadlineExceeded, Code::ResourceExhausted];
                let is = told.contains(&status.code()) || timed.contains(&status.code());
                assert!(is, "{round}: {name}: {value:?}: {status}");
            }
        }
        let mut request = Request::new(question());
        request.metadata_mut().append(key, value);
        assert!(shut.inner_mut().get_flight_info(request).await.is_err(), "nobody is let in");
    }
    shut.set_token(token.to_string());
    assert_eq!(number(&mut shut, "SELECT 1").await, 1);
    assert_eq!(number(&mut open, "SELECT 1").await, 1);
}

async fn put(client: &mut Client, messages: Vec<FlightData>) -> Result<(), tonic::Status> {
    let stream = futures::stream::iter(messages);
    let results = client.inner_mut().do_put(stream).await?.into_inner();
    results.try_collect::<Vec<_>>().await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_of_noise_are_refused() {
    let server = Served::new(&["--memory", "256MiB"]);
    let mut client = server.client().await;
    let mut random = Random::new(32);
    let command = create("noise").as_any().encode_to_vec();
    for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
        let batches = futures::stream::iter([Ok(rows(0, 100)), Ok(rows(100, 100))]);
        let builder = FlightDataEncoderBuilder::new()
            .with_options(options)
            .with_flight_descriptor(Some(FlightDescriptor::new_cmd(command.clone())));
        let sound: Vec<FlightData> = builder.build(batches).try_collect().await.unwrap();
        put(&mut client, sound.clone()).await.unwrap();
        assert_eq!(number(&mut client, "SELECT count(*) FROM noise").await, 200);
        super::run(&mut client, "DROP TABLE noise").await.unwrap();
        for _ in 0..400 {
            let mut messages = sound.clone();
            let at = random.index(messages.len());
            let part = match random.below(3) {
                0 => &mut messages[at].data_body,
                _ => &mut messages[at].data_header,
            };
            let mut bytes = part.to_vec();
            harm(&mut random, &mut bytes);
            *part = bytes.into();
            match put(&mut client, messages).await {
                // What was harmed was not looked at, or is another value.
                Ok(()) => drop(super::run(&mut client, "DROP TABLE noise").await),
                Err(status) => {
                    let told = [Code::InvalidArgument, Code::ResourceExhausted];
                    assert!(told.contains(&status.code()), "{status}");
                }
            }
        }
    }
    assert_eq!(number(&mut client, "SELECT 1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_of_noise_end_their_connection() {
    let server = Served::new(&[]);
    let mut random = Random::new(33);
    let mut preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // Settings, as a client sends them first.
    preface.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    for round in 0..300 {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut bytes = match round % 4 {
            0 => Vec::new(),
            1 => b"POST /arrow.flight.protocol.FlightService/DoGet HTTP/1.1\r\n".to_vec(),
            _ => preface.clone(),
        };
        bytes.extend(noise(&mut random, 300));
        // The server may hang up first.
        let _ = stream.write_all(&bytes).and_then(|()| stream.read(&mut [0; 64]));
    }
    let mut client = server.client().await;
    assert_eq!(number(&mut client, "SELECT 1").await, 1);
}
