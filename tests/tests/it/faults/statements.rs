//! Statements that are wrong: in their grammar, in their names, in their values.

use super::{Case, nothing, put, run_all};

/// A case that needs no files.
const fn text(statement: &'static str, says: &'static [&'static str]) -> Case {
    Case { name: "", make: nothing, statement, says }
}

#[test]
fn grammar() {
    run_all(&[
        text("SELECT", &["expression"]),
        text("SELECT 1 FROM", &["identifier"]),
        text("SELECT * FRM t", &["found 'FRM'"]),
        text("SELECT (1", &["Expected: )"]),
        text("SELECT 'a", &["Unterminated string"]),
        text("SELEC 1", &["no statement starts with 'SELEC'", "did you mean SELECT?"]),
        text("WITH", &["identifier"]),
        text("VALUES", &["Expected: ("]),
        text("FROM", &["identifier"]),
        text("INSERT INTO", &["identifier"]),
        text("CREATE TABLE", &["identifier"]),
        text("CREATE VIEW v", &["Expected: AS"]),
        text("CREATE EXTERNAL TABLE t", &["STORED AS"]),
        text("CREATE SECRET", &["identifier"]),
        text("COPY t", &["Missing TO clause"]),
        text("COPY (SELECT 1) TO", &["literal string"]),
        text("DROP", &["after DROP"]),
        text("SET", &["identifier"]),
        text("SET x", &["equals sign"]),
        text("DESCRIBE", &["SELECT"]),
        text("SUMMARIZE", &["SELECT"]),
        text("EXPLAIN", &["statement"]),
        text("PIVOT t ON", &["expression"]),
        text("UNPIVOT t", &["ON"]),
        text("PREPARE", &["identifier"]),
        text("t = ", &["expected a table, a 'file'"]),
        text("t.", &["expected a verb after '.'"]),
        text("range(1, 5).filter(", &["filter: ", "write filter("]),
        text("range(1, 5).head(1", &["head: expected ',' or ')'"]),
        text("sql('SELEC 1').head(1)", &["within sql('…')"]),
        text("SELECT 1 SELECT 2", &["the end of the statement"]),
        text("BEGIN", &["no transactions", "leave out BEGIN"]),
        text("USE nosuch", &["not supported", "USE nosuch"]),
        text("GRANT x TO y", &["privilege"]),
    ]);
}

#[test]
fn names() {
    run_all(&[
        text("SELECT nosuch", &["there is no column 'nosuch'"]),
        text("SELECT valeu FROM range(1, 5)", &["there is no column 'valeu'", "'value'?"]),
        text("SELECT * FROM nosuch", &["there is no table 'nosuch'", "CREATE EXTERNAL TABLE"]),
        text("FROM nosuch", &["there is no table 'nosuch'", "CREATE EXTERNAL TABLE"]),
        text("SELECT * FROM nosuch JOIN also ON true", &["there is no table '"]),
        text("nosuch.head(1)", &["there is no table 'nosuch'", "CREATE EXTERNAL TABLE"]),
        text("range(1, 5).hed(1)", &["there is no verb 'hed'", "did you mean 'head'?"]),
        text("SELECT nosuch(1)", &["Invalid function 'nosuch'", "did you mean"]),
        text("SELECT * FROM nosuch(1)", &["table function 'nosuch' not found"]),
        text("SELECT sum(1, 2, 3)", &["sum"]),
        text("SELECT substr('a', 1, 2, 3)", &["substr takes", "not 4"]),
        text("SELECT sum('x')", &["sum takes", "not String"]),
        text("DESCRIBE nosuch", &["there is no table 'nosuch'"]),
        text("SUMMARIZE nosuch", &["there is no table 'nosuch'"]),
        text("EXPLAIN SELECT nosuch", &["there is no column 'nosuch'"]),
        text("PIVOT nosuch ON a USING sum(b)", &["there is no table 'nosuch'"]),
        text("UNPIVOT nosuch ON a", &["there is no table 'nosuch'"]),
        text("DROP TABLE nosuch", &["'nosuch' doesn't exist"]),
        text("DROP VIEW nosuch", &["'nosuch' doesn't exist"]),
        text("DROP SECRET nosuch", &["secret 'nosuch': there is no secret of this name"]),
        text("EXECUTE nosuch", &["'nosuch' does not exist"]),
        text("INSERT INTO nosuch VALUES (1)", &["there is no table 'nosuch'"]),
        text("UPDATE nosuch SET a = 1", &["there is no table 'nosuch'"]),
        text("DELETE FROM nosuch", &["there is no table 'nosuch'"]),
        text("COPY nosuch TO '$/x.csv'", &["there is no table 'nosuch'"]),
        text("SHOW nosuch", &["there is no setting 'nosuch'", "SHOW SETTINGS"]),
        text("SHOW COLUMNS FROM nosuch", &["nosuch"]),
        text("SET nosuch = 1", &["there is no setting 'nosuch'", "`strata config`"]),
        text("SET memory.limt = '1GiB'", &["did you mean 'memory.limit'?"]),
        text("SET memory.limit = 'lots'", &["setting 'memory.limit'", "such as 512MiB"]),
        text("SET shell.rows = 'many'", &["setting 'shell.rows'"]),
        text("RESET nosuch", &["there is no setting 'nosuch'", "`strata config`"]),
        text("CREATE SECRET s (TYPE nosuch)", &["no secrets of type 'nosuch'", "use s3, gcs"]),
        text("CREATE SECRET s (TYPE s3, NOSUCH 'x')", &["nosuch"]),
        text("CREATE TABLE t (a nosuch)", &["Unsupported SQL type nosuch"]),
        text(
            "CREATE TABLE t AS SELECT 1 AS a; CREATE TABLE t AS SELECT 2 AS a",
            &["'t' exists already", "CREATE OR REPLACE TABLE"],
        ),
        text("CREATE TABLE t AS SELECT 1 AS a; t = range(1, 5)", &["'t' is a table", "DROP TABLE"]),
        text("CREATE TABLE t AS SELECT 1 AS a; DROP VIEW t", &["t"]),
        Case {
            name: "a format that nobody reads",
            make: |at| put(at, "x", "1"),
            statement: "CREATE EXTERNAL TABLE t STORED AS nosuch LOCATION '$/x'",
            says: &["there is no format 'NOSUCH'", "PARQUET, CSV"],
        },
        Case {
            name: "a location that is not there",
            make: nothing,
            statement: "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '$/nosuch.csv'",
            says: &["'nosuch.csv' does not exist in"],
        },
        Case {
            name: "a partition column that no folder has",
            make: |at| put(at, "t/x.csv", "v\n1\n"),
            statement: "CREATE EXTERNAL TABLE t STORED AS CSV PARTITIONED BY (k) LOCATION '$/t/'",
            says: &["PARTITIONED BY", "no folder is named 'k=…'"],
        },
    ]);
}

#[test]
fn values() {
    run_all(&[
        text("SELECT 1 / 0", &["division by zero", "NULLIF"]),
        text("SELECT 5 % 0", &["division by zero", "NULLIF"]),
        text("SELECT CAST('x' AS INT)", &["Cannot cast string 'x'", "TRY_CAST"]),
        text("SELECT 'x'::date", &["Cannot cast string 'x'", "TRY_CAST"]),
        text("SELECT DATE '2024-13-01'", &["Cannot cast string '2024-13-01'", "TRY_CAST"]),
        text("SELECT CAST(300 AS TINYINT)", &["300", "Int8", "TRY_CAST"]),
        text("SELECT INTERVAL 'x'", &["\"x\""]),
        text("SELECT to_timestamp('x')", &["'x'"]),
        text("SELECT 1 LIMIT -1", &["LIMIT must be >= 0"]),
        text("SELECT regexp_match('a', '(')", &["Regular expression", "unclosed group"]),
        text("SELECT 1 UNION SELECT 1, 2", &["different number of columns"]),
        text("VALUES (1), (1, 2)", &["row 1"]),
        text("SELECT (SELECT value FROM range(1, 5))", &["more than one row"]),
        text("SELECT * FROM range(1, 5) WHERE value", &["non-boolean predicate"]),
        text("SELECT value FROM range(1, 5) GROUP BY 5", &["position 5"]),
        text("SELECT * FROM range(1, 5) JOIN range(1, 5) ON true", &["both sides have", "AS name"]),
        text("range(1, 5).head('x')", &["head: ", "not a count of rows", "write head("]),
        text("SELECT 1 + [1]", &["+"]),
    ]);
}
