//! A picture: sources at the left, the answer at the right.

use std::fmt::Write;

use super::text;
use crate::layers::{Layer, LayerGraph, LayerId, Work};

const WIDTH: usize = 380;
const LINE: usize = 16;
const HEAD: usize = 26;
const GAP_X: usize = 48;
const GAP_Y: usize = 20;
const MARGIN: usize = 20;
/// Characters that fit into a box.
const FIT: usize = 50;

/// Where a layer stands.
struct Placed<'a> {
    layer: &'a Layer,
    lines: Vec<String>,
    /// Steps from the answer.
    depth: usize,
    top: usize,
}

impl Placed<'_> {
    fn height(&self) -> usize {
        HEAD + LINE * self.lines.len() + 10
    }

    fn middle(&self) -> usize {
        self.top + self.height() / 2
    }
}

pub(super) fn render(graph: &LayerGraph) -> String {
    let mut placed = Vec::new();
    let mut bottom = MARGIN;
    if let Some(last) = graph.last() {
        bottom = place(graph, last, 0, MARGIN, &mut placed);
    }
    let deepest = placed.iter().map(|one| one.depth).max().unwrap_or(0);
    let left = |depth: usize| MARGIN + (deepest - depth) * (WIDTH + GAP_X);
    let width = left(0) + WIDTH + MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{bottom}\" \
         viewBox=\"0 0 {width} {bottom}\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for one in &placed {
        for feed in &one.layer.inputs {
            let Some(from) = placed.iter().find(|other| other.layer.id == feed.layer) else {
                continue;
            };
            let (x1, y1) = (left(from.depth) + WIDTH, from.middle());
            let (x2, y2) = (left(one.depth), one.middle());
            let bend = (x1 + x2) / 2;
            let dashes = if feed.to_all { " stroke-dasharray=\"5 4\"" } else { "" };
            // Writing into a text cannot fail.
            let _ = writeln!(
                svg,
                "<path d=\"M{x1} {y1} C{bend} {y1} {bend} {y2} {x2} {y2}\" fill=\"none\" \
                 stroke=\"#94a3b8\" stroke-width=\"1.5\"{dashes}/>"
            );
        }
    }
    for one in &placed {
        draw(one, left(one.depth), &mut svg);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Places a layer beside those that feed it, and tells where the next may begin.
fn place<'a>(
    graph: &'a LayerGraph,
    layer: &'a Layer,
    depth: usize,
    top: usize,
    placed: &mut Vec<Placed<'a>>,
) -> usize {
    let mut bottom = top;
    let mut middles = Vec::new();
    for feed in &layer.inputs {
        let Some(input) = graph.layer(feed.layer) else { continue };
        bottom = place(graph, input, depth + 1, bottom, placed);
        middles.extend(placed.last().map(Placed::middle));
    }
    let mut one = Placed { layer, lines: lines(layer), depth, top };
    if let (Some(first), Some(last)) = (middles.first(), middles.last()) {
        one.top = ((first + last) / 2).saturating_sub(one.height() / 2).max(top);
    }
    bottom = bottom.max(one.top + one.height() + GAP_Y);
    placed.push(one);
    bottom
}

fn lines(layer: &Layer) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(text::comes_in(layer));
    lines.extend(text::goes_out(layer));
    let mut cost = text::memory(layer);
    if let Some(time) = text::time(layer) {
        cost = format!("{cost} · {time}");
    }
    lines.push(cost);
    lines.extend(text::operators(layer));
    lines.iter().map(|line| text::cut(line, FIT)).collect()
}

fn draw(one: &Placed<'_>, left: usize, svg: &mut String) {
    let LayerId(id) = one.layer.id;
    let (top, height) = (one.top, one.height());
    let (fill, edge) = match one.layer.work {
        Work::Blockwise => ("#eff6ff", "#3b82f6"),
        Work::Shuffle { .. } => ("#fffbeb", "#d97706"),
        Work::Reduction => ("#f0fdf4", "#16a34a"),
    };
    let (x, y) = (left + 12, top + 18);
    let full: Vec<_> = text::operators(one.layer).collect();
    let title = escaped(&text::cut(&text::title(one.layer), FIT - 14));
    let tasks = text::tasks(one.layer);
    let _ = write!(
        svg,
        "<g id=\"layer-{id}\"><title>{}</title><rect x=\"{left}\" y=\"{top}\" width=\"{WIDTH}\" \
         height=\"{height}\" rx=\"6\" fill=\"{fill}\" stroke=\"{edge}\"/>\
         <text x=\"{x}\" y=\"{y}\" font-weight=\"600\">{title}</text>\
         <text x=\"{}\" y=\"{y}\" text-anchor=\"end\" fill=\"#475569\">{tasks}</text>",
        escaped(&full.join("\n")),
        left + WIDTH - 12,
    );
    let facts = one.lines.len() - one.layer.operators.len();
    for (at, line) in one.lines.iter().enumerate() {
        let y = top + HEAD + LINE * (at + 1) - 2;
        let color = if at < facts { "#475569" } else { "#0f172a" };
        let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\" fill=\"{color}\">{}</text>", escaped(line));
    }
    svg.push_str("</g>\n");
}

fn escaped(text: &str) -> String {
    let safe = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    let text: String = text.chars().map(safe).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
