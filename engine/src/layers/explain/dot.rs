//! Graphviz: `dot -Tpng`.

use super::text;
use crate::layers::{LayerGraph, Work};

pub(super) fn render(graph: &LayerGraph) -> String {
    let mut dot = String::from(
        "digraph layers {\n  rankdir=BT;\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n",
    );
    for layer in graph.layers() {
        let mut lines = vec![text::title(layer), text::tasks(layer)];
        lines.extend(text::comes_in(layer));
        lines.extend(text::goes_out(layer));
        lines.push(text::memory(layer));
        lines.extend(text::time(layer));
        lines.extend(text::operators(layer));
        let label: String = lines.iter().map(|line| format!("{}\\l", quoted(line))).collect();
        let color = match layer.work {
            Work::Blockwise => "#dbeafe",
            Work::Shuffle { .. } => "#fef3c7",
            Work::Reduction => "#dcfce7",
        };
        dot.push_str(&format!("  l{} [label=\"{label}\", fillcolor=\"{color}\"];\n", layer.id));
    }
    for layer in graph.layers() {
        for feed in &layer.inputs {
            let style = if feed.to_all { " [label=\"to every task\", style=dashed]" } else { "" };
            dot.push_str(&format!("  l{} -> l{}{style};\n", feed.layer, layer.id));
        }
    }
    dot.push_str("}\n");
    dot
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " ")
}
