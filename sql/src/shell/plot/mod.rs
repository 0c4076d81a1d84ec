//! Drawing results: columns of numbers as bars, lines, points or shaded cells, in the terminal, as
//! SVG or as an HTML page.
//!
//! ```text
//! PlotSpec ──choose──▶ Plan ──batches──▶ Collector ──finish──▶ PlotData ──▶ terminal, SVG, HTML
//! ```
//!
//! What is collected is bounded, whatever the size of the result; the caption says what was left out.

mod choose;
mod collect;
mod column;
mod data;
mod html;
mod number;
mod scale;
mod series;
mod spec;
mod svg;
mod terminal;
mod time;

pub use collect::Collector;
pub use data::PlotData;
pub use spec::{Kind, PlotSpec};

use crate::error::Error;

/// How many series a plot tells apart by color.
const MAX_SERIES: usize = 8;

/// A plot that cannot be drawn, and what could.
fn refuse(message: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::Text { message: message.into(), at: None, hint: Some(hint.into()) }
}
