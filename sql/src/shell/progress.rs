//! How far a query is, on one line of the standard error.
//!
//! ```text
//! [██████▌         ]  42%  12.3M rows  1.2 GB read  ~8 s left
//! ```

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Queries that take less show nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// The time between two drawings.
const PERIOD: Duration = Duration::from_millis(100);
/// How many cells the bar takes.
const BAR: usize = 24;
/// The share of the work below which any estimate would be a guess.
const LEAST_FRACTION: f64 = 0.02;
/// The memory of the estimate, in seconds.
const MEMORY: f64 = 5.0;

/// Draws how far a query is on one line of the standard error, if that is a terminal: after one
/// second, at most ten times a second.
pub struct ProgressBar {
    out: Option<Box<dyn Write + Send>>,
    started: Instant,
    drawn: Option<Instant>,
    estimate: Estimate,
    frame: usize,
}

impl ProgressBar {
    /// A bar for a query that starts now.
    pub fn new(enabled: bool) -> Self {
        let enabled = enabled && io::stderr().is_terminal();
        Self::with(enabled.then(|| Box::new(io::stderr()) as Box<dyn Write + Send>))
    }

    fn with(out: Option<Box<dyn Write + Send>>) -> Self {
        Self { out, started: Instant::now(), drawn: None, estimate: Estimate::default(), frame: 0 }
    }

    /// Tells how far the query is: the share that is done, between 0 and 1, where it is known, and
    /// the rows and bytes that were read. Cheap enough to be called often.
    pub fn update(&mut self, fraction: Option<f64>, rows: u64, bytes: u64) {
        if self.out.is_some() {
            self.update_at(Instant::now(), fraction, rows, bytes);
        }
    }

    fn update_at(&mut self, now: Instant, fraction: Option<f64>, rows: u64, bytes: u64) {
        let elapsed = now.saturating_duration_since(self.started);
        if elapsed < PATIENCE
            || self.drawn.is_some_and(|drawn| now.saturating_duration_since(drawn) < PERIOD)
        {
            return;
        }
        let fraction = fraction.filter(|fraction| fraction.is_finite());
        let fraction =
            fraction.map(|fraction| self.estimate.observe(elapsed.as_secs_f64(), fraction));
        let columns = crossterm::terminal::size().map_or(80, |(columns, _)| columns.into());
        let line = line(fraction, self.estimate.left(), rows, bytes, elapsed, self.frame, columns);
        self.frame = self.frame.wrapping_add(1);
        self.drawn = Some(now);
        if let Some(out) = &mut self.out {
            // One write, so that other output cannot come between. What goes wrong with a progress
            // bar is not worth stopping a query for.
            let _ = out.write_all(format!("\r{line}\x1b[K").as_bytes());
            let _ = out.flush();
        }
    }

    /// Removes the line, before results are printed or when the query is done.
    pub fn clear(&mut self) {
        if self.drawn.take().is_some()
            && let Some(out) = &mut self.out
        {
            let _ = out.write_all(b"\r\x1b[2K");
            let _ = out.flush();
        }
    }
}

impl Drop for ProgressBar {
    fn drop(&mut self) {
        self.clear();
    }
}

/// How long it may still take: the rate of the last seconds, weighted by how recent they are. The
/// average since the start is what it begins with.
#[derive(Debug, Default)]
struct Estimate {
    /// Seconds since the start, and the share that was done.
    last: Option<(f64, f64)>,
    /// Share a second.
    rate: f64,
}

impl Estimate {
    /// Takes an observation, and returns the share that is done, which never goes back.
    fn observe(&mut self, elapsed: f64, fraction: f64) -> f64 {
        let fraction = fraction.clamp(0.0, 1.0);
        let Some((before, done)) = self.last else {
            self.rate = fraction / elapsed.max(f64::MIN_POSITIVE);
            self.last = Some((elapsed, fraction));
            return fraction;
        };
        let fraction = fraction.max(done);
        let passed = elapsed - before;
        if passed > 0.0 {
            let weight = 1.0 - (-passed / MEMORY).exp();
            self.rate += weight * ((fraction - done) / passed - self.rate);
            self.last = Some((elapsed, fraction));
        }
        fraction
    }

    /// Seconds left, once enough was seen to tell.
    fn left(&self) -> Option<f64> {
        let (elapsed, fraction) = self.last?;
        let known = fraction > LEAST_FRACTION && elapsed > 1.0 && self.rate > 0.0;
        known.then(|| (1.0 - fraction) / self.rate)
    }
}

fn line(
    fraction: Option<f64>,
    left: Option<f64>,
    rows: u64,
    bytes: u64,
    elapsed: Duration,
    frame: usize,
    columns: usize,
) -> String {
    let mut parts = Vec::new();
    match fraction {
        Some(fraction) => {
            parts.push(format!("[{}]", bar(fraction, BAR.min(columns / 4))));
            // Not 100 before it is done.
            parts.push(format!("{:.0}%", (fraction * 100.0).floor()));
        }
        None => {
            let frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
            parts.extend(frames.get(frame % frames.len()).map(ToString::to_string));
        }
    }
    if rows > 0 {
        let (number, unit) = short(rows as f64, &["", "K", "M", "B", "T"]);
        parts.push(format!("{number}{unit} rows"));
    }
    if bytes > 0 {
        let (number, unit) = short(bytes as f64, &["B", "kB", "MB", "GB", "TB", "PB"]);
        parts.push(format!("{number} {unit} read"));
    }
    match (fraction, left) {
        (Some(fraction), Some(left)) if fraction < 1.0 => {
            parts.push(format!("~{} left", time(left)));
        }
        (Some(_), _) => {}
        (None, _) => parts.push(time(elapsed.as_secs_f64())),
    }
    // A line that wraps could not be cleared, so parts that do not fit are left away.
    let mut line = String::new();
    for part in parts {
        let gap = if line.is_empty() { "" } else { "  " };
        if super::output::width(&line) + gap.len() + super::output::width(&part) >= columns {
            break;
        }
        line.push_str(gap);
        line.push_str(&part);
    }
    line
}

/// A bar of blocks, fine to an eighth of a cell.
fn bar(fraction: f64, cells: usize) -> String {
    let eighths = (fraction * (cells * 8) as f64) as usize;
    let mut bar = "█".repeat(eighths / 8);
    if eighths / 8 < cells {
        let parts = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
        bar.extend(parts.get(eighths % 8));
        bar.push_str(&" ".repeat(cells - eighths / 8 - 1));
    }
    bar
}

/// A number with three digits and a unit.
fn short<'a>(mut number: f64, units: &[&'a str]) -> (String, &'a str) {
    let mut units = units.iter().copied().peekable();
    let mut unit = units.next().unwrap_or_default();
    let mut scaled = false;
    while number >= 999.5 && units.peek().is_some() {
        number /= 1000.0;
        scaled = true;
        unit = units.next().unwrap_or_default();
    }
    let digits = usize::from(scaled && number < 99.95);
    (format!("{number:.digits$}"), unit)
}

/// A length of time in the unit that fits.
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 59.5 => format!("{:.0} s", s.max(1.0)),
        s if s < 3570.0 => format!("{:.0} min", s / 60.0),
        s if s < 36.0 * 3600.0 => {
            let minutes = (s / 60.0).round();
            format!("{:.0} h {:.0} min", (minutes / 60.0).floor(), minutes % 60.0)
        }
        s => format!("{:.0} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn drawn(out: &Shared) -> usize {
        out.0.lock().iter().filter(|byte| **byte == b'\r').count()
    }

    #[test]
    fn it_waits_a_second_and_draws_ten_times_a_second() {
        let out = Shared::default();
        let mut bar = ProgressBar::with(Some(Box::new(out.clone())));
        let start = bar.started;
        for millis in 0..1000 {
            bar.update_at(start + Duration::from_millis(millis), Some(0.5), 1, 1);
        }
        assert_eq!(drawn(&out), 0);
        bar.clear();
        assert_eq!(drawn(&out), 0, "nothing was drawn, so nothing is cleared");
        for millis in 1000..2000 {
            bar.update_at(start + Duration::from_millis(millis), Some(0.5), 1, 1);
        }
        assert_eq!(drawn(&out), 10);
        bar.clear();
        assert!(out.0.lock().ends_with(b"\r\x1b[2K"));
        bar.clear();
        drop(bar);
        assert_eq!(drawn(&out), 11);
    }

    #[test]
    fn lines_tell_what_is_known() {
        let elapsed = Duration::from_secs(6);
        let full = line(Some(0.4251), Some(8.2), 12_345_678, 1_234_567_890, elapsed, 0, 100);
        assert_eq!(full, "[██████████▏             ]  42%  12.3M rows  1.2 GB read  ~8 s left");
        assert_eq!(
            line(Some(0.999), None, 0, 0, elapsed, 0, 100),
            "[███████████████████████▉]  99%"
        );
        assert_eq!(line(None, None, 1500, 0, elapsed, 1, 80), "⠙  1.5K rows  6 s");
        let narrow = line(Some(0.4251), Some(8.2), 12_345_678, 1_234_567_890, elapsed, 0, 40);
        assert_eq!(narrow, "[████▎     ]  42%  12.3M rows");
    }

    #[test]
    fn the_estimate_is_shown_late_and_follows_the_rate() {
        let mut estimate = Estimate::default();
        estimate.observe(1.5, 0.01);
        assert_eq!(estimate.left(), None, "too little was seen");
        for step in 1..=200 {
            estimate.observe(1.5 + f64::from(step) * 0.1, 0.01 + f64::from(step) * 0.002);
        }
        // 0.41 is done, at 0.02 a second.
        let left = estimate.left().unwrap_or_default();
        assert!((left - 29.5).abs() < 1.5, "{left}");
        assert!(estimate.observe(22.0, 0.2) > 0.4, "it never goes back");
        assert_eq!(Estimate::default().left(), None);
    }

    #[test]
    fn times_read_well() {
        assert_eq!(time(0.2), "1 s");
        assert_eq!(time(59.4), "59 s");
        assert_eq!(time(150.0), "2 min");
        assert_eq!(time(7_800.0), "2 h 10 min");
        assert_eq!(time(300_000.0), "3 days");
        assert_eq!(short(999.0, &["", "K"]), ("999".into(), ""));
        assert_eq!(short(999_600.0, &["", "K", "M"]), ("1.0".into(), "M"));
    }
}
