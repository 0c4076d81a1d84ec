//! An array in a few lines.

use super::{dimension, largest};
use crate::array::Cuts;
use crate::config::ByteSize;
use crate::lazy::{Array, Labelled};
use crate::text::{counted, thousands};

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
    lines.push(format!("made of {}", array.formula()));
    let (steps, reads) = steps(array);
    lines.push(format!("{}, {}", counted(steps, "step"), counted(reads, "read")));
    lines.join("\n") + "\n"
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
