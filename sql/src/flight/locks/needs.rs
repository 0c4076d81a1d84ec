//! Which role a statement needs, told by what it is before anything it names is opened. What is not known to be
//! harmless needs the highest.

use std::ops::ControlFlow;

use datafusion::sql::parser::{CopyToSource, ResetStatement, Statement as DFStatement};
use sqlparser::ast::{ObjectType, Query, SetExpr, Statement as SqlStatement, Visit, Visitor};
use strata_connectors::NotAllowed;

use crate::flight::caller::{Caller, Role};
use crate::parse::{Chain, Head, Kind, Source, Statement, Term, What};
use crate::statements::assignment;

/// The settings that are a session's own business, by how their names begin.
const OWN: &[&str] = &[
    "datafusion.execution.time_zone",
    "datafusion.explain.",
    "datafusion.format.",
    "datafusion.catalog.default_catalog",
    "datafusion.catalog.default_schema",
    "datafusion.sql_parser.default_null_ordering",
    "datafusion.sql_parser.enable_ident_normalization",
    "datafusion.sql_parser.parse_float_as_decimal",
    "flight.",
];

/// Refuses a statement that needs a role which the caller has not.
pub(crate) fn check(caller: &Caller, statement: &Statement) -> Result<(), NotAllowed> {
    let (needs, what) = of_kind(&statement.kind);
    if needs > caller.role {
        return Err(caller.refuse(what, needs));
    }
    Ok(())
}

type Needs = (Role, &'static str);

const READS: Needs = (Role::Reader, "a query");

fn of_kind(kind: &Kind) -> Needs {
    match kind {
        Kind::Sql(statement) => of_statement(statement),
        Kind::Chain(chain) => of_chain(chain),
        Kind::Array(term) => of_term(term),
        // Names are those of the server, and not only of who gives them.
        Kind::Bind { .. } | Kind::BindArray { .. } | Kind::BindArrays { .. } => {
            (Role::Writer, "giving a name to rows or arrays")
        }
        Kind::Explain { source, .. }
        | Kind::ExplainLayers { source, .. }
        | Kind::Describe(source)
        | Kind::Summarize(source)
        | Kind::Pivot { source, .. }
        | Kind::Unpivot { source, .. } => of_source(source),
        Kind::ExplainArray { term, .. } => of_term(term),
        Kind::ShowSettings => READS,
        Kind::CreateSecret { .. } => (Role::Admin, "CREATE SECRET"),
        Kind::DropSecret { .. } => (Role::Admin, "DROP SECRET"),
        Kind::ShowSecrets => (Role::Admin, "SHOW SECRETS"),
        Kind::ShowWorkers => (Role::Admin, "SHOW WORKERS"),
        Kind::ShowJobs => (Role::Admin, "SHOW JOBS"),
        Kind::CancelJob(_) => (Role::Admin, "CANCEL JOB"),
    }
}

fn of_source(source: &Source) -> Needs {
    match source {
        Source::Query(query) => of_query(query),
        Source::Chain(chain) => of_chain(chain),
        Source::Array(term) => of_term(term),
    }
}

fn of_chain(chain: &Chain) -> Needs {
    if chain.calls.iter().any(|call| call.verb.name == "write") {
        return (Role::Writer, "write");
    }
    // For names that are arrays, it is read as theirs.
    let as_array = chain.array.as_deref().map_or(READS, of_term);
    match &chain.head {
        Head::Query(query) if as_array.0 == Role::Reader => of_query(query),
        _ => as_array,
    }
}

fn of_term(term: &Term) -> Needs {
    match &term.what {
        What::Verb(_, verb, _) if verb.eq_ignore_ascii_case("save") => (Role::Writer, "save"),
        _ => READS,
    }
}

fn of_statement(statement: &DFStatement) -> Needs {
    match statement {
        DFStatement::Statement(sql) => of_sql(sql),
        DFStatement::Explain(explain) => of_statement(&explain.statement),
        DFStatement::CopyTo(copy) => match &copy.source {
            CopyToSource::Query(query) => of_query(query).max((Role::Writer, "COPY")),
            CopyToSource::Relation(_) => (Role::Writer, "COPY"),
        },
        DFStatement::CreateExternalTable(_) => (Role::Writer, "CREATE EXTERNAL TABLE"),
        DFStatement::Reset(ResetStatement::Variable(name)) => of_setting(&name.to_string()),
    }
}

fn of_sql(statement: &SqlStatement) -> Needs {
    use SqlStatement as S;
    match statement {
        S::Query(query) => of_query(query),
        S::Explain { statement, .. } => of_sql(statement),
        S::Prepare { statement, .. } => of_sql(statement),
        // What was prepared is looked at again when it is planned.
        S::Execute { .. } | S::Deallocate { .. } => READS,
        S::ExplainTable { .. }
        | S::ShowVariable { .. }
        | S::ShowVariables { .. }
        | S::ShowTables { .. }
        | S::ShowViews { .. }
        | S::ShowColumns { .. }
        | S::ShowSchemas { .. }
        | S::ShowDatabases { .. }
        | S::ShowFunctions { .. }
        | S::ShowCreate { .. } => READS,
        S::StartTransaction { .. } | S::Commit { .. } | S::Rollback { .. } => READS,
        S::Set(set) => match assignment(set) {
            Some((name, _)) => of_setting(&name),
            None => (Role::Admin, "this SET"),
        },
        S::Insert(_) => (Role::Writer, "INSERT"),
        S::Update(_) => (Role::Writer, "UPDATE"),
        S::Delete(_) => (Role::Writer, "DELETE"),
        S::Truncate(_) => (Role::Writer, "TRUNCATE"),
        S::Merge(_) => (Role::Writer, "MERGE"),
        S::CreateTable(_) => (Role::Writer, "CREATE TABLE"),
        S::CreateView(_) => (Role::Writer, "CREATE VIEW"),
        S::Drop { object_type: ObjectType::Table | ObjectType::View, .. } => (Role::Writer, "DROP"),
        _ => (Role::Admin, "this statement"),
    }
}

/// Refuses a setting that needs a role which the caller has not.
pub(crate) fn check_setting(caller: &Caller, name: &str) -> Result<(), NotAllowed> {
    let (needs, what) = of_setting(name);
    match needs > caller.role {
        true => Err(caller.refuse(what, needs)),
        false => Ok(()),
    }
}

fn of_setting(name: &str) -> Needs {
    let name = name.to_lowercase();
    let name = name.strip_prefix("strata.").unwrap_or(&name);
    match OWN.iter().any(|own| name == *own || own.ends_with('.') && name.starts_with(own)) {
        true => READS,
        false => (Role::Admin, "a setting of the server"),
    }
}

fn of_query(query: &Query) -> Needs {
    match Visit::visit(query, &mut Writes) {
        ControlFlow::Continue(()) => READS,
        ControlFlow::Break(what) => (Role::Writer, what),
    }
}

/// Looks for what writes within a query: `SELECT … INTO`, and changes in its parts.
struct Writes;

impl Visitor for Writes {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<&'static str> {
        in_body(&query.body)
    }

    fn pre_visit_statement(&mut self, _: &SqlStatement) -> ControlFlow<&'static str> {
        ControlFlow::Break("a statement within a query")
    }
}

fn in_body(body: &SetExpr) -> ControlFlow<&'static str> {
    match body {
        SetExpr::Select(select) if select.into.is_some() => ControlFlow::Break("SELECT INTO"),
        SetExpr::SetOperation { left, right, .. } => {
            in_body(left)?;
            in_body(right)
        }
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => {
            ControlFlow::Continue(())
        }
        _ => ControlFlow::Break("a change within a query"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(text: &str) -> Role {
        let statements = crate::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        of_kind(&statements[0].kind).0
    }

    #[test]
    fn who_reads_writes_nothing() {
        for text in [
            "SELECT 1",
            "WITH a AS (SELECT 1) SELECT * FROM a UNION ALL SELECT 2",
            "VALUES (1), (2)",
            "FROM 'x.csv'",
            "EXPLAIN SELECT 1",
            "EXPLAIN ANALYZE SELECT 1",
            "EXPLAIN LAYERS SELECT 1",
            "DESCRIBE t",
            "SUMMARIZE t",
            "SHOW TABLES",
            "SHOW SETTINGS",
            "SHOW COLUMNS FROM t",
            "PREPARE p AS SELECT 1",
            "EXECUTE p",
            "SET datafusion.execution.time_zone = 'UTC'",
            "SET TIMEZONE = 'UTC'",
            "orders.filter(a > 1).head(3)",
            "zarr('x.zarr').t.mean(time)",
            "(SELECT 1).head(1)",
        ] {
            assert_eq!(needs(text), Role::Reader, "{text}");
        }
    }

    #[test]
    fn what_changes_tables_or_files_is_for_writers() {
        for text in [
            "INSERT INTO t VALUES (1)",
            "DELETE FROM t",
            "UPDATE t SET a = 1",
            "TRUNCATE TABLE t",
            "CREATE TABLE t AS SELECT 1",
            "CREATE VIEW v AS SELECT 1",
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "CREATE EXTERNAL TABLE t STORED AS ZARR LOCATION 'x.zarr'",
            "COPY t TO 'x.csv'",
            "COPY (SELECT 1) TO 'x.zarr'",
            "DROP TABLE t",
            "DROP VIEW t",
            "SELECT 1 AS a INTO t",
            "SELECT * FROM (SELECT 1 AS a INTO t)",
            "SELECT 1 UNION ALL SELECT 2 AS a INTO t",
            "WITH x AS (SELECT 1 AS a INTO t) SELECT 1",
            "EXPLAIN ANALYZE INSERT INTO t VALUES (1)",
            "EXPLAIN ANALYZE COPY t TO 'x.csv'",
            "PREPARE p AS INSERT INTO t VALUES (1)",
            "(SELECT 1 AS a INTO t).head(1)",
            "SUMMARIZE SELECT 1 AS a INTO t",
            "orders.write('x.parquet')",
            "EXPLAIN ANALYZE orders.write('x.parquet')",
            "t = orders.head(3)",
            "a = arange(10)",
            "arange(10).save('x.npy')",
            "t.save('x.npy')",
        ] {
            assert_eq!(needs(text), Role::Writer, "{text}");
        }
    }

    #[test]
    fn what_is_the_servers_or_unknown_is_for_admins() {
        for text in [
            "SET memory.limit = '1TB'",
            "SET strata.files.allow = ''",
            "SET datafusion.execution.batch_size = 1",
            "SET datafusion.sql_parser.recursion_limit = 100000",
            "SET datafusion.execution.time_zone_of_others = 1",
            "RESET memory.limit",
            "CREATE SECRET s (TYPE s3)",
            "DROP SECRET s",
            "SHOW SECRETS",
            "SHOW WORKERS",
            "SHOW JOBS",
            "CANCEL JOB 1",
            "CREATE SCHEMA s",
            "CREATE DATABASE d",
            "DROP SCHEMA s",
            "CREATE FUNCTION f(INT) RETURNS INT LANGUAGE python AS 'x'",
            "GRANT ALL ON t TO x",
            "ATTACH DATABASE 'x' AS y",
            "CALL f(1)",
            "SET ROLE admin",
        ] {
            assert_eq!(needs(text), Role::Admin, "{text}");
        }
    }
}
