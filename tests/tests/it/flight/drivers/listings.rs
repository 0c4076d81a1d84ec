//! The trees of tools: catalogs, schemas, tables, keys, columns and types.

use std::sync::Arc;

use arrow::array::cast::AsArray;
use arrow::datatypes::{DataType, Field, Int32Type};
use arrow_flight::sql::{
    CommandGetDbSchemas, CommandGetImportedKeys, CommandGetPrimaryKeys, CommandGetTables,
    CommandGetXdbcTypeInfo,
};

use super::super::{Served, count, fetch, run, texts};
use super::{answer, number, schema, servers, text, truth};

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
