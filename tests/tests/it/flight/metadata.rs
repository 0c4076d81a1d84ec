//! What there is, as drivers ask for it.

use arrow::array::RecordBatch;
use arrow::array::cast::AsArray;
use arrow::datatypes::{DataType, Schema, UInt32Type};
use arrow_flight::sql::{
    CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetTables, CommandGetXdbcTypeInfo, SqlInfo,
};
use arrow_flight::{FlightInfo, IpcMessage};

use super::{Client, Served, count, fetch, run, texts};

async fn told(client: &mut Client, info: FlightInfo) -> Vec<RecordBatch> {
    let schema = info.clone().try_decode_schema().unwrap();
    let batches = fetch(client, info).await.unwrap();
    for batch in &batches {
        assert_eq!(batch.schema().fields(), schema.fields(), "what was told is what came");
    }
    batches
}

async fn filled(server: &Served) -> Client {
    let mut client = server.client().await;
    for text in [
        "CREATE TABLE orders (id BIGINT NOT NULL, day DATE, PRIMARY KEY (id))",
        "CREATE TABLE order_lines AS SELECT 1 AS id, 'x' AS name",
        "CREATE VIEW big_orders AS SELECT * FROM orders",
        "CREATE SCHEMA other",
        "CREATE TABLE other.orders AS SELECT 1 AS a",
    ] {
        run(&mut client, text).await.unwrap();
    }
    client
}

fn asked(schema: Option<&str>, table: Option<&str>, types: &[&str]) -> CommandGetTables {
    CommandGetTables {
        catalog: None,
        db_schema_filter_pattern: schema.map(str::to_string),
        table_name_filter_pattern: table.map(str::to_string),
        table_types: types.iter().map(|kind| kind.to_string()).collect(),
        include_schema: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn catalogs_schemas_and_tables_are_listed() {
    let server = Served::new(&[]);
    let mut client = filled(&server).await;
    let info = client.get_catalogs().await.unwrap();
    assert_eq!(texts(&told(&mut client, info).await, "catalog_name"), ["strata"]);
    let request =
        CommandGetDbSchemas { catalog: None, db_schema_filter_pattern: Some("o%".into()) };
    let info = client.get_db_schemas(request).await.unwrap();
    assert_eq!(texts(&told(&mut client, info).await, "db_schema_name"), ["other"]);
    for (request, names) in [
        (asked(None, None, &[]), vec!["orders", "big_orders", "order_lines", "orders"]),
        (asked(Some("public"), None, &[]), vec!["big_orders", "order_lines", "orders"]),
        (asked(None, Some("order%"), &[]), vec!["orders", "order_lines", "orders"]),
        (asked(None, Some("order_"), &["TABLE"]), vec!["orders", "orders"]),
        (asked(None, Some("order\\_lines"), &[]), vec!["order_lines"]),
        (asked(None, None, &["VIEW"]), vec!["big_orders"]),
        (asked(None, Some(""), &[]), vec![]),
    ] {
        let info = client.get_tables(request.clone()).await.unwrap();
        assert_eq!(texts(&told(&mut client, info).await, "table_name"), names, "{request:?}");
    }
    let info = client.get_table_types().await.unwrap();
    let types = texts(&told(&mut client, info).await, "table_type");
    assert!(types.contains(&"TABLE".to_string()) && types.contains(&"VIEW".to_string()));
    let with = CommandGetTables { include_schema: true, ..asked(None, Some("order_lines"), &[]) };
    let info = client.get_tables(with).await.unwrap();
    let batches = told(&mut client, info).await;
    let bytes =
        batches[0].column_by_name("table_schema").unwrap().as_binary::<i32>().value(0).to_vec();
    let schema = Schema::try_from(IpcMessage(bytes.into())).unwrap();
    assert_eq!(schema.field_with_name("name").unwrap().data_type(), &DataType::Utf8);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_told_as_they_are() {
    let server = Served::new(&[]);
    let mut client = filled(&server).await;
    let table = || "orders".to_string();
    let request = CommandGetPrimaryKeys { catalog: None, db_schema: None, table: table() };
    let info = client.get_primary_keys(request).await.unwrap();
    assert_eq!(texts(&told(&mut client, info).await, "column_name"), ["id"]);
    let exported = CommandGetExportedKeys { catalog: None, db_schema: None, table: table() };
    let imported = CommandGetImportedKeys { catalog: None, db_schema: None, table: table() };
    let cross = CommandGetCrossReference {
        pk_table: table(),
        fk_table: table(),
        ..CommandGetCrossReference::default()
    };
    for info in [
        client.get_exported_keys(exported).await.unwrap(),
        client.get_imported_keys(imported).await.unwrap(),
        client.get_cross_reference(cross).await.unwrap(),
    ] {
        let schema = info.clone().try_decode_schema().unwrap();
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let expected = [
            "pk_catalog_name",
            "pk_db_schema_name",
            "pk_table_name",
            "pk_column_name",
            "fk_catalog_name",
            "fk_db_schema_name",
            "fk_table_name",
            "fk_column_name",
            "key_sequence",
            "fk_key_name",
            "pk_key_name",
            "update_rule",
            "delete_rule",
        ];
        assert_eq!(names, expected);
        assert_eq!(count(&told(&mut client, info).await), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_about_the_server_is_answered() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    let info = client.get_sql_info(Vec::new()).await.unwrap();
    let batches = told(&mut client, info).await;
    let ids: Vec<u32> = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<UInt32Type>().values().to_vec())
        .collect();
    let known: Vec<u32> = (0..1000).filter(|id| SqlInfo::try_from(*id as i32).is_ok()).collect();
    assert_eq!(ids, known);
    let info = client.get_sql_info(vec![SqlInfo::FlightSqlServerName]).await.unwrap();
    assert_eq!(count(&told(&mut client, info).await), 1);

    let info = client.get_xdbc_type_info(CommandGetXdbcTypeInfo { data_type: None }).await.unwrap();
    let names = texts(&told(&mut client, info).await, "type_name");
    for name in ["BIGINT", "VARCHAR", "TIMESTAMP", "DECIMAL", "DOUBLE", "BOOLEAN"] {
        assert!(names.contains(&name.to_string()), "{name}");
        // The types are those that SQL knows.
        run(&mut client, &format!("SELECT CAST(NULL AS {name})")).await.unwrap();
    }
    let info =
        client.get_xdbc_type_info(CommandGetXdbcTypeInfo { data_type: Some(-5) }).await.unwrap();
    assert_eq!(texts(&told(&mut client, info).await, "type_name"), ["BIGINT"]);
}
