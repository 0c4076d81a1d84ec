//! What the drivers of JDBC and ODBC send, call by call, and the exact columns in which they look for the answers.
//! The calls are those of [the JDBC driver](https://github.com/apache/arrow-java/tree/main/flight/flight-sql-jdbc-core)
//! and of the ODBC drivers built on the same protocol: JDBC's listing of columns is made of the schemas within the
//! listing of tables, ODBC's of the same, with what is told of each column beside its type.

mod jdbc;
mod listings;
mod tools;
mod values;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use arrow_flight::{FlightInfo, IpcMessage};

use super::{Client, POOL, Served, fetch, run};

/// A server with the tables that are asked about: alone, and in front of a pool.
async fn servers() -> Vec<Served> {
    let mut all = Vec::new();
    for args in [&[][..], &POOL] {
        let server = Served::new(args);
        let mut client = server.client().await;
        for text in [
            "CREATE TABLE orders (id BIGINT NOT NULL, price DECIMAL(12, 2), day DATE, \
             at TIMESTAMP, note VARCHAR, tags VARCHAR[], PRIMARY KEY (id))",
            "INSERT INTO orders VALUES (1, 9.50, '2024-02-29', '2024-02-29 12:30:00', 'x', ['a']), \
             (2, NULL, NULL, NULL, NULL, NULL)",
            "CREATE VIEW dear AS SELECT * FROM orders WHERE price > 5",
        ] {
            run(&mut client, text).await.unwrap();
        }
        all.push(server);
    }
    all
}

/// Columns as the protocol lists them.
fn columns(schema: &Schema) -> Vec<(String, DataType, bool)> {
    let fields = schema.fields().iter();
    fields
        .map(|field| (field.name().clone(), field.data_type().clone(), field.is_nullable()))
        .collect()
}

fn text(name: &str, may_be_null: bool) -> (String, DataType, bool) {
    (name.to_string(), DataType::Utf8, may_be_null)
}

fn number(name: &str, may_be_null: bool) -> (String, DataType, bool) {
    (name.to_string(), DataType::Int32, may_be_null)
}

fn truth(name: &str, may_be_null: bool) -> (String, DataType, bool) {
    (name.to_string(), DataType::Boolean, may_be_null)
}

/// An answer in the columns that the protocol has for it, in the info and in the rows.
async fn answer(
    client: &mut Client,
    info: FlightInfo,
    expected: &[(String, DataType, bool)],
) -> Vec<RecordBatch> {
    assert_eq!(columns(&info.clone().try_decode_schema().unwrap()), expected);
    let rows = fetch(client, info).await.unwrap();
    rows.iter().for_each(|rows| assert_eq!(columns(&rows.schema()), expected));
    rows
}

/// A schema as Java reads it: a message with its length before it.
fn schema(bytes: &[u8]) -> Schema {
    assert_eq!(bytes[..4], [0xff; 4], "a message begins with its mark");
    Schema::try_from(IpcMessage(bytes.to_vec().into())).unwrap()
}
