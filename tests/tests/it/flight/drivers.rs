//! What the drivers of JDBC and ODBC send, call by call, and the exact columns in which they look for the answers.
//! The calls are those of [the JDBC driver](https://github.com/apache/arrow-java/tree/main/flight/flight-sql-jdbc-core)
//! and of the ODBC drivers built on the same protocol: JDBC's listing of columns is made of the schemas within the
//! listing of tables, ODBC's of the same, with what is told of each column beside its type.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::cast::AsArray;
use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, UnionArray};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, UInt32Type};
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, Any, CommandGetDbSchemas, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetTables, CommandGetXdbcTypeInfo, CommandPreparedStatementQuery,
    ProstMessageExt, SqlInfo,
};
use arrow_flight::{Action, FlightDescriptor, FlightInfo, IpcMessage};
use futures::TryStreamExt;
use prost::Message;

use super::{Client, Served, count, fetch, run};

/// A server with the tables that are asked about: alone, and in front of a pool.
async fn servers() -> Vec<Served> {
    let mut all = Vec::new();
    for args in [&[][..], &super::POOL] {
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

fn texts(rows: &[RecordBatch], column: &str) -> Vec<String> {
    let columns = rows.iter().map(|rows| rows.column_by_name(column).unwrap().as_string::<i32>());
    columns.flat_map(|column| column.iter().flatten().map(str::to_string)).collect()
}

async fn act(client: &mut Client, name: &str, body: impl Into<Vec<u8>>) -> Vec<Vec<u8>> {
    let results = client.do_action(Action::new(name, body.into())).await.unwrap();
    let results: Vec<_> = results.try_collect().await.unwrap();
    results.into_iter().map(|result| result.body.to_vec()).collect()
}

/// A schema as Java reads it: a message with its length before it.
fn schema(bytes: &[u8]) -> Schema {
    assert_eq!(bytes[..4], [0xff; 4], "a message begins with its mark");
    Schema::try_from(IpcMessage(bytes.to_vec().into())).unwrap()
}

/// What a statement is prepared as.
async fn prepare(client: &mut Client, text: &str) -> ActionCreatePreparedStatementResult {
    let asked =
        ActionCreatePreparedStatementRequest { query: text.to_string(), transaction_id: None };
    let told = act(client, "CreatePreparedStatement", asked.as_any().encode_to_vec()).await;
    Any::decode(told[0].as_slice()).unwrap().unpack().unwrap().unwrap()
}

async fn close(client: &mut Client, prepared: &ActionCreatePreparedStatementResult) {
    let prepared_statement_handle = prepared.prepared_statement_handle.clone();
    let asked = ActionClosePreparedStatementRequest { prepared_statement_handle };
    act(client, "ClosePreparedStatement", asked.as_any().encode_to_vec()).await;
}

/// `Statement.execute`: prepared, and by its columns a query, or an update where it has none.
#[tokio::test(flavor = "multi_thread")]
async fn statements_of_jdbc_are_prepared_first() {
    for server in servers().await {
        let mut client = server.client().await;
        let prepared = prepare(&mut client, "SELECT * FROM orders ORDER BY id").await;
        let told = schema(&prepared.dataset_schema);
        assert_eq!(told.fields().len(), 6, "it is a query");
        assert!(!format!("{told:?}").contains("View"), "Java reads no views: {told:?}");
        let prepared_statement_handle = prepared.prepared_statement_handle.clone();
        let query = CommandPreparedStatementQuery { prepared_statement_handle };
        let asked = FlightDescriptor::new_cmd(query.as_any().encode_to_vec());
        let info = client.inner_mut().get_flight_info(asked).await.unwrap().into_inner();
        assert_eq!(columns(&info.clone().try_decode_schema().unwrap()), columns(&told));
        assert_eq!(count(&fetch(&mut client, info).await.unwrap()), 2);
        close(&mut client, &prepared).await;

        let update = prepare(&mut client, "UPDATE orders SET note = 'y' WHERE id = 2").await;
        let none =
            update.dataset_schema.is_empty() || schema(&update.dataset_schema).fields().is_empty();
        assert!(none, "it is an update");
        close(&mut client, &update).await;
        let mut update = client
            .prepare("UPDATE orders SET note = 'y' WHERE id = 2".to_string(), None)
            .await
            .unwrap();
        assert_eq!(update.execute_update().await.unwrap(), 1);
        update.close().await.unwrap();

        let mut by_id =
            client.prepare("SELECT note FROM orders WHERE id = ?".to_string(), None).await.unwrap();
        assert_eq!(by_id.parameter_schema().unwrap().field(0).data_type(), &DataType::Int64);
        let id: ArrayRef = Arc::new(Int64Array::from(vec![2]));
        by_id.set_parameters(RecordBatch::try_from_iter([("1", id)]).unwrap()).unwrap();
        let info = by_id.execute().await.unwrap();
        assert_eq!(texts(&fetch(&mut client, info).await.unwrap(), "note"), ["y"]);
        by_id.close().await.unwrap();
    }
}

/// The tree of DBeaver, and `SQLTables`: catalogs, schemas, tables, columns, keys.
#[tokio::test(flavor = "multi_thread")]
async fn the_tree_of_tables_is_told_in_the_columns_of_the_protocol() {
    for server in servers().await {
        let mut client = server.client().await;
        let client = &mut client;
        let info = client.get_catalogs().await.unwrap();
        let rows = answer(client, info, &[text("catalog_name", false)]).await;
        assert_eq!(texts(&rows, "catalog_name"), ["strata"]);

        let schemas = [text("catalog_name", true), text("db_schema_name", false)];
        for (catalog, pattern, found) in [
            (None, None, 1),
            (Some("strata"), Some("%"), 1),
            (Some("other"), None, 0),
            (None, Some("pub_ic"), 1),
        ] {
            let (catalog, db_schema_filter_pattern) =
                (catalog.map(str::to_string), pattern.map(str::to_string));
            let asked = CommandGetDbSchemas { catalog, db_schema_filter_pattern };
            let info = client.get_db_schemas(asked.clone()).await.unwrap();
            assert_eq!(count(&answer(client, info, &schemas).await), found, "{asked:?}");
        }

        let info = client.get_table_types().await.unwrap();
        let rows = answer(client, info, &[text("table_type", false)]).await;
        assert_eq!(texts(&rows, "table_type"), ["LOCAL TEMPORARY", "TABLE", "VIEW"]);

        let tables = [
            text("catalog_name", true),
            text("db_schema_name", true),
            text("table_name", false),
            text("table_type", false),
        ];
        let asked = CommandGetTables {
            catalog: Some("strata".to_string()),
            db_schema_filter_pattern: Some("public".to_string()),
            table_name_filter_pattern: Some("%".to_string()),
            table_types: Vec::new(),
            include_schema: false,
        };
        let info = client.get_tables(asked.clone()).await.unwrap();
        let rows = answer(client, info, &tables).await;
        assert_eq!(texts(&rows, "table_name"), ["dear", "orders"]);

        let keys = [
            text("catalog_name", true),
            text("db_schema_name", true),
            text("table_name", false),
            text("column_name", false),
            text("key_name", true),
            number("key_sequence", false),
        ];
        for (catalog, db_schema) in [(None, None), (Some("strata"), Some("public"))] {
            let (catalog, db_schema) = (catalog.map(str::to_string), db_schema.map(str::to_string));
            let asked = CommandGetPrimaryKeys { catalog, db_schema, table: "orders".to_string() };
            let info = client.get_primary_keys(asked).await.unwrap();
            let rows = answer(client, info, &keys).await;
            assert_eq!(texts(&rows, "column_name"), ["id"]);
            assert_eq!(rows[0].column(5).as_primitive::<Int32Type>().value(0), 1);
        }
        let asked = CommandGetImportedKeys { table: "orders".to_string(), ..Default::default() };
        let info = client.get_imported_keys(asked).await.unwrap();
        let told = info.clone().try_decode_schema().unwrap();
        assert_eq!(told.field_with_name("update_rule").unwrap().data_type(), &DataType::UInt8);
        assert_eq!(count(&fetch(client, info).await.unwrap()), 0);
    }
}

/// `DatabaseMetaData.getColumns` and `SQLColumns`.
#[tokio::test(flavor = "multi_thread")]
async fn columns_are_told_with_names_and_sizes_of_types() {
    for server in servers().await {
        let mut client = server.client().await;
        let asked = CommandGetTables {
            table_name_filter_pattern: Some("orders".to_string()),
            include_schema: true,
            ..CommandGetTables::default()
        };
        let info = client.get_tables(asked).await.unwrap();
        let expected = [
            text("catalog_name", true),
            text("db_schema_name", true),
            text("table_name", false),
            text("table_type", false),
            ("table_schema".to_string(), DataType::Binary, false),
        ];
        let rows = answer(&mut client, info, &expected).await;
        let told = schema(rows[0].column(4).as_binary::<i32>().value(0));
        assert!(!format!("{told:?}").contains("View"), "{told:?}");
        let of = |field: &Field, key: &str| {
            field.metadata().get(&format!("ARROW:FLIGHT:SQL:{key}")).cloned().unwrap_or_default()
        };
        let about: Vec<[String; 4]> = told
            .fields()
            .iter()
            .map(|field| {
                assert_eq!(of(field, "CATALOG_NAME"), "strata");
                assert_eq!(of(field, "SCHEMA_NAME"), "public");
                assert_eq!(of(field, "TABLE_NAME"), "orders");
                assert_eq!(of(field, "IS_AUTO_INCREMENT"), "0");
                [
                    field.name().clone(),
                    of(field, "TYPE_NAME"),
                    of(field, "PRECISION"),
                    of(field, "SCALE"),
                ]
            })
            .collect();
        let expected = [
            ["id", "BIGINT", "19", "0"],
            ["price", "DECIMAL", "12", "2"],
            ["day", "DATE", "10", "0"],
            ["at", "TIMESTAMP", "29", "9"],
            ["note", "VARCHAR", "", ""],
            ["tags", "ARRAY", "", ""],
        ];
        assert_eq!(about, expected);
        assert!(!told.field(0).is_nullable() && told.field(1).is_nullable());
    }
}

/// `SQLGetTypeInfo` and `DatabaseMetaData.getTypeInfo`: each type that is told is one that SQL takes.
#[tokio::test(flavor = "multi_thread")]
async fn types_are_told_in_the_columns_of_odbc() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    let words = DataType::List(Arc::new(Field::new("item", DataType::Utf8, false)));
    let expected = [
        text("type_name", false),
        number("data_type", false),
        number("column_size", true),
        text("literal_prefix", true),
        text("literal_suffix", true),
        ("create_params".to_string(), words, true),
        number("nullable", false),
        truth("case_sensitive", false),
        number("searchable", false),
        truth("unsigned_attribute", true),
        truth("fixed_prec_scale", false),
        truth("auto_increment", true),
        text("local_type_name", true),
        number("minimum_scale", true),
        number("maximum_scale", true),
        number("sql_data_type", false),
        number("datetime_subcode", true),
        number("num_prec_radix", true),
        number("interval_precision", true),
    ];
    let info = client.get_xdbc_type_info(CommandGetXdbcTypeInfo { data_type: None }).await.unwrap();
    let rows = answer(&mut client, info, &expected).await;
    let kinds: Vec<i32> = rows[0].column(1).as_primitive::<Int32Type>().values().to_vec();
    assert!(kinds.is_sorted(), "ODBC wants them in the order of their numbers: {kinds:?}");
    for name in texts(&rows, "type_name") {
        run(&mut client, &format!("SELECT CAST(NULL AS {name}) AS t")).await.expect(&name);
        run(&mut client, &format!("CREATE OR REPLACE TABLE t (c {name})")).await.expect(&name);
    }
}

/// All that `DatabaseMetaData` asks, in the types that Java casts to: it fails where one is missing or is another.
#[tokio::test(flavor = "multi_thread")]
async fn what_jdbc_asks_of_the_server_has_the_types_that_it_casts_to() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    let info = client.get_sql_info(Vec::new()).await.unwrap();
    let rows = fetch(&mut client, info).await.unwrap();
    let mut told: HashMap<u32, i8> = HashMap::new();
    for rows in &rows {
        let ids = rows.column(0).as_primitive::<UInt32Type>();
        let values = rows.column(1).as_any().downcast_ref::<UnionArray>().unwrap();
        for row in 0..rows.num_rows() {
            told.insert(ids.value(row), values.type_id(row));
        }
    }
    use SqlInfo as I;
    let (string, truth, long, int, list, map) = (0, 1, 2, 3, 4, 5);
    for (kind, asked) in [
        (
            string,
            &[
                I::FlightSqlServerName,
                I::FlightSqlServerVersion,
                I::SqlIdentifierQuoteChar,
                I::SqlSearchStringEscape,
                I::SqlExtraNameCharacters,
                I::SqlSchemaTerm,
                I::SqlProcedureTerm,
                I::SqlCatalogTerm,
            ][..],
        ),
        (
            truth,
            &[
                I::FlightSqlServerReadOnly,
                I::SqlSupportsColumnAliasing,
                I::SqlNullPlusNullIsNull,
                I::SqlSupportsTableCorrelationNames,
                I::SqlSupportsDifferentTableCorrelationNames,
                I::SqlSupportsExpressionsInOrderBy,
                I::SqlSupportsOrderByUnrelated,
                I::SqlSupportsLikeEscapeClause,
                I::SqlSupportsNonNullableColumns,
                I::SqlCatalogAtStart,
                I::SqlSelectForUpdateSupported,
                I::SqlStoredProceduresSupported,
                I::SqlCorrelatedSubqueriesSupported,
                I::SqlMaxRowSizeIncludesBlobs,
                I::SqlTransactionsSupported,
                I::SqlDataDefinitionCausesTransactionCommit,
                I::SqlDataDefinitionsInTransactionsIgnored,
                I::SqlBatchUpdatesSupported,
                I::SqlSavepointsSupported,
                I::SqlNamedParametersSupported,
                I::SqlLocatorsUpdateCopy,
                I::SqlStoredFunctionsUsingCallSyntaxSupported,
            ],
        ),
        (
            long,
            &[
                I::SqlMaxBinaryLiteralLength,
                I::SqlMaxCharLiteralLength,
                I::SqlMaxColumnNameLength,
                I::SqlMaxColumnsInGroupBy,
                I::SqlMaxColumnsInTable,
                I::SqlMaxConnections,
                I::SqlDbSchemaNameLength,
                I::SqlMaxCatalogNameLength,
                I::SqlMaxRowSize,
                I::SqlMaxStatementLength,
                I::SqlMaxStatements,
                I::SqlMaxTableNameLength,
                I::SqlMaxTablesInSelect,
                I::SqlMaxUsernameLength,
                I::SqlDefaultTransactionIsolation,
            ],
        ),
        (
            int,
            &[
                I::SqlSupportedGroupBy,
                I::SqlSupportedGrammar,
                I::SqlAnsi92SupportedLevel,
                I::SqlOuterJoinsSupportLevel,
                I::SqlSchemasSupportedActions,
                I::SqlCatalogsSupportedActions,
                I::SqlSupportedPositionedCommands,
                I::SqlSupportedResultSetTypes,
                I::SqlSupportedSubqueries,
                I::SqlSupportedUnions,
                I::SqlSupportedTransactionsIsolationLevels,
            ],
        ),
        (
            list,
            &[
                I::SqlKeywords,
                I::SqlNumericFunctions,
                I::SqlStringFunctions,
                I::SqlSystemFunctions,
                I::SqlDatetimeFunctions,
            ],
        ),
        (map, &[I::SqlSupportsConvert]),
    ] {
        for one in asked {
            assert_eq!(told.get(&(*one as u32)), Some(&kind), "{one:?}");
        }
    }
}

/// What tools ask in SQL before anything else, and around it.
#[tokio::test(flavor = "multi_thread")]
async fn tools_are_answered_what_they_ask_first() {
    for server in servers().await {
        let mut client = server.client().await;
        for (query, expected) in [
            ("SELECT current_schema()", "public"),
            ("SELECT current_schema", "public"),
            ("SELECT current_catalog", "strata"),
            ("SELECT CURRENT_CATALOG AS c", "strata"),
            ("SELECT current_database()", "strata"),
            (
                "SELECT \"note\" FROM \"strata\".\"public\".\"orders\" WHERE \"id\" = 1 LIMIT 1 OFFSET 0",
                "x",
            ),
            (
                "SELECT * FROM (SELECT note AS \"My note\" FROM orders) AS virtual_table LIMIT 1",
                "x",
            ),
        ] {
            let rows = run(&mut client, query).await.expect(query);
            assert_eq!(rows[0].column(0).as_string::<i32>().value(0), expected, "{query}");
        }
        let version = run(&mut client, "SELECT version()").await.unwrap();
        assert!(version[0].column(0).as_string::<i32>().value(0).starts_with("Strata "));
        let rows = run(&mut client, "SHOW SCHEMAS").await.unwrap();
        assert_eq!(texts(&rows, "schema_name"), ["public"]);
        let rows = run(&mut client, "SHOW DATABASES").await.unwrap();
        assert_eq!(texts(&rows, "catalog_name"), ["strata"]);
        for text in ["BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK"] {
            let why = run(&mut client, text).await.unwrap_err();
            assert!(why.contains("no transactions over several statements"), "{text}: {why}");
        }
        run(&mut client, "CREATE TABLE IF NOT EXISTS kinds (at DATETIME, raw BLOB, many CLOB)")
            .await
            .unwrap();
        run(&mut client, "TRUNCATE TABLE orders").await.unwrap();
        let rows = run(&mut client, "SELECT count(*) FROM orders").await.unwrap();
        assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().value(0), 0);
    }
}

/// `DELETE` and `UPDATE` are about the rows that their conditions let through, whatever becomes of the condition.
#[tokio::test(flavor = "multi_thread")]
async fn changes_are_about_the_rows_that_they_name() {
    for server in servers().await {
        let mut client = server.client().await;
        for (condition, meant) in [
            ("id < 2", 2),
            ("1 = 0", 0),
            ("NULL", 0),
            ("id IS NULL", 0),
            ("id > 3 AND id < 2", 0),
            ("id = 1 OR true", 5),
            ("id BETWEEN 1 AND 2 AND name = 'x'", 2),
            ("c.id = 4", 1),
        ] {
            for change in ["DELETE FROM c", "UPDATE c SET name = 'y'"] {
                let text =
                    "CREATE OR REPLACE TABLE c AS SELECT value AS id, 'x' AS name FROM range(0, 5)";
                run(&mut client, text).await.unwrap();
                let text = format!("{change} WHERE {condition}");
                let changed = client.execute_update(text.clone(), None).await.expect(&text);
                let left = "SELECT count(*) - count(*) FILTER (WHERE name = 'y') FROM c";
                assert_eq!(
                    (changed, super::number(&mut client, left).await),
                    (meant, 5 - meant),
                    "{text}"
                );
            }
        }
        run(&mut client, "CREATE OR REPLACE TABLE c AS SELECT value AS id FROM range(0, 5)")
            .await
            .unwrap();
        for text in [
            "DELETE FROM c WHERE id IN (SELECT 1)",
            "DELETE FROM c WHERE id NOT IN (SELECT 1)",
            "DELETE FROM c WHERE EXISTS (SELECT 1 FROM orders WHERE orders.id = c.id)",
            "UPDATE c SET id = 9 WHERE id IN (SELECT 1)",
            "DELETE FROM c LIMIT 1",
        ] {
            assert!(run(&mut client, text).await.is_err(), "{text}");
        }
        run(&mut client, "EXPLAIN DELETE FROM c").await.unwrap();
        assert_eq!(super::number(&mut client, "SELECT count(*) FROM c WHERE id < 9").await, 5);
    }
}

/// Values of every kind in the plain types that Java and ODBC read.
#[tokio::test(flavor = "multi_thread")]
async fn values_come_in_types_that_every_driver_reads() {
    for server in servers().await {
        let mut client = server.client().await;
        let rows = run(
            &mut client,
            "SELECT arrow_cast('2024-02-29T12:30:00', 'Timestamp(Microsecond, Some(\"Europe/Berlin\"))') AS z, \
             CAST(1.25 AS DECIMAL(38, 10)) AS d, [1, 2] AS l, named_struct('a', 'x') AS s, \
             INTERVAL '1 day' AS i, X'00ff' AS b, TIME '10:00:00' AS t, true AS y",
        )
        .await
        .unwrap();
        let told = rows[0].schema();
        let kinds = told.fields().iter().map(|field| field.data_type().to_string());
        let kinds: Vec<String> = kinds.collect();
        assert_eq!(kinds[0], "Timestamp(µs, \"Europe/Berlin\")");
        assert_eq!(told.field(1).data_type(), &DataType::Decimal128(38, 10));
        assert_eq!(told.field(5).data_type(), &DataType::Binary);
        assert!(!kinds.concat().contains("View"), "{kinds:?}");
        let names: &StringArray = rows[0].column(3).as_struct().column(0).as_string();
        assert_eq!(names.value(0), "x");
    }
}
