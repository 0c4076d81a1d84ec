//! What JDBC prepares, and what it asks of the server.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::cast::AsArray;
use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, UnionArray};
use arrow::datatypes::{DataType, UInt32Type};
use arrow_flight::FlightDescriptor;
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, Any, CommandPreparedStatementQuery, ProstMessageExt,
    SqlInfo,
};
use prost::Message;

use super::super::{Client, Served, act, count, fetch, texts};
use super::{columns, schema, servers};

/// What a statement is prepared as.
async fn prepare(client: &mut Client, text: &str) -> ActionCreatePreparedStatementResult {
    let asked =
        ActionCreatePreparedStatementRequest { query: text.to_string(), transaction_id: None };
    let told =
        act(client, "CreatePreparedStatement", asked.as_any().encode_to_vec()).await.unwrap();
    Any::decode(told[0].clone()).unwrap().unpack().unwrap().unwrap()
}

async fn close(client: &mut Client, prepared: &ActionCreatePreparedStatementResult) {
    let prepared_statement_handle = prepared.prepared_statement_handle.clone();
    let asked = ActionClosePreparedStatementRequest { prepared_statement_handle };
    act(client, "ClosePreparedStatement", asked.as_any().encode_to_vec()).await.unwrap();
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
