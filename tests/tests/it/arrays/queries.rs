//! SQL over arrays, beside DuckDB on the flattened tables: queries that are made by chance, on both runners, with and
//! without the rules that ask arrays.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Float64Array, Int32Array, RecordBatch};
use arrow::datatypes::TimestampNanosecondType;
use datafusion::execution::context::SessionContext;
use strata::RunText;
use strata_tests::answer::Answer;
use strata_tests::oracle::{Grain, answer};
use strata_tests::pool::{Shape, TestPool};
use strata_tests::python::python_with;
use strata_tests::random::Random;

use super::cells::plan_of;

const TIMES: usize = 40;
const LATS: usize = 7;
const LONS: usize = 11;
const DAY: i64 = 86_400_000_000_000;

/// How many queries.
const ASKED: u64 = 320;
/// How many of rows beside cells.
const JOINED: u64 = 160;

/// What the places and cells of the cube have.
fn cells() -> RecordBatch {
    let mut random = Random::new(7);
    let (mut time, mut lat, mut lon) = (Vec::new(), Vec::new(), Vec::new());
    let (mut temp, mut wind, mut kind) = (Vec::new(), Vec::new(), Vec::new());
    for t in 0..TIMES {
        for y in 0..LATS {
            for x in 0..LONS {
                // Every ninth day: months and seasons interleave.
                time.push(18_262 * DAY + t as i64 * 9 * DAY);
                lat.push(60.0 - 20.0 * y as f64);
                lon.push(x as i32 * 5);
                let number = random.below(20_000) as f32 / 100.0 - 100.0;
                temp.push(random.maybe(15, |_| number));
                wind.push(random.below(1000) as f64 / 8.0);
                kind.push(random.below(5) as i32);
            }
        }
    }
    let time = arrow::array::PrimitiveArray::<TimestampNanosecondType>::from_iter_values(time);
    let columns: [(&str, ArrayRef); 6] = [
        ("time", Arc::new(time)),
        ("lat", Arc::new(Float64Array::from(lat))),
        ("lon", Arc::new(Int32Array::from(lon))),
        ("temp", Arc::new(Float32Array::from(temp))),
        ("wind", Arc::new(Float64Array::from(wind))),
        ("kind", Arc::new(Int32Array::from(kind))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, of)| (name, of, true))).unwrap()
}

/// Rows that are about places: some of them about none, some about the same.
fn points() -> RecordBatch {
    let mut random = Random::new(11);
    let (mut name, mut day, mut y) = (Vec::new(), Vec::new(), Vec::new());
    let (mut x, mut weight) = (Vec::new(), Vec::new());
    for at in 0..60 {
        name.push(format!("p{}", at % 25));
        day.push(random.maybe(10, |r| 18_262 * DAY + r.below(50) as i64 * 9 * DAY));
        y.push(random.maybe(10, |r| 60.0 - 10.0 * r.below(14) as f64));
        x.push(random.maybe(10, |r| r.below(70) as i32));
        weight.push(random.below(100) as i32);
    }
    let day = arrow::array::PrimitiveArray::<TimestampNanosecondType>::from_iter(day);
    let columns: [(&str, ArrayRef); 5] = [
        ("name", Arc::new(arrow::array::StringArray::from(name))),
        ("day", Arc::new(day)),
        ("y", Arc::new(Float64Array::from(y))),
        ("x", Arc::new(Int32Array::from(x))),
        ("weight", Arc::new(Int32Array::from(weight))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, of)| (name, of, true))).unwrap()
}

/// A query of `points` and `cube`.
fn join(random: &mut Random) -> String {
    let alike: &[&[&str]] = &[
        &["c.time = p.day", "date_trunc('month', c.time) = date_trunc('month', p.day)"],
        &["c.lat = p.y", "c.lat = p.y + 20", "c.lat / 2 = p.y", "abs(c.lat) = p.y"],
        &["c.lon = p.x", "c.lon % 3 = p.x % 3", "c.lon = p.x * 5", "c.lon + 1 = p.x"],
    ];
    let mut met: Vec<&str> = Vec::new();
    for of in alike {
        if random.percent(65) {
            met.push(random.of(of));
        }
    }
    if met.is_empty() || random.percent(5) {
        met.push("c.lon = p.x");
        met.push("c.lon % 2 = p.weight % 2");
    }
    let met = met.join(" AND ");
    let of_points = random.of(&["true", "p.weight < 40", "p.weight < 0", "p.name <> 'p3'"]);
    let of_cells = random.of(&[
        "true",
        "true",
        "c.temp > 0",
        "c.lat > -10",
        "c.time > TIMESTAMP '2020-05-01'",
    ]);
    let summed =
        "count(*) AS n, count(c.temp) AS k, sum(c.temp) AS s, max(c.wind) AS w, min(c.time) AS t";
    match random.below(9) {
        0 | 1 => format!(
            "SELECT p.name, c.lat, {summed} FROM points p JOIN cube c ON {met} WHERE {of_points} AND {of_cells} \
             GROUP BY p.name, c.lat"
        ),
        2 => format!(
            "SELECT p.name, {summed} FROM cube c JOIN points p ON {met} WHERE {of_cells} GROUP BY p.name"
        ),
        3 => format!(
            "SELECT p.name, p.weight, {summed} FROM points p LEFT JOIN cube c ON {met} WHERE {of_points} GROUP BY ALL"
        ),
        4 => format!(
            "SELECT p.name, c.lon, {summed} FROM cube c RIGHT JOIN points p ON {met} GROUP BY p.name, c.lon"
        ),
        5 => format!(
            "SELECT {summed} FROM cube c WHERE EXISTS (SELECT 1 FROM points p WHERE {met} AND {of_points}) AND {of_cells}"
        ),
        6 => format!(
            "SELECT {summed} FROM cube c WHERE NOT EXISTS (SELECT 1 FROM points p WHERE {met})"
        ),
        7 => format!(
            "SELECT c.lat, {summed} FROM cube c LEFT JOIN (SELECT DISTINCT day, y, x, weight FROM points) p ON {met} \
             GROUP BY c.lat"
        ),
        _ => format!(
            "SELECT p.name, p.y, c.time, c.lat, c.lon, c.temp, c.kind FROM points p JOIN cube c ON {met} AND \
             c.time < TIMESTAMP '2020-03-01' WHERE {of_points} AND {of_cells}"
        ),
    }
}

/// A query of the table `cube`.
fn query(random: &mut Random) -> String {
    let keys: &[&str] = &[
        "time",
        "lat",
        "lon",
        "date_trunc('month', time)",
        "date_part('month', time)",
        "floor(lat / 30)",
        "lon % 3",
        "lat > 10",
        "CASE WHEN lon < 20 THEN 'west' ELSE 'east' END",
        "kind",
        "lat + lon",
    ];
    let numbers: &[&str] = &[
        "temp",
        "wind",
        "CAST(kind AS DOUBLE)",
        "CAST(temp AS DOUBLE) * 1.8 + 32",
        "wind - temp",
        "abs(temp)",
        "sqrt(wind)",
        "CAST(temp AS DOUBLE) / 3.0",
        "CASE WHEN temp > 0 THEN temp END",
        "coalesce(temp, 0.0)",
        "wind * cos(radians(lat))",
        "lat",
        "lon",
    ];
    let conditions: &[&str] = &[
        "lat BETWEEN -30 AND 50",
        "lat IN (60, 20, -60)",
        "lon >= 15",
        "date_part('month', time) = 7",
        "time < TIMESTAMP '2020-06-01'",
        "time >= TIMESTAMP '2020-03-10' AND lon <> 25",
        "lat > 0 OR lon < 10",
        "temp > 0",
        "temp IS NOT NULL",
        "temp IS NULL OR wind > 60",
        "NOT (temp < 10 AND kind = 2)",
        "wind BETWEEN 20 AND 80",
        "kind IN (1, 3)",
        "lat > 1000",
        "temp > 1e9",
        "lat > lon",
    ];
    let mut grouped: Vec<String> = Vec::new();
    for _ in 0..random.below(4) {
        let key = random.of(keys).to_string();
        // Variables, and what is of several dimensions, are for the rows: seldom.
        if !grouped.contains(&key)
            && (!key.contains("kind") && !key.contains('+') || random.percent(30))
        {
            grouped.push(key);
        }
    }
    let mut columns: Vec<String> =
        grouped.iter().enumerate().map(|(at, key)| format!("{key} AS k{at}")).collect();
    let aggregates = if grouped.is_empty() { 1 } else { 0 } + random.below(4);
    for at in 0..aggregates {
        let number = random.of(numbers);
        let filter = match random.percent(15) {
            true => format!(" FILTER (WHERE {})", random.of(conditions)),
            false => String::new(),
        };
        let summary = match random.below(10) {
            0 => format!("count(*){filter}"),
            1 => format!("count({number}){filter}"),
            2 => format!("min({number}){filter}"),
            3 => format!("max({number}){filter}"),
            4 => format!("stddev({number}){filter}"),
            5 => format!("var_pop({number}){filter}"),
            6 => format!("sum(kind){filter}"),
            7 => format!("sum({number}){filter}"),
            _ => format!("avg({number}){filter}"),
        };
        columns.push(format!("{summary} AS v{at}"));
    }
    let plain = columns.is_empty();
    if plain {
        columns.extend(["time", "lon", "temp", "kind"].map(String::from));
    }
    let mut text = format!("SELECT {} FROM cube", columns.join(", "));
    let met: Vec<&str> = (0..random.below(3)).map(|_| random.of(conditions)).collect();
    if !met.is_empty() {
        let met: Vec<String> = met.iter().map(|met| format!("({met})")).collect();
        text.push_str(&format!(" WHERE {}", met.join(" AND ")));
    }
    if !grouped.is_empty() {
        let places: Vec<String> = (1..=grouped.len()).map(|at| at.to_string()).collect();
        text.push_str(&format!(" GROUP BY {}", places.join(", ")));
        if random.percent(20) {
            text.push_str(" HAVING count(*) > 5");
        }
    }
    text
}

/// The cube as a store, cut like this, which a session reads as `cube`.
async fn stored(session: &SessionContext, path: &str, cut: &str) {
    let made = format!(
        "temp = rows.to_array(time, lat, lon, value => temp).rechunk({cut});
         wind = rows.to_array(time, lat, lon, value => wind).rechunk({cut});
         kind = rows.to_array(time, lat, lon, value => kind, fill => 0).rechunk({cut});
         dataset(temp => temp, wind => wind, kind => kind).save('{path}', overwrite => true)"
    );
    session.run(&made).await.unwrap();
}

/// How many queries make no groups of rows.
async fn count_asked(session: &SessionContext, queries: &[String]) -> usize {
    let mut asked = 0;
    for query in queries {
        let plan = plan_of(session, query).await;
        asked += usize::from(plan.contains("CombineChunksExec") && !plan.contains("AggregateExec"));
    }
    asked
}

/// How many queries look up cells.
async fn count_looked_up(session: &SessionContext, queries: &[String]) -> usize {
    let mut looked_up = 0;
    for query in queries {
        looked_up += usize::from(plan_of(session, query).await.contains("LookUpExec"));
    }
    looked_up
}

async fn differences(
    kind: &str,
    session: &SessionContext,
    queries: &[String],
    expected: &[Result<Answer, String>],
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (query, expected) in queries.iter().zip(expected) {
        let expected = match expected {
            Ok(expected) => expected,
            Err(error) => panic!("{query}\nDuckDB says: {error}"),
        };
        let difference = match answer(session, query).await {
            Ok(answer) => answer.difference(expected, false),
            Err(error) => Some(error),
        };
        wrong.extend(difference.map(|difference| format!("{kind}\n{query}\n{difference}")));
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_of_arrays_have_the_answers_of_their_rows() {
    let Some(python) = python_with("duckdb") else { return };
    let home = tempfile::tempdir().unwrap();
    let [rows, points] = [("rows", cells()), ("points", points())].map(|(name, batch)| {
        let path = home.path().join(format!("{name}.parquet"));
        let file = std::fs::File::create(&path).unwrap();
        let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        path
    });
    let mut random = Random::new(2024);
    let mut queries: Vec<String> = (0..ASKED).map(|_| query(&mut random)).collect();
    queries.extend((0..JOINED).map(|_| join(&mut random)));
    let setup = [("cube", &rows), ("points", &points)].map(|(name, path)| {
        format!("CREATE TABLE {name} AS SELECT * FROM read_parquet('{}')", path.display())
    });
    let expected = python.ask(&setup, &queries);
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    let local = || Grain { batch_size: 64, partitions: 3 }.session();
    let without = "SET array.without = 'ask_arrays, slice_places, look_up_places'";
    let mut wrong = Vec::new();
    let mut asked = 0;
    for (kind, session, cut, set) in [
        ("here", local(), "7, 3, 4", ""),
        ("here, in one chunk", local(), "40, 7, 11", ""),
        ("here, by rows", local(), "13, 7, 2", without),
        ("on a pool", pool.session(&[]), "7, 3, 4", ""),
    ] {
        for (name, path) in [("rows", &rows), ("points", &points)] {
            let view = format!("CREATE VIEW {name} AS SELECT * FROM '{}'", path.display());
            session.run(&view).await.unwrap();
        }
        let path = home.path().join(format!("{}.zarr", cut.replace(", ", "-")));
        stored(&session, &path.display().to_string(), cut).await;
        let table = format!(
            "CREATE EXTERNAL TABLE cube STORED AS ZARR LOCATION '{}'; {set}",
            path.display()
        );
        session.run(&table).await.unwrap();
        wrong.extend(differences(kind, &session, &queries, &expected).await);
        if kind == "here" {
            asked = count_asked(&session, &queries).await;
        }
        // A pool plans for itself, and is asked below whether it reads what it should not.
        if kind.starts_with("here") && set.is_empty() {
            let looked_up = count_looked_up(&session, &queries).await;
            assert!(looked_up * 10 > JOINED as usize * 6, "{kind}: only {looked_up} are looked up");
        }
    }
    assert!(asked * 10 > ASKED as usize * 6, "only {asked} are asked of arrays");
    let shown = wrong.iter().take(8).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(wrong.is_empty(), "{} answers differ:\n\n{shown}", wrong.len());
}
