//! Plans that cross the wire mean the same on the other side.

use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use datafusion::physical_plan::displayable;
use strata::{RunText, Settings};
use strata_engine::{PoolExec, Wire};
use strata_tests::oracle::answer;
use strata_tests::pool::{Shape, TestPool};

use super::{name_tables, tpch};

/// What a plan shows of itself, but for the order in which a scan would best begin its files: that does not
/// cross, and changes no rows.
fn shown(plan: &Arc<dyn datafusion::physical_plan::ExecutionPlan>) -> String {
    let plan = displayable(plan.as_ref()).indent(true).to_string();
    let lines = plan.lines().map(|line| match line.split_once(", sort_order_for_reorder=[") {
        Some((before, hint)) => {
            let after = hint.split_once(']').map_or("", |(_, after)| after);
            format!("{before}{after}")
        }
        None => line.to_string(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A session that plans as a scheduler does.
pub(crate) fn session() -> SessionContext {
    let mut settings = Settings::default();
    for (name, value) in [
        // These have no meaning in another process, and are not used on a pool.
        ("datafusion.optimizer.enable_dynamic_filter_pushdown", "false"),
        ("datafusion.optimizer.enable_physical_uncorrelated_scalar_subquery", "false"),
        ("datafusion.optimizer.enable_window_topn", "false"),
        ("datafusion.execution.target_partitions", "3"),
    ] {
        settings.set(name, value, strata_engine::Origin::Session).unwrap();
    }
    strata::session(settings).unwrap()
}

/// Whether the plans of a query, logical and physical, come back from the wire as they were.
pub(crate) async fn crosses(session: &SessionContext, text: &str) -> Result<(), String> {
    let wire = Wire::of(session);
    let told = |error: datafusion::error::DataFusionError| error.to_string();
    let logical = session.run(text).await.map_err(|error| error.to_string())?;
    // As a client sends it.
    let mut client = session.state();
    let optimizer = &mut client.config_mut().options_mut().optimizer;
    optimizer.enable_physical_uncorrelated_scalar_subquery = true;
    let logical = client.optimize(&logical.into_unoptimized_plan()).map_err(told)?;
    let bytes = wire.logical_to_bytes(&logical).map_err(told)?;
    let back = wire.logical_from_bytes(&bytes, &session.task_ctx()).map_err(told)?;
    alike(&flat(&back.display_indent().to_string()), &flat(&logical.display_indent().to_string()))?;
    let mut plan = session.state().create_physical_plan(&logical).await.map_err(told)?;
    // What watches a plan stays where it is.
    while plan.name() == "DiagnosedExec" || plan.name() == "VerifiedExec" {
        plan = Arc::clone(plan.children()[0]);
    }
    let bytes = wire.physical_to_bytes(Arc::clone(&plan)).map_err(told)?;
    let back = wire.physical_from_bytes(&bytes, &session.task_ctx()).map_err(told)?;
    alike(&unprojected(&shown(&back), &shown(&plan)), &unprojected(&shown(&plan), ""))
}

/// The lines of a logical plan, without how deep they lie: a union of three comes back as a union of a union.
fn flat(plan: &str) -> String {
    let lines = plan.lines().map(str::trim).filter(|line| *line != "Union");
    lines.collect::<Vec<_>>().join("\n")
}

/// The lines of a physical plan that another has too, or that are no projection: unions come back with their
/// inputs' types made alike.
fn unprojected(plan: &str, other: &str) -> String {
    let mut others = other.lines().map(str::trim).peekable();
    let mut lines = Vec::new();
    for line in plan.lines().map(str::trim) {
        if others.next_if_eq(&line).is_none()
            && !other.is_empty()
            && line.starts_with("ProjectionExec")
        {
            continue;
        }
        lines.push(line);
    }
    lines.join("\n")
}

fn alike(got: &str, wanted: &str) -> Result<(), String> {
    match got == wanted {
        true => Ok(()),
        false => {
            let differ = got.lines().zip(wanted.lines()).find(|(got, wanted)| got != wanted);
            Err(format!("came back otherwise: {differ:#?}"))
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_of_all_tpch_queries_come_back_as_they_were() {
    let data = tpch(0.01).await;
    let session = session();
    name_tables(&session, data.path()).await;
    for (name, text) in crate::tpch::queries() {
        crosses(&session, &text).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// Every scalar, aggregate and window function that a session has, by its name, in a plan.
#[tokio::test(flavor = "multi_thread")]
async fn every_function_crosses_by_its_name() {
    use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction, WindowFunction};
    use datafusion::logical_expr::{Expr, LogicalPlanBuilder, WindowFunctionDefinition};
    let session = strata::session(Settings::default()).unwrap();
    let state = session.state();
    let wire = Wire::of(&session);
    let mut crossed = 0;
    let mut check = |expr: Expr| {
        // Functions that check their arguments while a plan is built do that elsewhere.
        let plan = LogicalPlanBuilder::empty(true);
        let plan = match &expr {
            Expr::AggregateFunction(_) => plan.aggregate(Vec::<Expr>::new(), [expr.clone()]),
            Expr::WindowFunction(_) => plan.window([expr.clone()]),
            _ => plan.project([expr.clone()]),
        };
        let Ok(plan) = plan.and_then(LogicalPlanBuilder::build) else { return };
        let bytes = wire.logical_to_bytes(&plan).unwrap();
        let back = wire.logical_from_bytes(&bytes, &session.task_ctx()).unwrap();
        assert_eq!(back, plan);
        crossed += 1;
    };
    let arguments = |count: usize, text: bool| {
        let value =
            if text { datafusion::prelude::lit("1") } else { datafusion::prelude::lit(1.5) };
        vec![value; count]
    };
    for (count, text) in [(0, false), (1, false), (1, true), (2, false), (2, true), (3, true)] {
        for function in state.scalar_functions().values() {
            let arguments = arguments(count, text);
            check(Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), arguments)));
        }
        for function in state.aggregate_functions().values() {
            let arguments = arguments(count, text);
            check(Expr::AggregateFunction(AggregateFunction::new_udf(
                Arc::clone(function),
                arguments,
                false,
                None,
                vec![],
                None,
            )));
        }
        for function in state.window_functions().values() {
            let definition = WindowFunctionDefinition::WindowUDF(Arc::clone(function));
            check(WindowFunction::new(definition, arguments(count, text)).into());
        }
    }
    let all = state.scalar_functions().len()
        + state.aggregate_functions().len()
        + state.window_functions().len();
    assert!(crossed > all / 2, "only {crossed} plans with {all} functions crossed");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_a_person_can_name_is_read_on_a_pool() {
    let folder = tempfile::tempdir().unwrap();
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    let (session, here) = (pool.session(&[]), strata::session(Settings::default()).unwrap());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let rows = "SELECT value AS id, value % 5 AS k, 'text ' || value AS t, \
                CASE WHEN value % 7 > 0 THEN value * 1.5 END AS x FROM range(0, 500)";
    for name in ["a.parquet", "a.csv", "a.csv.gz", "a.json", "a.arrow", "a.avro", "parts/"] {
        let options = if name == "parts/" { "STORED AS parquet PARTITIONED BY (k)" } else { "" };
        if name == "a.avro" {
            continue;
        }
        here.run(&format!(
            "COPY ({rows}) TO '{}' {options}",
            path(name).trim_end_matches('/').to_string()
                + if name.ends_with('/') { "/" } else { "" }
        ))
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    }
    let setup = [
        format!("CREATE TABLE held AS {rows}"),
        format!("CREATE VIEW seen AS {rows}"),
        "CREATE TABLE nothing AS SELECT 1 AS id WHERE false".to_string(),
        format!(
            "CREATE EXTERNAL TABLE outside (id BIGINT, k BIGINT, t VARCHAR, x DOUBLE) \
                 STORED AS csv LOCATION '{}' OPTIONS (has_header true)",
            path("a.csv")
        ),
    ];
    for text in setup {
        for session in [&session, &here] {
            session.run(&text).await.unwrap().collect().await.unwrap();
        }
    }
    for text in [
        format!("SELECT * FROM '{}'", path("a.parquet")),
        format!("SELECT k, sum(x) AS s FROM '{}' GROUP BY k", path("a.csv")),
        format!("SELECT k, sum(x) AS s FROM '{}' GROUP BY k", path("a.csv.gz")),
        format!("SELECT count(*) AS n, max(t) AS t FROM '{}' WHERE id > 250", path("a.json")),
        format!("SELECT count(*) AS n, min(x) AS x FROM '{}'", path("a.arrow")),
        format!("SELECT k, count(*) AS n FROM '{}/' WHERE k < 3 GROUP BY k", path("parts")),
        format!("SELECT count(*) AS n FROM '{}'", path("*.parquet")),
        "SELECT k, count(*) AS n, sum(x) AS s FROM held GROUP BY k".to_string(),
        "SELECT a.id, b.t FROM held AS a JOIN seen AS b ON a.id = b.id WHERE a.k = 1".to_string(),
        "SELECT count(*) AS n FROM nothing".to_string(),
        "SELECT * FROM nothing".to_string(),
        "SELECT k, avg(x) AS s FROM outside GROUP BY k".to_string(),
        "SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS v(n, t)".to_string(),
        "SELECT value FROM range(0, 10) WHERE value > 3".to_string(),
        "SELECT value FROM generate_series(TIMESTAMP '2020-01-01', TIMESTAMP '2020-01-05', \
         INTERVAL '1 day')"
            .to_string(),
        "SELECT 1 AS one, NULL AS nothing, 'x' AS t".to_string(),
        "SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT value FROM range(0, 3)".to_string(),
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 9) \
         SELECT sum(n) AS s FROM r"
            .to_string(),
        "SELECT count(*) > 3 AS some FROM information_schema.columns".to_string(),
        "held.filter(k > 2).group_by(k).agg(count(*) AS n)".to_string(),
        "SUMMARIZE held".to_string(),
    ] {
        let (there, local) = (
            strata_tests::oracle::answer(&session, &text).await,
            strata_tests::oracle::answer(&here, &text).await,
        );
        let there = there.unwrap_or_else(|error| panic!("{text}: {error}"));
        let difference = there.difference(&local.unwrap(), false);
        assert!(difference.is_none(), "{text}: {}", difference.unwrap());
        let plan = session.run(&text).await.unwrap().into_unoptimized_plan();
        let planned = session.state().create_physical_plan(&plan).await.unwrap();
        // What only shows a table in memory is no work for a pool.
        let at_hand = text == "SELECT * FROM nothing" || text.contains("SUMMARIZE");
        assert!(PoolExec::within(&planned).is_some() || at_hand, "{text}");
    }
}

#[tokio::test]
async fn what_is_of_another_version_is_refused_with_both() {
    let session = strata::session(Settings::default()).unwrap();
    let wire = Wire::of(&session);
    let names: Vec<_> = wire.nodes().collect();
    assert!(names.contains(&("strata.compact", 1)), "{names:?}");
    // A window over a partition, which is a node of ours.
    let text = "SELECT value, sum(value) OVER (PARTITION BY value % 3) AS s FROM range(0, 9)";
    let plan = session.run(text).await.unwrap().into_unoptimized_plan();
    let plan = session.state().create_physical_plan(&plan).await.unwrap();
    let bytes = wire.physical_to_bytes(plan).unwrap().to_vec();
    let name = b"strata.window_by_partition";
    let at = bytes.windows(name.len()).position(|window| window == name).unwrap();
    // Behind the name: the field's tag, and the version.
    let mut newer = bytes.clone();
    assert_eq!(newer[at + name.len()..at + name.len() + 2], [0x10, 1]);
    newer[at + name.len() + 1] = 7;
    let error = wire.physical_from_bytes(&newer, &session.task_ctx()).unwrap_err().to_string();
    assert!(error.contains("version 7") && error.contains("version 1"), "{error}");
    let mut other = bytes;
    other[at + 7] = b'W';
    let error = wire.physical_from_bytes(&other, &session.task_ctx()).unwrap_err().to_string();
    assert!(error.contains("strata.Window_by_partition"), "{error}");
}

/// Functions as an extension adds them to a session.
fn own_functions(session: &SessionContext) {
    use datafusion::arrow::array::{ArrayRef, Int64Array};
    use datafusion::arrow::datatypes::DataType::Int64;
    use datafusion::common::cast::as_int64_array;
    use datafusion::logical_expr::{ColumnarValue, Volatility, create_udaf, create_udf};
    use datafusion::physical_plan::Accumulator;
    use datafusion::scalar::ScalarValue;

    let twice = |values: &[ColumnarValue]| {
        let values = ColumnarValue::values_to_arrays(values)?;
        let twice: Int64Array = as_int64_array(&values[0])?.iter().map(|v| Some(v? * 2)).collect();
        Ok(ColumnarValue::Array(Arc::new(twice) as ArrayRef))
    };
    let twice = create_udf("twice", vec![Int64], Int64, Volatility::Immutable, Arc::new(twice));
    session.register_udf(twice);

    #[derive(Debug)]
    struct LastDigits(i64);
    impl Accumulator for LastDigits {
        fn update_batch(&mut self, values: &[ArrayRef]) -> datafusion::common::Result<()> {
            self.0 += as_int64_array(&values[0])?.iter().flatten().map(|v| v % 10).sum::<i64>();
            Ok(())
        }
        fn merge_batch(&mut self, states: &[ArrayRef]) -> datafusion::common::Result<()> {
            self.0 += as_int64_array(&states[0])?.iter().flatten().sum::<i64>();
            Ok(())
        }
        fn state(&mut self) -> datafusion::common::Result<Vec<ScalarValue>> {
            Ok(vec![self.0.into()])
        }
        fn evaluate(&mut self) -> datafusion::common::Result<ScalarValue> {
            Ok(self.0.into())
        }
        fn size(&self) -> usize {
            size_of_val(self)
        }
    }
    session.register_udaf(create_udaf(
        "last_digits",
        vec![Int64],
        Arc::new(Int64),
        Volatility::Immutable,
        Arc::new(|_| Ok(Box::new(LastDigits(0)))),
        Arc::new(vec![Int64]),
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_of_extensions_run_on_workers_that_have_them() {
    let text = "SELECT value % 3 AS k, sum(twice(value)) AS t, last_digits(value) AS d \
                FROM range(0, 30000) GROUP BY ALL";
    let here = super::here();
    own_functions(&here);
    let expected = answer(&here, text).await.unwrap();
    let shape = Shape { workers: 2, cores: 1 };
    let pool = TestPool::knowing(own_functions, shape).await;
    let got = answer(&pool.session(&[]), text).await.unwrap();
    assert!(got.difference(&expected, false).is_none(), "{:?}", got.difference(&expected, false));
    // Those that lack them say which.
    let pool = TestPool::here(shape).await;
    let session = pool.session(&[]);
    own_functions(&session);
    let error = answer(&session, text).await.unwrap_err();
    assert!(error.contains("last_digits") || error.contains("twice"), "{error}");
}
