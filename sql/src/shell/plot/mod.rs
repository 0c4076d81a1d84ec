//! Stand-in for plots.

use arrow::array::RecordBatch;

/// What to draw.
#[derive(Debug)]
pub struct PlotSpec;

impl PlotSpec {
    /// Reads the words after `\plot`.
    pub fn parse(_words: &str) -> Result<PlotSpec, String> {
        Ok(PlotSpec)
    }
}

/// Draws.
pub fn plot(
    _spec: &PlotSpec,
    batches: &[RecordBatch],
    _width: usize,
    _height: usize,
    _color: bool,
) -> Result<String, String> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    Ok(format!("a plot of {rows} rows"))
}
