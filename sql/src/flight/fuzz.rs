//! Bytes that nobody would send: whatever comes, it is a status that says what is wrong, and never a panic. All of it
//! is chance from fixed seeds.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    ArrayRef, BinaryViewArray, BooleanArray, Date32Array, DictionaryArray, Float64Array,
    Int32Array, Int64Array, ListArray, NullArray, RecordBatch, StringArray, StringViewArray,
    StructArray,
};
use arrow::datatypes::{Int32Type, Int64Type};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::encode::{DictionaryHandling, FlightDataEncoderBuilder};
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::{
    ActionBeginSavepointRequest, ActionBeginTransactionRequest, ActionCancelQueryRequest,
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedSubstraitPlanRequest, ActionEndSavepointRequest,
    ActionEndTransactionRequest, Any, CommandGetCatalogs, CommandGetCrossReference,
    CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys, CommandGetPrimaryKeys,
    CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables, CommandGetXdbcTypeInfo,
    CommandPreparedStatementQuery, CommandPreparedStatementUpdate, CommandStatementIngest,
    CommandStatementQuery, CommandStatementSubstraitPlan, CommandStatementUpdate, ProstMessageExt,
    TableDefinitionOptions, TicketStatementQuery,
};
use arrow_flight::{Action, FlightData, FlightDescriptor, FlightInfo, Ticket};
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use prost::bytes::Bytes;
use strata_engine::{LocalRunner, Origin, Settings};
use tonic::{Code, Request, Status};

use super::admission::{Admission, Limits};
use super::caller::Caller;
use super::locks::Locks;
use super::locks::config::ServeConfig;
use super::service::{Service, taken};
use super::sessions::{Here, Sessions};
use super::{Server, actions, put};
use crate::shell::Workers;

/// Chance that repeats (SplitMix64).
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.number() % end.max(1) as u64) as usize
    }

    /// Numbers that are read as lengths, places and counts.
    fn edge(&mut self) -> u64 {
        let edges = [0, 1, 7, 0x7f, 0xff, 0xffff, i32::MAX as u64, u32::MAX.into(), 1 << 40];
        match self.below(3) {
            0 => u64::MAX - self.number() % 9,
            1 => (i64::MAX as u64).wrapping_add(self.number() % 3),
            _ => edges[self.below(edges.len())],
        }
    }

    /// Bytes that were sound.
    fn harm(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..self.below(4) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            match self.below(6) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = self.number() as u8,
                2 => bytes.truncate(at),
                3 => {
                    let (edge, width) = (self.edge().to_le_bytes(), 4 << self.below(2));
                    let width = width.min(bytes.len() - at);
                    bytes[at..at + width].copy_from_slice(&edge[..width]);
                }
                4 => {
                    // A length as protobuf has them, longer than anything.
                    let mut length = Vec::new();
                    prost::encoding::encode_varint(self.edge(), &mut length);
                    bytes.splice(at..at, length);
                }
                _ => {
                    let end = at + self.below(bytes.len() - at);
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
    }
}

fn server() -> Arc<Server> {
    let mut settings = Settings::default();
    settings.set("memory.limit", "256MiB", Origin::Session).unwrap();
    settings.set("flight.statements", "64", Origin::Session).unwrap();
    let session = crate::session(settings).unwrap();
    let limits = Limits { running: 4, waiting: 100, patience: Duration::from_secs(10) };
    Arc::new(Server {
        sessions: Sessions::new(session),
        admission: Admission::new(limits),
        runner: Arc::new(LocalRunner),
        workers: Workers::new(Some(2)).unwrap(),
        locks: Arc::new(Locks::new(&ServeConfig::default()).unwrap()),
    })
}

fn request<T>(body: T) -> Request<T> {
    let mut request = Request::new(body);
    request.extensions_mut().insert(Arc::new(Caller::anyone()));
    request
}

fn here(server: &Server) -> Here {
    server.sessions.here(&request(())).unwrap()
}

/// What may be said of what makes no sense.
fn told(status: &Status, of: &dyn std::fmt::Debug) {
    let proper = [
        Code::InvalidArgument,
        Code::NotFound,
        Code::Unimplemented,
        Code::AlreadyExists,
        Code::PermissionDenied,
        Code::FailedPrecondition,
        Code::ResourceExhausted,
    ];
    let is = proper.contains(&status.code()) && !status.message().is_empty();
    assert!(is && status.message().len() <= 2100, "{status:?} for {of:?}");
}

fn text() -> String {
    "SELECT 1 AS a, 'b' AS c".to_string()
}

/// One of each message that a client may send.
fn messages() -> Vec<Any> {
    let handle = Bytes::from_static(b"0123456789abcdef0123456789abcdef");
    vec![
        CommandStatementQuery { query: text(), transaction_id: None }.as_any(),
        CommandStatementUpdate { query: text(), transaction_id: None }.as_any(),
        CommandStatementSubstraitPlan::default().as_any(),
        CommandPreparedStatementQuery { prepared_statement_handle: handle.clone() }.as_any(),
        CommandPreparedStatementUpdate { prepared_statement_handle: handle.clone() }.as_any(),
        CommandStatementIngest {
            table_definition_options: Some(TableDefinitionOptions {
                if_not_exist: 1,
                if_exists: 3,
            }),
            table: "t".to_string(),
            schema: Some("public".to_string()),
            catalog: None,
            temporary: false,
            transaction_id: None,
            options: [("a".to_string(), "b".to_string())].into(),
        }
        .as_any(),
        CommandGetCatalogs {}.as_any(),
        CommandGetDbSchemas { catalog: None, db_schema_filter_pattern: Some("%a_".into()) }
            .as_any(),
        CommandGetTables {
            catalog: Some("a".into()),
            db_schema_filter_pattern: None,
            table_name_filter_pattern: Some("%".into()),
            table_types: vec!["VIEW".into()],
            include_schema: true,
        }
        .as_any(),
        CommandGetTableTypes {}.as_any(),
        CommandGetSqlInfo { info: vec![0, 1, 500, u32::MAX] }.as_any(),
        CommandGetXdbcTypeInfo { data_type: Some(4) }.as_any(),
        CommandGetPrimaryKeys { table: "t".into(), ..Default::default() }.as_any(),
        CommandGetExportedKeys { table: "t".into(), ..Default::default() }.as_any(),
        CommandGetImportedKeys { table: "t".into(), ..Default::default() }.as_any(),
        CommandGetCrossReference {
            pk_table: "t".into(),
            fk_table: "u".into(),
            ..Default::default()
        }
        .as_any(),
        TicketStatementQuery { statement_handle: handle.clone() }.as_any(),
        ActionCreatePreparedStatementRequest { query: text(), transaction_id: None }.as_any(),
        ActionClosePreparedStatementRequest { prepared_statement_handle: handle.clone() }.as_any(),
        ActionCancelQueryRequest { info: FlightInfo::new().encode_to_vec().into() }.as_any(),
        ActionCreatePreparedSubstraitPlanRequest::default().as_any(),
        ActionBeginTransactionRequest {}.as_any(),
        ActionEndTransactionRequest::default().as_any(),
        ActionBeginSavepointRequest::default().as_any(),
        ActionEndSavepointRequest::default().as_any(),
    ]
}

/// A message within a message within a message.
fn nested(deep: usize) -> Vec<u8> {
    (0..deep).fold(text().into_bytes(), |value, _| {
        let type_url = CommandStatementQuery::type_url().to_string();
        Any { type_url, value: value.into() }.encode_to_vec()
    })
}

const ACTIONS: [&str; 9] = [
    "CreatePreparedStatement",
    "ClosePreparedStatement",
    "CancelFlightInfo",
    "CancelQuery",
    "RenewFlightEndpoint",
    "SetSessionOptions",
    "GetSessionOptions",
    "BeginTransaction",
    "\u{fffd}\n",
];

/// Everything that takes bytes takes these.
async fn ask(server: &Arc<Server>, here: &Here, bytes: &[u8], of: &[FlightData]) {
    let service = Service(Arc::clone(server));
    let all = Bytes::copy_from_slice(bytes);
    let asked = || request(FlightDescriptor::new_cmd(all.clone()));
    let mut came = vec![
        service.get_flight_info(asked()).await.map(drop),
        service.get_schema(asked()).await.map(drop),
        service.poll_flight_info(asked()).await.map(drop),
    ];
    came.push(match service.do_get(request(Ticket::new(all.clone()))).await {
        Ok(rows) => rows.into_inner().try_collect::<Vec<_>>().await.map(drop),
        Err(status) => Err(status),
    });
    for name in ACTIONS {
        came.push(actions::act(server, here, Action::new(name, all.clone())).await.map(drop));
    }
    let mut sent: Vec<_> = of.to_vec();
    if let Some(first) = sent.first_mut() {
        first.flight_descriptor = Some(FlightDescriptor::new_cmd(all.clone()));
    }
    let sent = futures::stream::iter(sent.into_iter().map(Ok)).boxed().peekable();
    came.push(taken(server, here, sent).await.map(drop));
    for status in came.into_iter().filter_map(Result::err) {
        told(&status, &bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_understood_or_refused() {
    let (server, mut random) = (server(), Random(1));
    let (here, sound) = (here(&server), messages());
    let rows = sent(&batch(), None).await;
    for deep in [1, 99, 101, 3000] {
        ask(&server, &here, &nested(deep), &rows).await;
    }
    for round in 0..6000 {
        let mut bytes = match round % 8 {
            0 => (0..random.below(300)).map(|_| random.number() as u8).collect(),
            _ => sound[random.below(sound.len())].encode_to_vec(),
        };
        random.harm(&mut bytes);
        ask(&server, &here, &bytes, &rows).await;
    }
}

/// Columns of all kinds of layout.
fn batch() -> RecordBatch {
    let texts = [Some("a"), None, Some("a text that is longer than a view"), Some("")];
    let lists = [Some(vec![Some(1), None]), None, Some(vec![]), Some(vec![Some(2)])];
    let inner: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3), None]));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("whole", Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4)]))),
        ("float", Arc::new(Float64Array::from(vec![1.0, f64::NAN, -0.0, 4.0]))),
        ("day", Arc::new(Date32Array::from(vec![Some(1), Some(2), None, Some(4)]))),
        ("truth", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), Some(true)]))),
        ("text", Arc::new(StringArray::from(texts.to_vec()))),
        ("view", Arc::new(StringViewArray::from(texts.to_vec()))),
        ("bytes", Arc::new(BinaryViewArray::from(texts.map(|t| t.map(str::as_bytes)).to_vec()))),
        ("word", Arc::new(texts.into_iter().collect::<DictionaryArray<Int32Type>>())),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists))),
        ("parts", Arc::new(StructArray::try_from(vec![("a", inner)]).unwrap())),
        ("nothing", Arc::new(NullArray::new(4))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// A batch as messages.
async fn sent(batch: &RecordBatch, compression: Option<CompressionType>) -> Vec<FlightData> {
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let batches = futures::stream::iter([Ok(batch.clone()), Ok(batch.clone())]);
    let messages = FlightDataEncoderBuilder::new()
        .with_options(options)
        .with_dictionary_handling(DictionaryHandling::Resend)
        .build(batches);
    messages.try_collect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_read_or_refused() {
    let mut random = Random(2);
    let context = here(&server()).session.context.clone();
    let codecs = [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)];
    for compression in codecs {
        let sound = sent(&batch(), compression).await;
        assert!(sound.len() >= 4, "columns, values, and two of rows");
        let stream = futures::stream::iter(sound.clone().into_iter().map(Ok));
        let rows: Vec<_> = put::batches(&context, stream).try_collect().await.unwrap();
        assert_eq!(rows, [batch(), batch()]);
        let mut refused = 0;
        for _ in 0..4000 {
            let mut messages = sound.clone();
            for _ in 0..=random.below(2) {
                let at = random.below(messages.len());
                match random.below(8) {
                    0 => drop(messages.remove(at)),
                    1 => {
                        let other = random.below(messages.len());
                        messages.swap(at, other);
                    }
                    2 => {
                        let mut body = messages[at].data_body.to_vec();
                        random.harm(&mut body);
                        messages[at].data_body = body.into();
                    }
                    _ => {
                        let mut header = messages[at].data_header.to_vec();
                        random.harm(&mut header);
                        messages[at].data_header = header.into();
                    }
                }
            }
            let stream = futures::stream::iter(messages.into_iter().map(Ok));
            let rows = put::batches(&context, stream).try_collect::<Vec<_>>().await;
            if let Err(status) = rows {
                told(&status, &"rows");
                refused += 1;
            }
        }
        assert!(refused > 1000, "{refused}: nothing is harmed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_that_it_is_large_is_refused_before_it_is_unpacked() {
    let context = here(&server()).session.context.clone();
    let zeros: ArrayRef = Arc::new(Int64Array::from(vec![0i64; 1 << 16]));
    let zeros = RecordBatch::try_from_iter([("a", zeros)]).unwrap();
    for codec in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        let mut messages = sent(&zeros, Some(codec)).await;
        let rows = messages.iter().position(|message| !message.data_body.is_empty()).unwrap();
        let mut body = messages[rows].data_body.to_vec();
        let size = (512u64 << 10).to_le_bytes();
        let at = body.windows(8).position(|bytes| bytes == size).unwrap();
        body[at..at + 8].copy_from_slice(&(1u64 << 46).to_le_bytes());
        messages[rows].data_body = body.into();
        let stream = futures::stream::iter(messages.into_iter().map(Ok));
        let error = put::batches(&context, stream).try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
        assert!(error.message().contains("packed"), "{error}");
    }
}
