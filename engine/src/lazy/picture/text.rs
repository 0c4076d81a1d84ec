//! An array in a few lines.

use serde_json::Value;

use super::{dimension, largest};
use crate::array::Cuts;
use crate::config::ByteSize;
use crate::lazy::{Array, Attributes, Labelled};
use crate::text::{counted, thousands};

/// Attributes that are told, and characters of each.
const MOST_TOLD: usize = 8;
const LONGEST_TOLD: usize = 80;

pub(super) fn render(of: &Labelled) -> String {
    let array = &of.array;
    let mut lines = Vec::new();
    let name = of.name.as_deref().map(|name| format!("{name}: ")).unwrap_or_default();
    let shape: Vec<String> = array.shape().iter().copied().map(thousands).collect();
    lines.push(format!(
        "{name}{} ({}), {}",
        array.dtype(),
        shape.join(" × "),
        ByteSize(array.bytes())
    ));
    let chunks = array.grid().chunks().unwrap_or(u64::MAX);
    lines.push(match chunks {
        1 => "1 chunk".to_string(),
        _ => format!("{} chunks of up to {}", thousands(chunks), ByteSize(largest(array))),
    });
    let width = (0..array.ndim()).map(|at| dimension(array, at).chars().count()).max().unwrap_or(0);
    for (at, cuts) in array.grid().0.iter().enumerate() {
        let dim = dimension(array, at);
        let label = of.coords.get(&dim).map(|coord| format!(", labelled {}", coord.dtype()));
        lines.push(format!("  {dim:width$}  {}{}", along(cuts), label.unwrap_or_default()));
    }
    lines.extend(said(array.attributes()));
    lines.push(format!("made of {}", array.formula()));
    let (steps, reads) = steps(array);
    lines.push(format!("{}, {}", counted(steps, "step"), counted(reads, "read")));
    lines.join("\n") + "\n"
}

/// What is said of it, a line each, as far as it is short.
fn said(attributes: &Attributes) -> Vec<String> {
    let shown = |(name, value): (&String, &Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_string);
        let line = value.lines().next().unwrap_or_default();
        let short: String = line.chars().take(LONGEST_TOLD).collect();
        let more = if short.len() < value.len() { "…" } else { "" };
        format!("  {name} = {short}{more}")
    };
    let mut lines = Vec::new();
    lines.extend((!attributes.is_empty()).then(|| "attributes".to_string()));
    lines.extend(attributes.iter().take(MOST_TOLD).map(shown));
    match attributes.iter().count().saturating_sub(MOST_TOLD) {
        0 => {}
        more => lines.push(format!("  … and {}", counted(more as u64, "attribute"))),
    }
    lines
}

/// How a dimension is cut.
fn along(cuts: &Cuts) -> String {
    let (length, pieces) = (cuts.length(), cuts.pieces());
    match cuts {
        _ if pieces <= 1 => format!("{}, whole", thousands(length)),
        Cuts::Even { piece, .. } => {
            format!("{} in {} of {}", thousands(length), thousands(pieces), thousands(*piece))
        }
        Cuts::Ragged(_) => format!(
            "{} in {} of up to {}",
            thousands(length),
            thousands(pieces),
            thousands(cuts.longest())
        ),
    }
}

/// How many steps there are, and how many of them read.
fn steps(array: &Array) -> (u64, u64) {
    let (mut steps, mut reads) = (0, 0);
    array.each_step(|step| {
        steps += 1;
        reads += u64::from(matches!(step.op(), crate::lazy::Op::Read(_)));
        true
    });
    (steps, reads)
}
