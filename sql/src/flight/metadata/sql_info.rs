//! `SqlInfo`: what this server can do, every question of the protocol answered, as drivers rely on answers that they
//! do not check for.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use arrow_flight::sql::metadata::SqlInfoDataBuilder;
use arrow_flight::sql::{
    CommandGetSqlInfo, SqlInfo, SqlNullOrdering, SqlOuterJoinsSupportLevel,
    SqlSupportedCaseSensitivity, SqlSupportedGroupBy, SqlSupportedResultSetConcurrency,
    SqlSupportedResultSetType, SqlSupportedSubqueries, SqlSupportedTransaction, SqlSupportedUnions,
    SqlSupportsConvert, SqlTransactionIsolationLevel, SupportedSqlGrammar,
};
use datafusion::execution::context::SessionContext;
use datafusion::functions::{datetime, math, string, unicode};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;
use tonic::Status;

use super::internal;
use crate::flight::Server;

/// The answer, for those that are asked about; for all where none is.
pub(super) fn answer(server: &Server, asked: CommandGetSqlInfo) -> Result<RecordBatch, Status> {
    let data = all(server.sessions.shared()).build().map_err(internal)?;
    asked.into_builder(&data).build().map_err(internal)
}

/// A set of flags, by their places.
fn flags(places: &[i32]) -> i32 {
    places.iter().fold(0, |all, place| all | 1 << place)
}

fn all(session: &SessionContext) -> SqlInfoDataBuilder {
    let mut info = SqlInfoDataBuilder::new();
    server(&mut info, session);
    names(&mut info);
    words(&mut info);
    forms(&mut info);
    limits(&mut info, session);
    transactions(&mut info);
    info
}

fn server(info: &mut SqlInfoDataBuilder, session: &SessionContext) {
    let options = strata_engine::options_of(session.state_ref().read().config_options());
    let timeout = i32::try_from(options.flight.timeout.0.as_millis()).unwrap_or(i32::MAX);
    info.append(SqlInfo::FlightSqlServerName, "Strata");
    info.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    info.append(SqlInfo::FlightSqlServerArrowVersion, "1.5.0");
    info.append(SqlInfo::FlightSqlServerReadOnly, false);
    info.append(SqlInfo::FlightSqlServerSql, true);
    info.append(SqlInfo::FlightSqlServerSubstrait, false);
    info.append(SqlInfo::FlightSqlServerSubstraitMinVersion, "");
    info.append(SqlInfo::FlightSqlServerSubstraitMaxVersion, "");
    info.append(SqlInfo::FlightSqlServerTransaction, SqlSupportedTransaction::None as i32);
    info.append(SqlInfo::FlightSqlServerCancel, true);
    info.append(SqlInfo::FlightSqlServerBulkIngestion, true);
    info.append(SqlInfo::FlightSqlServerIngestTransactionsSupported, false);
    info.append(SqlInfo::FlightSqlServerStatementTimeout, timeout);
    info.append(SqlInfo::FlightSqlServerTransactionTimeout, 0);
}

fn names(info: &mut SqlInfoDataBuilder) {
    info.append(SqlInfo::SqlDdlCatalog, true);
    info.append(SqlInfo::SqlDdlSchema, true);
    info.append(SqlInfo::SqlDdlTable, true);
    let lower = SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i32;
    info.append(SqlInfo::SqlIdentifierCase, lower);
    info.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    let kept = SqlSupportedCaseSensitivity::SqlCaseSensitivityUnknown as i32;
    info.append(SqlInfo::SqlQuotedIdentifierCase, kept);
    info.append(SqlInfo::SqlAllTablesAreSelectable, true);
    info.append(SqlInfo::SqlNullOrdering, SqlNullOrdering::SqlNullsSortedHigh as i32);
    info.append(SqlInfo::SqlSearchStringEscape, "\\");
    info.append(SqlInfo::SqlExtraNameCharacters, "");
    info.append(SqlInfo::SqlSchemaTerm, "schema");
    info.append(SqlInfo::SqlProcedureTerm, "procedure");
    info.append(SqlInfo::SqlCatalogTerm, "catalog");
    info.append(SqlInfo::SqlCatalogAtStart, true);
    info.append(SqlInfo::SqlSchemasSupportedActions, 0);
    info.append(SqlInfo::SqlCatalogsSupportedActions, 0);
}

fn words(info: &mut SqlInfoDataBuilder) {
    let listed = |functions: Vec<Arc<ScalarUDF>>| -> Vec<String> {
        let names: BTreeSet<String> = functions.iter().map(|one| one.name().to_string()).collect();
        names.into_iter().collect()
    };
    let keywords: Vec<String> = crate::keywords().iter().map(|word| word.to_string()).collect();
    info.append(SqlInfo::SqlKeywords, keywords);
    info.append(SqlInfo::SqlNumericFunctions, listed(math::functions()));
    let texts = string::functions().into_iter().chain(unicode::functions()).collect();
    info.append(SqlInfo::SqlStringFunctions, listed(texts));
    info.append(SqlInfo::SqlSystemFunctions, vec!["version".to_string()]);
    info.append(SqlInfo::SqlDatetimeFunctions, listed(datetime::functions()));
}

fn forms(info: &mut SqlInfoDataBuilder) {
    for can in [
        SqlInfo::SqlSupportsColumnAliasing,
        SqlInfo::SqlNullPlusNullIsNull,
        SqlInfo::SqlSupportsTableCorrelationNames,
        SqlInfo::SqlSupportsExpressionsInOrderBy,
        SqlInfo::SqlSupportsOrderByUnrelated,
        SqlInfo::SqlSupportsLikeEscapeClause,
        SqlInfo::SqlSupportsNonNullableColumns,
        SqlInfo::SqlCorrelatedSubqueriesSupported,
        SqlInfo::SqlNamedParametersSupported,
    ] {
        info.append(can, true);
    }
    for cannot in [
        SqlInfo::SqlSupportsDifferentTableCorrelationNames,
        SqlInfo::SqlSupportsIntegrityEnhancementFacility,
        SqlInfo::SqlSelectForUpdateSupported,
        SqlInfo::SqlStoredProceduresSupported,
        SqlInfo::SqlBatchUpdatesSupported,
        SqlInfo::SqlSavepointsSupported,
        SqlInfo::SqlLocatorsUpdateCopy,
        SqlInfo::SqlStoredFunctionsUsingCallSyntaxSupported,
    ] {
        info.append(cannot, false);
    }
    info.append(SqlInfo::SqlSupportsConvert, conversions());
    let groups =
        [SqlSupportedGroupBy::SqlGroupByUnrelated, SqlSupportedGroupBy::SqlGroupByBeyondSelect];
    info.append(SqlInfo::SqlSupportedGroupBy, flags(&groups.map(|group| group as i32)));
    let grammar = [
        SupportedSqlGrammar::SqlMinimumGrammar,
        SupportedSqlGrammar::SqlCoreGrammar,
        SupportedSqlGrammar::SqlExtendedGrammar,
    ];
    info.append(SqlInfo::SqlSupportedGrammar, flags(&grammar.map(|one| one as i32)));
    /// `ANSI92_ENTRY_SQL`, which the crate does not name.
    const ENTRY: i32 = 0;
    info.append(SqlInfo::SqlAnsi92SupportedLevel, flags(&[ENTRY]));
    let joins = [
        SqlOuterJoinsSupportLevel::SqlLimitedOuterJoins,
        SqlOuterJoinsSupportLevel::SqlFullOuterJoins,
    ];
    info.append(SqlInfo::SqlOuterJoinsSupportLevel, flags(&joins.map(|join| join as i32)));
    info.append(SqlInfo::SqlSupportedPositionedCommands, 0);
    let subqueries = [
        SqlSupportedSubqueries::SqlSubqueriesInComparisons,
        SqlSupportedSubqueries::SqlSubqueriesInExists,
        SqlSupportedSubqueries::SqlSubqueriesInIns,
    ];
    info.append(SqlInfo::SqlSupportedSubqueries, flags(&subqueries.map(|one| one as i32)));
    let unions = [SqlSupportedUnions::SqlUnion, SqlSupportedUnions::SqlUnionAll];
    info.append(SqlInfo::SqlSupportedUnions, flags(&unions.map(|union| union as i32)));
    let forward = SqlSupportedResultSetType::SqlResultSetTypeForwardOnly as i32;
    info.append(SqlInfo::SqlSupportedResultSetTypes, flags(&[forward]));
    let read = SqlSupportedResultSetConcurrency::SqlResultSetConcurrencyReadOnly as i32;
    info.append(SqlInfo::SqlSupportedConcurrenciesForResultSetForwardOnly, flags(&[read]));
    for none in [
        SqlInfo::SqlSupportedConcurrenciesForResultSetUnspecified,
        SqlInfo::SqlSupportedConcurrenciesForResultSetScrollSensitive,
        SqlInfo::SqlSupportedConcurrenciesForResultSetScrollInsensitive,
    ] {
        info.append(none, 0);
    }
}

/// What CAST makes of what.
fn conversions() -> BTreeMap<i32, Vec<i32>> {
    use SqlSupportsConvert as To;
    let numbers = [
        To::SqlConvertBigint,
        To::SqlConvertBit,
        To::SqlConvertDecimal,
        To::SqlConvertFloat,
        To::SqlConvertInteger,
        To::SqlConvertNumeric,
        To::SqlConvertReal,
        To::SqlConvertSmallint,
        To::SqlConvertTinyint,
    ];
    let texts = [To::SqlConvertChar, To::SqlConvertLongvarchar, To::SqlConvertVarchar];
    let times = [To::SqlConvertDate, To::SqlConvertTime, To::SqlConvertTimestamp];
    let bytes = [To::SqlConvertBinary, To::SqlConvertLongvarbinary, To::SqlConvertVarbinary];
    let places = |groups: &[&[To]]| -> Vec<i32> {
        groups.iter().flat_map(|group| group.iter().map(|to| *to as i32)).collect()
    };
    let mut all = BTreeMap::new();
    for (from, to) in [
        (&numbers[..], places(&[&numbers, &texts])),
        (&texts[..], places(&[&numbers, &texts, &times, &bytes])),
        (&times[..], places(&[&times, &texts])),
        (&bytes[..], places(&[&bytes, &texts])),
    ] {
        all.extend(from.iter().map(|kind| (*kind as i32, to.clone())));
    }
    all
}

/// Limits; none is 0.
fn limits(info: &mut SqlInfoDataBuilder, session: &SessionContext) {
    let options = strata_engine::options_of(session.state_ref().read().config_options()).flight;
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    for unlimited in [
        SqlInfo::SqlMaxBinaryLiteralLength,
        SqlInfo::SqlMaxCharLiteralLength,
        SqlInfo::SqlMaxColumnNameLength,
        SqlInfo::SqlMaxColumnsInGroupBy,
        SqlInfo::SqlMaxColumnsInIndex,
        SqlInfo::SqlMaxColumnsInOrderBy,
        SqlInfo::SqlMaxColumnsInSelect,
        SqlInfo::SqlMaxColumnsInTable,
        SqlInfo::SqlMaxCursorNameLength,
        SqlInfo::SqlMaxIndexLength,
        SqlInfo::SqlDbSchemaNameLength,
        SqlInfo::SqlMaxProcedureNameLength,
        SqlInfo::SqlMaxCatalogNameLength,
        SqlInfo::SqlMaxRowSize,
        SqlInfo::SqlMaxTableNameLength,
        SqlInfo::SqlMaxTablesInSelect,
        SqlInfo::SqlMaxUsernameLength,
    ] {
        info.append(unlimited, 0i64);
    }
    info.append(SqlInfo::SqlMaxRowSizeIncludesBlobs, true);
    info.append(SqlInfo::SqlMaxConnections, whole(options.sessions as u64));
    info.append(SqlInfo::SqlMaxStatements, whole(options.statements as u64));
    info.append(SqlInfo::SqlMaxStatementLength, whole(options.text.0));
}

fn transactions(info: &mut SqlInfoDataBuilder) {
    let none = SqlTransactionIsolationLevel::SqlTransactionNone as i32;
    info.append(SqlInfo::SqlDefaultTransactionIsolation, i64::from(none));
    info.append(SqlInfo::SqlTransactionsSupported, false);
    info.append(SqlInfo::SqlSupportedTransactionsIsolationLevels, flags(&[none]));
    info.append(SqlInfo::SqlDataDefinitionCausesTransactionCommit, false);
    info.append(SqlInfo::SqlDataDefinitionsInTransactionsIgnored, false);
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::UInt32Type;

    use super::*;

    #[test]
    fn every_question_of_the_protocol_has_an_answer() {
        let session = crate::session(strata_engine::Settings::default()).unwrap();
        let batch = all(&session).build().unwrap().record_batch(None).unwrap();
        let told: Vec<u32> = batch.column(0).as_primitive::<UInt32Type>().values().to_vec();
        let asked: Vec<u32> =
            (0..2000).filter(|id| SqlInfo::try_from(*id as i32).is_ok()).collect();
        assert_eq!(told, asked);
    }
}
