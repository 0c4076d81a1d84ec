//! How results should look, apart from their format.

use nu_ansi_term::Style as Ansi;

/// How results should look, apart from their format. Each format takes from it what it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// What stands for NULL where a person reads: in box, table, line, markdown and html. CSV and TSV
    /// leave the field empty, JSON has its own null.
    pub null: String,
    /// How many rows box and table show: the first half and the last half. 0 shows all.
    pub max_rows: usize,
    /// How many terminal columns box and table may take. 0 is no limit.
    pub width: usize,
    /// Whether escape codes for bold and dim may be written.
    pub color: bool,
    /// Whether the column names are written.
    pub header: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { null: "NULL".to_string(), max_rows: 40, width: 0, color: false, header: true }
    }
}

impl Style {
    /// The text in bold, where colors are on.
    pub(super) fn bold(&self, text: &str) -> String {
        self.paint(Ansi::new().bold(), text)
    }

    /// The text dimmed, where colors are on.
    pub(super) fn dim(&self, text: &str) -> String {
        self.paint(Ansi::new().dimmed(), text)
    }

    fn paint(&self, ansi: Ansi, text: &str) -> String {
        match self.color && !text.trim().is_empty() {
            true => ansi.paint(text).to_string(),
            false => text.to_string(),
        }
    }
}
