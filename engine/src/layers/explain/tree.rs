//! Text: the answer on top, and below each layer what feeds it.

use super::text;
use crate::layers::{Feed, Layer, LayerGraph};

pub(super) fn render(graph: &LayerGraph) -> String {
    let mut lines = String::new();
    if let Some(last) = graph.last() {
        show(graph, last, false, "", "", &mut lines);
    }
    lines
}

/// A layer, its first line after `first` and all others after `rest`.
fn show(
    graph: &LayerGraph,
    layer: &Layer,
    to_all: bool,
    first: &str,
    rest: &str,
    lines: &mut String,
) {
    let broadcast = if to_all { ", to every task" } else { "" };
    let mut line = |start: &str, text: &str| {
        lines.push_str(start);
        lines.push_str(text);
        lines.push('\n');
    };
    let (tasks, device) = (text::tasks(layer), layer.device);
    line(first, &format!("{}{broadcast} · {tasks} · {device}", text::title(layer)));
    let bar = format!("{rest}{}   ", if layer.inputs.is_empty() { ' ' } else { '│' });
    let flows = [text::comes_in(layer), text::goes_out(layer)];
    let mut facts: Vec<String> = flows.into_iter().flatten().collect();
    facts.push(text::memory(layer));
    facts.extend(text::time(layer));
    line(&bar, &facts.join(" · "));
    // As in a plan: what is done last stands first.
    let mut operators: Vec<_> = text::operators(layer).collect();
    operators.reverse();
    for operator in operators {
        line(&bar, &operator);
    }
    let count = layer.inputs.len();
    for (at, Feed { layer, to_all }) in layer.inputs.iter().enumerate() {
        let Some(input) = graph.layer(*layer) else { continue };
        let (branch, below) =
            if at + 1 < count { ("├─ ", "│  ") } else { ("└─ ", "   ") };
        let (first, rest) = (format!("{rest}{branch}"), format!("{rest}{below}"));
        show(graph, input, *to_all, &first, &rest, lines);
    }
}
