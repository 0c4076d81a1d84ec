//! Rules of arrays: what each does to a plan, and that no answer depends on one.

use std::path::Path;

use datafusion::physical_plan::displayable;
use datafusion::prelude::SessionContext;
use strata::{RunText, Settings};
use strata_engine::{ArrayRule, Origin};
use strata_tests::answer::Cell;
use strata_tests::oracle::answer;

use super::compare_beside;

/// A session without some rules, in which everything is worth being exchanged.
fn without(rules: &str, chosen: &[(&str, &str)]) -> SessionContext {
    let mut settings = Settings::default();
    settings.set("array.without", rules, Origin::Session).unwrap();
    for (name, value) in chosen {
        settings.set(name, value, Origin::Session).unwrap();
    }
    settings.set("datafusion.execution.target_partitions", "3", Origin::Session).unwrap();
    strata::session(settings).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_depends_on_a_rule() {
    let all = without("", &[("array.exchange", "1KiB")]);
    for (at, rule) in ArrayRule::ALL.iter().enumerate() {
        let first = 40_000 + 1_000 * at as u64;
        let left_out = without(rule.name(), &[("array.exchange", "1KiB")]);
        compare_beside(&left_out, Some(&all), first..first + 120).await;
    }
    compare_beside(&without(&every_rule(), &[]), Some(&all), 60_000..60_300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_to_be_given_whole_is_exchanged() {
    let little = &[("memory.limit", "64MiB")];
    let session = without("", little);
    // The largest of each column is 24 MiB: more than a quarter of the limit.
    let x = "random_normal(4, 1500, 2048, seed => 3, chunks => [4, 100, 256])";
    for text in [
        format!("(({x}.max(0) * 2 - 1) / {x}.max(0)).sum()"),
        // Computed here and there, at the same time.
        format!("({x}.max(0) > {x}.max(0).mean()).sum()"),
    ] {
        let plan = plan(&session, &text).await;
        assert!(plan.contains("ScatterChunksExec: computed[0]"), "{plan}");
        let got = session.run(&text).await.unwrap().collect().await.unwrap();
        let whole = without("", &[]);
        let expected = whole.run(&text).await.unwrap().collect().await.unwrap();
        let shown = |batches: &[_]| datafusion::arrow::util::pretty::pretty_format_batches(batches);
        assert_eq!(shown(&got).unwrap().to_string(), shown(&expected).unwrap().to_string());
    }
}

fn every_rule() -> String {
    let all: Vec<&str> = ArrayRule::ALL.iter().map(|rule| rule.name()).collect();
    all.join(",")
}

/// What is stored is read piece by piece, kept, and exchanged, which values in memory are not.
#[tokio::test(flavor = "multi_thread")]
async fn no_answer_about_what_is_stored_depends_on_a_rule() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let all = without("", &[]);
    // Long rows, and boxes that end raggedly; what each is made of is at hand, too.
    let made = [
        ("x.zarr", "(sin(arange(6144) * 0.71) + arange(6144) % 5).reshape(64, 96).rechunk(4, 96)"),
        ("y.zarr", "(cos(arange(6144) * 1.3) - arange(6144) % 3).reshape(64, 96).rechunk(23, 13)"),
    ];
    for (name, text) in made {
        let save = format!("{text}.save('{}')", path(name));
        all.run(&save).await.unwrap().collect().await.unwrap();
    }
    let texts = [
        "(x - x.mean(0)).std(1)",
        "(x - x.mean(0)) / x.std(0)",
        "((x - x.mean(0)) / x.std(0)).max(1)",
        "(x - x.mean() - (x - x.mean()).max()).sum(1)",
        "(x - y).mean(0) + (y - y.mean(0)).max(0)",
        "(x * 2 + 1).max(0)",
        "x[::3, ::-1].mean(0)",
        "x.rechunk(64, 8).cumsum(0)[63]",
        "(y - y.mean(1, keepdims => true)).quantile(0.3, 0)",
        "(x.transpose() @ (y - y.mean(0))).sum(0)",
        "exp(x - x.max(0))[10:20, 5]",
    ];
    let mut sessions = vec![("nothing", without("", &[]))];
    sessions.push(("nothing, with little to keep", without("", &[("array.keep", "7KiB")])));
    for rule in ArrayRule::ALL {
        sessions.push((rule.name(), without(rule.name(), &[("array.exchange", "1KiB")])));
    }
    sessions.push(("all", without(&every_rule(), &[])));
    for text in texts {
        let of = |x: &str, y: &str| -> String {
            let words = text.split_inclusive(|letter: char| !letter.is_alphanumeric());
            let told =
                words.map(|word| match word.trim_end_matches(|l: char| !l.is_alphanumeric()) {
                    "x" => word.replacen('x', x, 1),
                    "y" => word.replacen('y', y, 1),
                    _ => word.to_string(),
                });
            told.collect()
        };
        let expected = values(&all, &of(made[0].1, made[1].1)).await;
        let stored = [made[0].0, made[1].0].map(|name| format!("zarr('{}')", path(name)));
        for (without, session) in &sessions {
            let got = values(session, &of(&stored[0], &stored[1])).await;
            assert_eq!(got.len(), expected.len(), "{text} without {without}");
            for (got, expected) in got.iter().zip(&expected) {
                let near = (got - expected).abs() <= 1e-12 * (1.0 + expected.abs());
                assert!(near, "{text} without {without}: {got}, not {expected}");
            }
        }
    }
}

async fn values(session: &SessionContext, text: &str) -> Vec<f64> {
    let rows = answer(session, text).await.unwrap_or_else(|e| panic!("{text}: {e}")).rows;
    let value = |row: &Vec<Cell>| match row.last() {
        Some(Cell::Real(value)) => *value,
        other => panic!("{text}: {other:?}"),
    };
    rows.iter().map(value).collect()
}

async fn plan(session: &SessionContext, text: &str) -> String {
    let name = match text.starts_with("SELECT") {
        true => "CREATE VIEW rows AS",
        false => "rows =",
    };
    session.run(&format!("{name} {text}")).await.unwrap();
    let plan = session.table("rows").await.unwrap().into_unoptimized_plan();
    let plan = session.state().create_physical_plan(&plan).await.unwrap();
    displayable(plan.as_ref()).indent(false).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_make_the_plans_they_are_there_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.zarr").display().to_string();
    let text = format!("random_normal(64, 96, seed => 5, chunks => [4, 96]).save('{path}')");
    without("", &[]).run(&text).await.unwrap().collect().await.unwrap();
    let x = format!("zarr('{path}')");
    let mut shown = String::new();
    for (rule, text) in [
        (ArrayRule::PushViews, format!("exp({x} * 2 + 1)[::8, 3]")),
        (ArrayRule::PushViews, format!("({x}.mean(0) - 1)[5:7]")),
        (ArrayRule::FoldNumbers, format!("{x} * (ones(64, 96) + 1)")),
        (ArrayRule::FuseSteps, format!("exp({x} * 2 + 1)")),
        (ArrayRule::ReadPieces, format!("({x} * 2).max(1)")),
        (ArrayRule::CommonSteps, format!("exp({x}) / (1 + exp({x}))")),
        (ArrayRule::ShareResults, format!("({x} - {x}.mean()) / ({x} - {x}.mean()).max()")),
        (ArrayRule::ExchangeReads, format!("{x}.rechunk(64, 8)")),
        (ArrayRule::ReduceTogether, format!("({x} - {x}.mean(0)) / {x}.std(0)")),
        (ArrayRule::KeepChunks, format!("({x} - {x}.mean(0)).std(1)")),
        (ArrayRule::TakeNeighbours, format!("{x}.sum()")),
        (ArrayRule::SlicePlaces, format!("SELECT * FROM {x} WHERE dim_1 = 3 AND dim_0 % 8 = 0")),
        (
            ArrayRule::AskArrays,
            format!("SELECT dim_1, avg(value) FROM {x} WHERE dim_0 < 9 GROUP BY dim_1"),
        ),
        (
            ArrayRule::LookUpPlaces,
            format!(
                "SELECT p.a, value FROM (VALUES (1, 2), (3, 4)) p (a, b) JOIN {x} ON dim_0 = p.a AND dim_1 = p.b"
            ),
        ),
    ] {
        for name in ["", rule.name()] {
            let session = without(name, &[("array.exchange", "64KiB")]);
            shown.push_str(&format!("{} without '{name}'\n", text.replace(&path, "x.zarr")));
            shown.push_str(&plan(&session, &text).await.replace(&path, "x.zarr"));
            shown.push('\n');
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/arrays/rules.txt");
    if std::env::var_os("STRATA_BLESS").is_some() {
        std::fs::write(&file, &shown).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap();
    assert!(shown == expected, "plans are not those of {}: {shown}", file.display());
}

#[test]
fn rules_that_are_not_there_are_refused_by_name() {
    let mut settings = Settings::default();
    let error = settings.set("array.without", "fuse_steps, push", Origin::Session).unwrap_err();
    assert!(error.to_string().contains("no rule 'push'; there are push_views"), "{error}");
}
