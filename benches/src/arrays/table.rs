//! The table, and the same for machines.

use serde_json::{Value, json};

use super::case::{Case, Scale};
use super::compare::Row;
use super::run::Took;

/// Answers differ by more than this: they add up in other orders, some in few digits.
const ALIKE: f64 = 1e-4;

/// The middle of some numbers.
pub(super) fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match (numbers.get(middle.wrapping_sub(1)), numbers.get(middle)) {
        (Some(low), Some(high)) if numbers.len().is_multiple_of(2) => (low + high) / 2.0,
        (_, Some(middle)) => *middle,
        _ => f64::NAN,
    }
}

/// What an engine took, in the middle.
struct Middle {
    /// Of one unit, where there are some.
    seconds: f64,
    peak: Option<f64>,
    read: Option<f64>,
    held: Option<f64>,
    check: f64,
}

impl Middle {
    fn of(case: &Case, row: &Row, scale: Scale) -> Option<Self> {
        let took = row.took.as_ref().ok().filter(|took| !took.is_empty())?;
        let units = case.units.map_or(1, |units| match row.engine.as_str() {
            "strata" => (units.ours)(scale),
            _ => (units.peers)(scale),
        });
        let mut seconds: Vec<f64> = took.iter().map(|took| took.seconds / units as f64).collect();
        let middle = |of: fn(&Took) -> Option<f64>| {
            let all: Option<Vec<f64>> = took.iter().map(of).collect();
            all.map(|mut all| median(&mut all))
        };
        Some(Self {
            seconds: median(&mut seconds),
            peak: middle(|took| Some(took.peak? as f64)),
            read: middle(|took| took.read),
            held: middle(|took| Some(took.held? as f64)),
            check: took.last().map_or(f64::NAN, |took| took.check),
        })
    }
}

/// Prints the lines of a case.
pub(super) fn print(case: &Case, rows: &[Row], scale: Scale, first: bool) {
    if first {
        println!("Strata's time and memory are so many times the peer's.\n");
        println!(
            "{:<5} {:<10} {:>18} {:>8} {:>9} {:>8}   at most",
            "case", "engine", "time", "Strata's", "peak MiB", "Strata's"
        );
    }
    println!("{:<5} {}", case.name, case.what);
    let ours = rows.iter().find(|row| row.engine == "strata");
    let ours = ours.and_then(|row| Middle::of(case, row, scale));
    for row in rows {
        let Some(middle) = Middle::of(case, row, scale) else {
            let why = row.took.as_ref().err().map_or("no run", String::as_str);
            println!("{:<5} {:<10} {why}", "", row.engine);
            continue;
        };
        let is_ours = row.engine == "strata";
        let times = |ours: Option<f64>, theirs: Option<f64>| match (ours, theirs, is_ours) {
            (Some(ours), Some(theirs), false) => format!("× {:.2}", ours / theirs),
            _ => String::new(),
        };
        let ours = ours.as_ref();
        let time = times(ours.map(|ours| ours.seconds), Some(middle.seconds));
        let memory = times(ours.and_then(|ours| ours.peak), middle.peak);
        let peak = middle.peak.map_or("?".to_string(), |peak| format!("{:.0}", peak / 1048576.0));
        let mut told = verdict(case, &row.engine, ours, &middle);
        if let Some(ours) = ours
            && !(middle.check - ours.check).abs().le(&(ALIKE * ours.check.abs().max(1e-30)))
            && middle.check != ours.check
        {
            told.push(format!("ANSWERS DIFFER: {} and {}", ours.check, middle.check));
        }
        println!(
            "{:<5} {:<10} {:>18} {:>8} {:>9} {:>8}   {}",
            "",
            row.engine,
            shown(middle.seconds, case),
            time,
            peak,
            memory,
            told.join(", ")
        );
    }
}

/// What was asked of a ratio, and whether it is so.
fn verdict(case: &Case, engine: &str, ours: Option<&Middle>, middle: &Middle) -> Vec<String> {
    let (limit, mut told) = (case.at_most, Vec::new());
    told.extend(middle.held.map(|held| format!("holds {:.0} MiB", held / 1048576.0)));
    let mut judge = |what: &str, limit: String, met: bool| {
        told.push(format!("{what} {limit}: {}", if met { "met" } else { "MISSED" }));
    };
    if engine == "strata" {
        if let Some(most) = limit.seconds {
            judge("time", shown(most, case), middle.seconds <= most);
        }
        if let (Some(most), Some(peak)) = (limit.peak, middle.peak) {
            judge("peak", format!("{} MB", most / 1_000_000), peak <= most as f64);
        }
        if let (Some(most), Some(read)) = (limit.read, middle.read) {
            judge("read", format!("× {most} (× {read:.3})"), read <= most);
        }
    }
    if case.peers.first() != Some(&engine) {
        return told;
    }
    let Some(ours) = ours else { return told };
    if let Some(most) = limit.time {
        judge("time", format!("× {most}"), ours.seconds <= most * middle.seconds);
    }
    if let (Some(most), Some(own), Some(theirs)) = (limit.memory, ours.peak, middle.peak) {
        judge("memory", format!("× {most}"), own <= most * theirs);
    }
    if let (Some(most), Some(own), Some(theirs)) = (limit.held, ours.held, middle.held) {
        judge("held", format!("× {most} (× {:.3})", own / theirs), own <= most * theirs);
    }
    told
}

/// A time, in what is easily read.
fn shown(seconds: f64, case: &Case) -> String {
    let of = case.units.map_or(String::new(), |units| format!("/{}", units.name));
    match seconds {
        s if s < 1e-3 => format!("{:.1} µs{of}", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms{of}", s * 1e3),
        s => format!("{s:.2} s{of}"),
    }
}

/// All figures.
pub(super) fn json(rows: &[Row]) -> Value {
    let all = rows.iter().map(|row| match &row.took {
        Ok(took) => json!({
            "case": row.case,
            "engine": row.engine,
            "runs": took.iter().map(|took| json!({
                "seconds": took.seconds, "peak": took.peak, "read": took.read, "held": took.held,
                "check": took.check
            })).collect::<Vec<_>>(),
        }),
        Err(why) => json!({"case": row.case, "engine": row.engine, "failed": why}),
    });
    Value::Array(all.collect())
}
