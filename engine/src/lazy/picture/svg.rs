//! A picture of how an array is cut: its last dimensions as a line, a rectangle or a box, with a line wherever
//! one chunk ends and the next begins.

use std::fmt::Write as _;

use super::{dimension, largest};
use crate::array::Cuts;
use crate::config::ByteSize;
use crate::lazy::{Array, Labelled};
use crate::text::thousands;

/// The longest and the shortest edge, in pixels.
const LONGEST: f64 = 260.0;
const SHORTEST: f64 = 24.0;
/// A dimension with more pieces shows so many lines.
const LINES: u64 = 40;
const MARGIN: f64 = 28.0;
const LINE: f64 = 16.0;

/// A dimension on paper.
struct Edge {
    length: f64,
    /// Where it is cut, from 0 to 1.
    cuts: Vec<f64>,
    label: String,
}

pub(super) fn render(of: &Labelled) -> String {
    let array = &of.array;
    let edges = edges(array);
    let (mut drawn, width, height) = match &edges[..] {
        [] => (String::new(), 0.0, 0.0),
        [along] => flat(None, along),
        [down, along] => flat(Some(down), along),
        [.., deep, down, along] => solid(deep, down, along),
    };
    let lines = told(of, edges.len());
    let text_at = MARGIN * 2.0 + width + 60.0;
    for (at, line) in lines.iter().enumerate() {
        let y = MARGIN + LINE * (at as f64 + 0.8);
        text(&mut drawn, text_at, y, "start", line);
    }
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0) as f64;
    let width = (text_at + longest * 6.6 + MARGIN).ceil();
    let height =
        (height + 2.0 * MARGIN + 24.0).max(2.0 * MARGIN + LINE * lines.len() as f64).ceil();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 \
         {width} {height}\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{drawn}</svg>\n"
    )
}

/// The last dimensions, at most three, each as long as its number of places tells, and none out of sight.
fn edges(array: &Array) -> Vec<Edge> {
    let grid = &array.grid().0;
    let skipped = grid.len().saturating_sub(3);
    let shown = || grid.iter().enumerate().skip(skipped);
    let longest = shown().map(|(_, cuts)| cuts.length()).max().unwrap_or(1).max(1) as f64;
    let edge = |(at, cuts): (usize, &Cuts)| {
        // Lengths differ by powers: their roots still tell which is longer.
        let share = (cuts.length() as f64 / longest).sqrt();
        Edge {
            length: (LONGEST * share).max(SHORTEST),
            cuts: lines(cuts),
            label: format!("{} {}", dimension(array, at), thousands(cuts.length())),
        }
    };
    shown().map(edge).collect()
}

/// Where a dimension is cut, from 0 to 1; so many places at most.
fn lines(cuts: &Cuts) -> Vec<f64> {
    let (pieces, length) = (cuts.pieces(), cuts.length().max(1) as f64);
    let step = pieces.div_ceil(LINES).max(1);
    let inner = (step..pieces).step_by(usize::try_from(step).unwrap_or(usize::MAX));
    inner.map(|at| cuts.piece(at).start as f64 / length).collect()
}

/// What is said beside the picture.
fn told(of: &Labelled, drawn: usize) -> Vec<String> {
    let array = &of.array;
    let mut lines = Vec::new();
    lines.extend(of.name.clone());
    lines.push(format!("{}, {}", array.dtype(), ByteSize(array.bytes())));
    let chunks = array.grid().chunks().unwrap_or(u64::MAX);
    lines.push(match chunks {
        1 => "1 chunk".to_string(),
        _ => format!("{} chunks of up to {}", thousands(chunks), ByteSize(largest(array))),
    });
    lines.push(format!("each {}", array.grid()));
    for (at, cuts) in array.grid().0.iter().enumerate().take(array.ndim() - drawn) {
        let (name, length) = (dimension(array, at), thousands(cuts.length()));
        lines.push(format!("{name}: {length} in {}, not drawn", thousands(cuts.pieces())));
    }
    lines
}

/// A line, which is a flat rectangle, or a rectangle.
fn flat(down: Option<&Edge>, along: &Edge) -> (String, f64, f64) {
    let mut drawn = String::new();
    let height = down.map_or(SHORTEST, |down| down.length);
    let (x, y) = (MARGIN, MARGIN);
    polygon(
        &mut drawn,
        &[(x, y), (x + along.length, y), (x + along.length, y + height), (x, y + height)],
    );
    for cut in &along.cuts {
        let at = x + cut * along.length;
        line(&mut drawn, (at, y), (at, y + height));
    }
    for cut in down.iter().flat_map(|down| &down.cuts) {
        let at = y + cut * height;
        line(&mut drawn, (x, at), (x + along.length, at));
    }
    text(&mut drawn, x + along.length / 2.0, y + height + 16.0, "middle", &along.label);
    if let Some(down) = down {
        text(&mut drawn, x + along.length + 6.0, y + height / 2.0 + 4.0, "start", &down.label);
    }
    let label = down.map_or(0.0, |down| down.label.chars().count() as f64 * 6.6);
    (drawn, along.length + label, height)
}

/// A box, seen from above and the right.
fn solid(deep: &Edge, down: &Edge, along: &Edge) -> (String, f64, f64) {
    let mut drawn = String::new();
    let (dx, dy) = (deep.length * 0.5, deep.length * 0.35);
    // The front, whose upper left corner this is; the back lies to the left and above of it.
    let (x, y) = (MARGIN + dx, MARGIN + dy);
    let (w, h) = (along.length, down.length);
    polygon(&mut drawn, &[(x, y), (x + w, y), (x + w, y + h), (x, y + h)]);
    polygon(&mut drawn, &[(x - dx, y - dy), (x + w - dx, y - dy), (x + w, y), (x, y)]);
    polygon(&mut drawn, &[(x - dx, y - dy), (x, y), (x, y + h), (x - dx, y + h - dy)]);
    for cut in &along.cuts {
        let at = x + cut * w;
        line(&mut drawn, (at, y), (at, y + h));
        line(&mut drawn, (at - dx, y - dy), (at, y));
    }
    for cut in &down.cuts {
        let at = y + cut * h;
        line(&mut drawn, (x, at), (x + w, at));
        line(&mut drawn, (x - dx, at - dy), (x, at));
    }
    for cut in &deep.cuts {
        let (ox, oy) = (dx * (1.0 - cut), dy * (1.0 - cut));
        line(&mut drawn, (x - ox, y - oy), (x + w - ox, y - oy));
        line(&mut drawn, (x - ox, y - oy), (x - ox, y + h - oy));
    }
    text(&mut drawn, x + w / 2.0, y + h + 16.0, "middle", &along.label);
    text(&mut drawn, x + w + 6.0, y + h / 2.0 + 4.0, "start", &down.label);
    text(&mut drawn, x - dx / 2.0 - 8.0, y + h - dy / 2.0 + 18.0, "end", &deep.label);
    let label = down.label.chars().count() as f64 * 6.6;
    (drawn, w + dx + label, h + dy)
}

fn polygon(drawn: &mut String, corners: &[(f64, f64)]) {
    let corners: Vec<String> = corners.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    // Writing into a text cannot fail.
    let _ = writeln!(
        drawn,
        "<polygon points=\"{}\" fill=\"#e0ecf8\" stroke=\"#334155\" stroke-width=\"1.5\"/>",
        corners.join(" ")
    );
}

fn line(drawn: &mut String, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = writeln!(
        drawn,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#64748b\" \
         stroke-width=\"0.8\"/>"
    );
}

fn text(drawn: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        drawn,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#1e293b\">{text}</text>"
    );
}
