//! The words and numbers that all pictures share.

use crate::config::ByteSize;
use crate::layers::{Layer, Work};
use crate::text::{counted, thousands};

/// The longest detail that is shown.
const LONGEST: usize = 96;

/// `3 shuffle by o_custkey into 2`.
pub(super) fn title(layer: &Layer) -> String {
    let name = layer.work.name();
    match &layer.work {
        Work::Shuffle { keys, fan_out } => {
            let keys = cut(&keys.join(", ").replace(char::is_control, " "), LONGEST);
            format!("{} {name} by {keys} into {fan_out}", layer.id)
        }
        Work::Blockwise | Work::Reduction => format!("{} {name}", layer.id),
    }
}

/// `2 tasks`.
pub(super) fn tasks(layer: &Layer) -> String {
    counted(layer.tasks as u64, "task")
}

/// What comes in, if that is not what goes out; a shuffle only moves.
pub(super) fn comes_in(layer: &Layer) -> Option<String> {
    if matches!(layer.work, Work::Shuffle { .. }) {
        return None;
    }
    let measured = layer.measured.unwrap_or_default();
    let bytes = measured.bytes_read.or(layer.estimate.bytes_in);
    flow("in", measured.rows_in, layer.estimate.rows_in, bytes)
}

/// What goes out.
pub(super) fn goes_out(layer: &Layer) -> Option<String> {
    let measured = layer.measured.unwrap_or_default();
    let bytes = measured.bytes_out.or(layer.estimate.bytes_out);
    let what = if matches!(layer.work, Work::Shuffle { .. }) { "moves" } else { "out" };
    flow(what, measured.rows_out, layer.estimate.rows_out, bytes)
}

fn flow(
    what: &str,
    rows: Option<u64>,
    expected: Option<u64>,
    bytes: Option<u64>,
) -> Option<String> {
    let rows = match (rows, expected) {
        (Some(rows), Some(expected)) if rows != expected => {
            format!("{} (expected {})", counted(rows, "row"), thousands(expected))
        }
        (Some(rows), _) => counted(rows, "row"),
        (None, Some(expected)) => format!("~{}", counted(expected, "row")),
        (None, None) => return None,
    };
    let bytes = bytes.map_or_else(String::new, |bytes| format!(", {}", ByteSize(bytes)));
    Some(format!("{what} {rows}{bytes}"))
}

/// What a task holds, and what was written to disk for want of it.
pub(super) fn memory(layer: &Layer) -> String {
    let mut text = match layer.estimate.memory {
        Some(memory) if memory.spills => {
            format!("{} a task, spills", ByteSize(memory.bytes))
        }
        Some(memory) => format!("{} a task", ByteSize(memory.bytes)),
        None => "memory unknown".to_string(),
    };
    if let Some(measured) = &layer.measured
        && measured.spilled > 0
    {
        text.push_str(&format!(", {} spilled", ByteSize(measured.spilled)));
    }
    text
}

/// How long it computed.
pub(super) fn time(layer: &Layer) -> Option<String> {
    let compute = layer.measured?.compute;
    Some(format!("{compute:.1?}"))
}

/// The operators, a line each.
pub(super) fn operators(layer: &Layer) -> impl Iterator<Item = String> {
    layer.operators.iter().map(|operator| {
        let text = match operator.detail.is_empty() {
            true => operator.name.clone(),
            false => format!("{} {}", operator.name, operator.detail),
        };
        cut(&text.replace(char::is_control, " "), LONGEST)
    })
}

/// At most so many characters.
pub(super) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_string(),
    }
}
