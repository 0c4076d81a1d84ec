//! Stand-in for the progress bar.

/// Shows how far a query is.
#[derive(Debug)]
pub struct ProgressBar(bool);

impl ProgressBar {
    /// Draws when enabled.
    pub fn new(enabled: bool) -> Self {
        Self(enabled)
    }

    /// Redraws.
    pub fn update(&mut self, fraction: Option<f64>, rows: u64, _bytes: u64) {
        if self.0 {
            eprint!("\r{:3.0}% {rows} rows", fraction.unwrap_or(0.0) * 100.0);
        }
    }

    /// Takes it off the screen.
    pub fn clear(&mut self) {
        if self.0 {
            eprint!("\r\x1b[2K");
        }
    }
}
