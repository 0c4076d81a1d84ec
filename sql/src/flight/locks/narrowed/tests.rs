//! Whatever a reader or a writer asks, in whichever language: what is not theirs is neither read nor written, nor told.

use std::path::Path;

use futures::StreamExt;
use strata_connectors::Locations;
use strata_engine::{LocalRunner, Runner, Settings};

use super::*;
use crate::flight::caller::{Allowed, Schemas, status_of_denied};
use crate::{Outcome, execute, parse};

/// Files, some within `in`; tables, some in the schema `private`.
struct Place {
    folder: tempfile::TempDir,
    all: SessionContext,
}

/// What stands in every file and table that nobody but an admin may see.
const SECRET: &str = "hunter2";

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        for part in ["in", "out", "hunter2_folder"] {
            std::fs::create_dir(path(part)).unwrap();
        }
        std::fs::write(path("in/a.csv"), "a,b\n1,x\n").unwrap();
        std::fs::write(path("out/s.csv"), format!("{SECRET},b\n1,{SECRET}\n")).unwrap();
        std::os::unix::fs::symlink(path("out/s.csv"), path("in/link.csv")).unwrap();
        std::os::unix::fs::symlink(path("out"), path("in/away")).unwrap();
        let all = crate::session(Settings::default()).unwrap();
        let place = Self { folder, all };
        for text in [
            "CREATE SCHEMA private".to_string(),
            "CREATE TABLE open AS SELECT 1 AS a".to_string(),
            format!("CREATE TABLE private.t AS SELECT '{SECRET}' AS {SECRET}"),
            format!("CREATE VIEW private.v AS SELECT '{SECRET}' AS s"),
            "CREATE VIEW peek AS SELECT * FROM private.t".to_string(),
            format!(
                "CREATE EXTERNAL TABLE inside STORED AS CSV LOCATION '{}'",
                place.path("in/a.csv")
            ),
            format!(
                "CREATE EXTERNAL TABLE outside STORED AS CSV LOCATION '{}'",
                place.path("out/s.csv")
            ),
            format!("CREATE VIEW later AS SELECT * FROM '{}'", place.path("out/s.csv")),
            format!("arange(7).save('{}')", place.path("out/x.npy")),
            format!("arange(7).named('v').save('{}')", place.path("out/x.zarr")),
            format!("arange(7).save('{}')", place.path("in/x.npy")),
            format!("arange(7).named('v').save('{}')", place.path("in/x.zarr")),
            format!("held = npy('{}')", place.path("out/x.npy")),
            format!("mine = npy('{}')", place.path("in/x.npy")),
        ] {
            place.run(&place.all, &text).await.unwrap_or_else(|error| panic!("{text}: {error}"));
        }
        place
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn session(&self, role: Role, schemas: &[&str]) -> SessionContext {
        let inside = self.path("in");
        let allowed = Allowed {
            schemas: Schemas(schemas.iter().map(|name| name.to_string()).collect()),
            locations: Locations::parse([inside.as_str()]).unwrap(),
        };
        let caller = Caller {
            name: "ann".to_string(),
            role,
            allowed: Arc::new(allowed),
            ..Caller::anyone()
        };
        Arc::new(caller).session(&self.all).unwrap()
    }

    /// What a statement says.
    async fn run(&self, session: &SessionContext, text: &str) -> Result<String, Error> {
        let mut told = String::new();
        for statement in parse(text)? {
            match execute(session, &statement).await? {
                Outcome::Done(said) => told.push_str(&said.unwrap_or_default()),
                Outcome::Rows(plan) => {
                    let mut rows = LocalRunner.run(session, plan).await?.stream;
                    while let Some(batch) = rows.next().await {
                        let shown = arrow::util::pretty::pretty_format_batches(&[batch?]);
                        told.push_str(
                            &shown.map_err(|error| Error::text(error.to_string()))?.to_string(),
                        );
                    }
                }
            }
        }
        Ok(told)
    }

    /// Files below a folder.
    fn files(&self, name: &str) -> Vec<String> {
        fn below(folder: &Path, into: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                into.push(entry.path().display().to_string());
                if entry.file_type().unwrap().is_dir() {
                    below(&entry.path(), into);
                }
            }
        }
        let mut all = Vec::new();
        below(&self.folder.path().join(name), &mut all);
        all.sort();
        all
    }
}

#[tokio::test]
async fn readers_read_what_is_theirs() {
    let place = Place::new().await;
    let reader = place.session(Role::Reader, &["public"]);
    let inside = place.path("in");
    for text in [
        "SELECT * FROM open".to_string(),
        "SELECT * FROM strata.public.open".to_string(),
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r".to_string(),
        "SELECT * FROM range(1, 3)".to_string(),
        "SELECT * FROM (VALUES (1)) AS v(a) WHERE EXISTS (SELECT 1 FROM open)".to_string(),
        "SELECT * FROM inside".to_string(),
        format!("FROM '{inside}/a.csv'"),
        format!("SELECT * FROM '{inside}/a*.csv'"),
        format!("'file://{inside}/a.csv'.head(1)"),
        format!("npy('{inside}/x.npy').sum()"),
        format!("zarr('{inside}/x.zarr').sum()"),
        format!("SELECT count(*) FROM zarr('{inside}/x.zarr')"),
        "mine.sum()".to_string(),
        "open.head(1)".to_string(),
        "open.describe()".to_string(),
        "SUMMARIZE open".to_string(),
        "DESCRIBE open".to_string(),
        "EXPLAIN ANALYZE SELECT * FROM open".to_string(),
        "EXPLAIN LAYERS SELECT * FROM open".to_string(),
        "EXPLAIN ANALYZE LAYERS SELECT * FROM open".to_string(),
        "SHOW TABLES".to_string(),
        "SHOW SETTINGS".to_string(),
        "SET datafusion.execution.time_zone = '+01:00'".to_string(),
        "arange(10).sum()".to_string(),
        "random_normal(10, 10).mean()".to_string(),
        "PIVOT open ON a USING sum(a)".to_string(),
    ] {
        let told = place.run(&reader, &text).await;
        assert!(told.is_ok(), "{text}: {told:?}");
    }
}

#[tokio::test]
async fn what_is_not_theirs_is_neither_read_nor_told() {
    let place = Place::new().await;
    let (inside, outside, up) = (place.path("in"), place.path("out"), place.path(""));
    let queries = [
        format!("SELECT * FROM '{outside}/s.csv'"),
        format!("FROM 'file://{outside}/s.csv'"),
        format!("FROM 'FILE://{outside}/s.csv'"),
        format!("FROM '{inside}/../out/s.csv'"),
        format!("FROM 'file://{inside}/%2e%2e/out/s.csv'"),
        format!("FROM '{inside}/link.csv'"),
        format!("FROM '{inside}/away/s.csv'"),
        format!("FROM '{inside}/away/*.csv'"),
        format!("FROM '{up}*/s.csv'"),
        format!("FROM '{up}{{in,out}}/*.csv'"),
        format!("FROM '{outside}/*.csv'"),
        format!("FROM '{outside}/not_there.csv'"),
        "FROM '/etc/passwd'".to_string(),
        "FROM '/etc/'".to_string(),
        "FROM 'https://localhost:1/x.csv'".to_string(),
        "FROM 's3://bucket/x.csv'".to_string(),
        format!("'{outside}/s.csv'.head(1)"),
        format!("open.join('{outside}/s.csv', a = hunter2)"),
        format!("open.union('{outside}/s.csv'.select({SECRET}))"),
        format!("DESCRIBE '{outside}/s.csv'"),
        format!("SUMMARIZE '{outside}/s.csv'"),
        format!("PIVOT '{outside}/s.csv' ON b USING sum({SECRET})"),
        format!("EXPLAIN SELECT * FROM '{outside}/s.csv'"),
        format!("EXPLAIN LAYERS '{outside}/s.csv'.head(1)"),
        format!("SELECT (SELECT max(b) FROM '{outside}/s.csv')"),
        format!("SELECT 1 WHERE EXISTS (SELECT * FROM '{outside}/s.csv')"),
        format!("WITH x AS (SELECT * FROM '{outside}/s.csv') SELECT count(*) FROM x"),
        format!("PREPARE p AS SELECT * FROM '{outside}/s.csv'; EXECUTE p"),
        format!("npy('{outside}/x.npy')"),
        format!("npz('{outside}/x.npz')"),
        format!("zarr('{outside}/x.zarr').sum()"),
        format!("zarr('{inside}/../out/x.zarr').sum()"),
        format!("zarr('{inside}/away/x.zarr').sum()"),
        format!("SELECT * FROM zarr('{outside}/x.zarr')"),
        format!("SELECT * FROM npy('{outside}/x.npy')"),
        format!("EXPLAIN ARRAY zarr('{outside}/x.zarr')"),
        format!("DESCRIBE zarr('{outside}/x.zarr')"),
        "held.sum()".to_string(),
        "held".to_string(),
        "SELECT * FROM held".to_string(),
        "(held + mine).sum()".to_string(),
        "concatenate(mine, held).sum()".to_string(),
        "SELECT * FROM private.t".to_string(),
        "SELECT * FROM strata.private.t".to_string(),
        "SELECT * FROM private.v".to_string(),
        "FROM peek".to_string(),
        "peek.head(1)".to_string(),
        "private.t.head(1)".to_string(),
        "SELECT (SELECT max(hunter2) FROM private.t)".to_string(),
        "DESCRIBE private.t".to_string(),
        "SHOW COLUMNS FROM private.t".to_string(),
        "SHOW CREATE TABLE private.v".to_string(),
        "SUMMARIZE peek".to_string(),
        "EXPLAIN ANALYZE LAYERS SELECT * FROM peek".to_string(),
        "PIVOT peek ON hunter2 USING count(*)".to_string(),
        "SELECT * FROM outside".to_string(),
        "FROM later".to_string(),
        "outside.count()".to_string(),
    ];
    for role in [Role::Reader, Role::Writer] {
        let session = place.session(role, &["public"]);
        for text in &queries {
            let told = place.run(&session, text).await;
            let error = match told {
                Ok(told) => panic!("{role:?} {text}: {told}"),
                Err(error) => error,
            };
            let own = text.contains(SECRET);
            assert!(own || !error.to_string().contains(SECRET), "{text}: {error}");
            assert!(!error.to_string().contains("hunter2_folder"), "{text}: {error}");
        }
        for text in [
            "SHOW TABLES",
            "SELECT * FROM information_schema.tables",
            "SELECT * FROM information_schema.columns",
            "SELECT * FROM information_schema.schemata",
            "SELECT table_name FROM information_schema.views",
        ] {
            let told = place.run(&session, text).await.unwrap();
            assert!(!told.contains("private"), "{text}: {told}");
        }
    }
    // Where nothing is kept from them, all of it is there, but what is nowhere.
    let nowhere = ["not_there", "localhost", "s3://", "npz", "/etc/'", "{in,out}", "/etc/passwd"];
    let mut failed = Vec::new();
    for text in queries.iter().filter(|text| !nowhere.iter().any(|none| text.contains(none))) {
        if let Err(error) = place.run(&place.all, text).await {
            failed.push(format!("{text}: {error}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    let told = place.run(&place.all, "SELECT * FROM information_schema.tables").await.unwrap();
    assert!(told.contains("private"), "{told}");
}

#[tokio::test]
async fn who_may_not_see_the_schema_of_paths_still_has_paths() {
    let place = Place::new().await;
    let reader = place.session(Role::Reader, &["elsewhere"]);
    let inside = place.path("in");
    assert!(place.run(&reader, &format!("FROM '{inside}/a.csv'")).await.is_ok());
    assert!(place.run(&reader, "SELECT count(*) FROM range(1, 3)").await.is_ok());
    assert!(place.run(&reader, "SELECT 1").await.is_ok());
    for text in
        ["FROM open", "mine.sum()", "FROM inside", "FROM public.open", "CREATE TABLE x AS SELECT 1"]
    {
        assert!(place.run(&reader, text).await.is_err(), "{text}");
    }
    let writer = place.session(Role::Writer, &["elsewhere"]);
    for text in [
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "x = range(1, 2)",
        "DROP TABLE open",
        "INSERT INTO open VALUES (1)",
    ] {
        assert!(place.run(&writer, text).await.is_err(), "{text}");
    }
    assert!(place.all.table_exist("open").unwrap() && !place.all.table_exist("x").unwrap());
}

#[tokio::test]
async fn readers_change_nothing_and_writers_what_is_theirs() {
    let place = Place::new().await;
    let (inside, outside) = (place.path("in"), place.path("out"));
    let before = (place.files("in"), place.files("out"));
    let changes = |folder: &str| {
        vec![
            format!("COPY (SELECT 1 AS a) TO '{folder}/n.csv'"),
            format!("COPY open TO '{folder}/n.parquet'"),
            format!(
                "COPY (SELECT 1 AS a, 2 AS b) TO '{folder}/parts/' STORED AS CSV PARTITIONED BY (b)"
            ),
            format!("COPY (SELECT 1 AS a, 2 AS b) TO '{folder}/n.zarr'"),
            format!("open.write('{folder}/w.csv')"),
            format!("arange(3).save('{folder}/n.npy')"),
            format!("arange(3).save('{folder}/n.arrow')"),
            format!("arange(3).named('v').save('{folder}/m.zarr')"),
            format!("zarr('{inside}/x.zarr').save('{folder}/x.zarr', append => 0)"),
            format!("zarr('{inside}/x.zarr').save('{folder}/x.zarr', region => 0)"),
            format!("CREATE EXTERNAL TABLE n STORED AS CSV LOCATION '{folder}/a.csv'"),
            format!("CREATE EXTERNAL TABLE z STORED AS ZARR LOCATION '{folder}/x.zarr'"),
            format!(
                "CREATE EXTERNAL TABLE f (a INT) STORED AS CSV LOCATION '{folder}/new/'; INSERT INTO f VALUES (1)"
            ),
        ]
    };
    let tables = [
        "CREATE TABLE n2 AS SELECT 1 AS a",
        "SELECT 1 AS a INTO n3",
        "INSERT INTO open VALUES (2)",
        "CREATE VIEW n4 AS SELECT 1 AS a",
        "n5 = range(1, 3)",
        "n6 = arange(3)",
        "EXPLAIN ANALYZE INSERT INTO open VALUES (3)",
        "DROP TABLE n2",
    ];
    let reader = place.session(Role::Reader, &["public"]);
    let mine = changes(&inside);
    for text in mine.iter().map(String::as_str).chain(tables) {
        let error = place.run(&reader, text).await.expect_err(text);
        let status = status_of_denied(&error);
        assert!(
            status.is_some_and(|status| status.code() == tonic::Code::PermissionDenied),
            "{text}: {error}"
        );
    }
    assert_eq!((place.files("in"), place.files("out")), before);
    assert_eq!(
        place
            .run(&place.all, "SELECT count(*) AS n FROM open WHERE a = 1")
            .await
            .unwrap()
            .matches("| 1 |")
            .count(),
        1
    );

    let writer = place.session(Role::Writer, &["public"]);
    let around = [
        format!("{inside}/away"),
        format!("{inside}/../out"),
        format!("file://{inside}/%2e%2e/out"),
        outside.clone(),
    ];
    for folder in around {
        for text in changes(&folder) {
            assert!(place.run(&writer, &text).await.is_err(), "{text}");
        }
    }
    let stream = format!(
        "CREATE UNBOUNDED EXTERNAL TABLE u (a TEXT) STORED AS CSV LOCATION '{outside}/s.csv'"
    );
    assert!(place.run(&writer, &stream).await.is_err());
    let copied = format!("COPY (SELECT 1 AS a) TO '{inside}/link.csv'");
    assert!(place.run(&writer, &copied).await.is_err(), "{copied}");
    assert!(place.run(&writer, "CREATE TABLE c AS SELECT * FROM peek").await.is_err());
    assert!(place.run(&writer, "CREATE TABLE private.c AS SELECT 1").await.is_err());
    assert!(place.run(&writer, "INSERT INTO private.t VALUES ('x')").await.is_err());
    assert!(place.run(&writer, "DROP TABLE private.t").await.is_err());
    assert!(place.run(&writer, "CREATE TABLE c AS SELECT * FROM held").await.is_err());
    assert!(place.run(&writer, &format!("held.save('{inside}/h.npy')")).await.is_err());
    // A name may be given, but what it stands for is not read.
    assert!(place.run(&writer, "c = held; FROM c").await.is_err());
    assert_eq!((place.files("in"), place.files("out")), before);
    for text in changes(&inside).iter().map(String::as_str).chain(tables) {
        let told = place.run(&writer, text).await;
        assert!(told.is_ok(), "{text}: {told:?}");
    }
    assert_eq!(place.files("out"), before.1);
    // Who reads sees what was written.
    assert!(
        place.run(&reader, "FROM n4").await.is_ok() && place.run(&reader, "FROM n").await.is_ok()
    );
}

#[tokio::test]
async fn temporary_tables_are_a_writers_whatever_schemas_are_theirs() {
    let place = Place::new().await;
    let reader = place.session(Role::Reader, &["public"]);
    let why = place.run(&reader, "CREATE TEMPORARY TABLE x AS SELECT 1 AS a").await.unwrap_err();
    assert!(why.to_string().contains("needs the role writer"), "{why}");
    for schemas in [&["public"][..], &["nothing"]] {
        let writer = place.session(Role::Writer, schemas);
        for text in [
            "CREATE TEMPORARY TABLE own AS SELECT 1 AS a",
            "INSERT INTO own VALUES (2)",
            "UPDATE own SET a = 3 WHERE a = 1",
            "DELETE FROM temporary.own WHERE a = 2",
            "EXPLAIN ANALYZE SELECT * FROM own",
        ] {
            let told = place.run(&writer, text).await;
            assert!(told.is_ok(), "{schemas:?} {text}: {told:?}");
        }
        for text in ["FROM own", "own.head(1)", "SELECT * FROM strata.temporary.own"] {
            let told = place.run(&writer, text).await.unwrap();
            assert!(told.contains("| 3 |"), "{schemas:?} {text}: {told}");
        }
        let listed = place.run(&writer, "SHOW TABLES").await.unwrap();
        assert!(listed.contains("own"), "{listed}");
        assert!(place.run(&place.all, "SELECT * FROM own").await.is_err());
        // Another session begins like this one, and has none of its tables.
        let other = place.session(Role::Writer, schemas);
        assert!(place.run(&other, "SELECT * FROM temporary.own").await.is_err());
        place.run(&writer, "DROP TABLE own").await.unwrap();
        assert!(place.run(&writer, "SELECT * FROM own").await.is_err());
    }
}
