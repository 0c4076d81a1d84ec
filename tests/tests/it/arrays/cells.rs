//! Tables of cells: what is read for a query, why rows are gone through, what rows make of a store.

use datafusion::execution::context::SessionContext;
use strata::RunText;
use strata_tests::oracle::{Grain, answer};
use strata_tests::pool::{Shape, TestPool};

/// The physical plan of a query.
pub(super) async fn plan_of(session: &SessionContext, query: &str) -> String {
    let frame = session.run(query).await.unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string()
}

/// A session with a small store: `cube` has `temp` and `rain`, of which `rain` has no time.
async fn small(home: &std::path::Path) -> SessionContext {
    let session = Grain { batch_size: 8192, partitions: 2 }.session();
    let path = home.join("small.zarr");
    let made = format!(
        "temp = from_function(time * 6.0 + lat * 2 + lon, time => 4, lat => 3, lon => 2);
         dataset(temp => temp, rain => temp[0] * 2).save('{0}');
         CREATE EXTERNAL TABLE cube STORED AS ZARR LOCATION '{0}'",
        path.display()
    );
    session.run(&made).await.unwrap();
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_say_why_rows_are_gone_through() {
    let home = tempfile::tempdir().unwrap();
    let session = small(home.path()).await;
    for (query, reason) in [
        (
            "SELECT temp, count(*) FROM cube GROUP BY temp",
            "it groups by temp, which is no function",
        ),
        ("SELECT lat + lon, count(*) FROM cube GROUP BY 1", "which is no function of the places"),
        ("SELECT lat, count(DISTINCT rain) AS a, avg(temp) FROM cube GROUP BY 1", "DISTINCT"),
        ("SELECT lat, median(temp) FROM cube GROUP BY 1", "median() is not asked of arrays"),
        ("SELECT time, lat, lon, sum(temp) FROM cube GROUP BY 1, 2, 3", "every cell is a group"),
        ("SELECT lat, sum(CAST(temp AS INT) / 2) FROM cube GROUP BY 1", "a cast of f64 to i32"),
    ] {
        let plan = plan_of(&session, query).await;
        assert!(plan.contains("row by row, as ") && plan.contains(reason), "{query}\n{plan}");
    }
    let plan = plan_of(&session, "SELECT lat, avg(temp + rain) FROM cube GROUP BY 1").await;
    assert!(!plan.contains("row by row") && !plan.contains("AggregateExec"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_a_query_names_is_read() {
    let home = tempfile::tempdir().unwrap();
    let session = small(home.path()).await;
    // What is not there cannot be read.
    std::fs::remove_dir_all(home.path().join("small.zarr/rain/c")).unwrap();
    let chunks = home.path().join("small.zarr/temp/c");
    let answered = answer(&session, "SELECT lat, lon, sum(temp) FROM cube GROUP BY 1, 2").await;
    assert!(answered.is_ok(), "{answered:?}");
    std::fs::remove_dir_all(&chunks).unwrap();
    std::fs::write(&chunks, "no folder").unwrap();
    for query in [
        "SELECT time, lat FROM cube",
        "SELECT count(*) FROM cube WHERE lat > 0",
        "SELECT DISTINCT lon FROM cube",
        "SELECT time, count(*) FROM cube GROUP BY 1",
        "SELECT sum(temp) FROM cube WHERE time > 100",
    ] {
        let answered = answer(&session, query).await;
        assert!(answered.is_ok(), "{query}: {answered:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_chunks_that_rows_are_about_are_read() {
    let home = tempfile::tempdir().unwrap();
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    let here = Grain { batch_size: 8192, partitions: 2 }.session();
    for (kind, session) in [("here", here), ("on a pool", pool.session(&[]))] {
        let path = home.path().join(kind);
        let made = format!(
            "temp = from_function(time * 6.0 + lat * 2 + lon, time => 4, lat => 3, lon => 2).rechunk(2, 1, 1);
             dataset(temp => temp).save('{0}');
             CREATE EXTERNAL TABLE cube STORED AS ZARR LOCATION '{0}';
             CREATE TABLE points AS SELECT * FROM (VALUES (1, 2, 0), (1, 2, 0), (0, 2, 0), (9, 0, 0), (NULL, 1, 1)) AS \
             t (time, lat, lon)",
            path.display()
        );
        session.run(&made).await.unwrap();
        let chunks = path.join("temp/c");
        for time in 0..2 {
            for (lat, lon) in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 1)] {
                std::fs::write(chunks.join(format!("{time}/{lat}/{lon}")), "damaged").unwrap();
            }
        }
        std::fs::write(chunks.join("1/2/0"), "damaged").unwrap();
        for query in [
            "SELECT sum(temp) FROM points p JOIN cube c ON c.time = p.time AND c.lat = p.lat AND c.lon = p.lon",
            "SELECT p.time, c.temp FROM points p LEFT JOIN cube c ON c.time = p.time AND c.lat = p.lat AND c.lon = p.lon",
            "SELECT sum(c.temp) FROM cube c WHERE EXISTS (SELECT 1 FROM points p WHERE c.time = p.time AND c.lat = p.lat \
             AND c.lon = p.lon)",
        ] {
            let answered = answer(&session, query).await;
            assert!(answered.is_ok(), "{kind}: {query}: {answered:?}");
        }
        let by_hash = "SELECT sum(temp) FROM points p JOIN cube c ON c.lon = p.lon";
        assert!(answer(&session, by_hash).await.is_err(), "{kind}: what is damaged was not read");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_beside_no_cells_and_no_rows_beside_cells() {
    let session = Grain { batch_size: 8192, partitions: 2 }.session();
    let made = "none = zeros(3, 0, dims => ('x', 'y')); some = ones(3, 2, dims => ('x', 'y'));
                CREATE TABLE p AS VALUES (1, 1), (7, 1);
                CREATE TABLE q AS SELECT * FROM p WHERE column1 > 100";
    session.run(made).await.unwrap();
    for (query, rows) in [
        ("SELECT * FROM p LEFT JOIN none ON x = column1", 2),
        ("SELECT * FROM p JOIN none ON x = column1", 0),
        ("SELECT * FROM p LEFT JOIN some ON x = column1", 3),
        ("SELECT * FROM p JOIN some ON x = column1 AND y = column2", 1),
        ("SELECT * FROM q LEFT JOIN some ON x = column1", 0),
        ("SELECT * FROM q JOIN some ON x = column1", 0),
        ("SELECT * FROM some WHERE x IN (SELECT column1 FROM q)", 0),
        ("SELECT * FROM some WHERE x IN (SELECT column2 FROM p)", 2),
    ] {
        let got = answer(&session, query).await.unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(got.rows.len(), rows, "{query}: {got:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_store_is_refused_where_it_is_named() {
    let home = tempfile::tempdir().unwrap();
    let session = small(home.path()).await;
    let missing = home.path().join("missing.zarr");
    for (text, reason) in [
        (format!("SELECT * FROM zarr('{}')", missing.display()), "missing.zarr"),
        ("SELECT * FROM zarr()".to_string(), "zarr"),
        ("SELECT * FROM arange(3) a, arange(-1.5, 2, 0) b".to_string(), "step"),
        (
            "CREATE EXTERNAL TABLE cube STORED AS ZARR LOCATION 'x.zarr'".to_string(),
            "exists already",
        ),
        (
            "CREATE EXTERNAL TABLE x (a INT) STORED AS ZARR LOCATION 'x.zarr'".to_string(),
            "says itself",
        ),
    ] {
        let error = session.run(&text).await.map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
    // Decompositions are rows, too.
    let parts = "SELECT part, count(*) AS n FROM svd(m) GROUP BY 1 ORDER BY 1";
    session.run("m = arange(12.0).reshape(4, 3)").await.unwrap();
    let frame = session.run(parts).await.unwrap();
    let told = frame.to_string().await.unwrap();
    assert!(told.contains("| s    | 3 ") && told.contains("| u    | 12 "), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_copied_into_stores() {
    let home = tempfile::tempdir().unwrap();
    let session = small(home.path()).await;
    let to = |name: &str| home.path().join(name).display().to_string();
    for (copy, table, query) in [
        (
            format!(
                "COPY (SELECT time, lat, avg(temp) AS t FROM cube GROUP BY 1, 2) TO '{}'",
                to("a.zarr")
            ),
            format!("zarr('{}')", to("a.zarr")),
            "SELECT time, lat, t FROM {}",
        ),
        (
            format!(
                "COPY (SELECT temp, rain, time, lat, lon FROM cube WHERE lat < 2) TO '{}' STORED AS ZARR \
                 OPTIONS (dimensions 'lon, time, lat')",
                to("b")
            ),
            format!("zarr('{}')", to("b")),
            "SELECT time, lat, lon, temp, rain FROM {}",
        ),
    ] {
        session.run(&copy).await.unwrap();
        let wanted = match query.contains("lon") {
            true => "SELECT time, lat, lon, temp, rain FROM cube WHERE lat < 2",
            false => "SELECT time, lat, avg(temp) AS t FROM cube GROUP BY 1, 2",
        };
        let wanted = answer(&session, wanted).await.unwrap();
        let got = answer(&session, &query.replace("{}", &table)).await.unwrap();
        assert_eq!(got.difference(&wanted, false), None, "{copy}");
    }
    for (copy, reason) in [
        (format!("COPY cube TO '{}' OPTIONS (dimensions 'x')", to("c.zarr")), "no column 'x'"),
        (format!("COPY cube TO '{}' OPTIONS (level 3)", to("c.zarr")), "says nothing of a store"),
        (format!("COPY (SELECT lat FROM cube) TO '{}'", to("c.zarr")), "dimensions and values"),
        (
            format!("COPY (SELECT lat, temp FROM cube) TO '{}'", to("c.zarr")),
            "two rows have the same",
        ),
        (format!("COPY cube TO '{}'", to("a.zarr")), "a.zarr"),
    ] {
        let error = session.run(&copy).await.map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(reason), "{copy}: {error}");
        assert!(!home.path().join("c.zarr").exists());
    }
}
