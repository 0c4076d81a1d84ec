//! A table in [GitHub's Markdown](https://github.github.com/gfm/#tables-extension-).

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::cell::Cells;
use super::format::Sink;
use super::types::is_right_aligned;
use super::{ResultWriter, Style};

pub(super) struct Markdown {
    out: Sink,
    null: String,
    rows: u64,
}

pub(super) fn writer(style: &Style, out: Sink) -> Markdown {
    Markdown { out, null: style.null.clone(), rows: 0 }
}

/// A cell's text, with what would end the cell or start a tag escaped.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '|' => escaped.push_str("\\|"),
            '\\' => escaped.push_str("\\\\"),
            '\n' | '\r' => escaped.push_str("<br>"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // No reader shows them, and a terminal would obey them.
            c if c.is_control() && c != '\t' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

impl ResultWriter for Markdown {
    fn begin(&mut self, schema: &SchemaRef) -> io::Result<()> {
        // A table without a header is none in Markdown, so this one is always written.
        let names: Vec<_> = schema.fields().iter().map(|field| escape(field.name())).collect();
        let rules: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| if is_right_aligned(field.data_type()) { "---:" } else { "---" })
            .collect();
        writeln!(self.out, "| {} |\n| {} |", names.join(" | "), rules.join(" | "))
    }

    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let cells = Cells::of(batch)?;
        let mut text = String::new();
        for row in 0..cells.rows() {
            self.out.write_all(b"|")?;
            for column in 0..cells.columns() {
                let there = cells.read(row, column, usize::MAX, &mut text);
                write!(self.out, " {} |", escape(if there { &text } else { &self.null }))?;
            }
            self.out.write_all(b"\n")?;
        }
        self.rows += cells.rows() as u64;
        self.out.flush()
    }

    fn finish(&mut self) -> io::Result<u64> {
        self.out.flush()?;
        Ok(self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{numbers, people, print};
    use super::*;

    #[test]
    fn cells_cannot_break_the_table() {
        let text = print(Format::Markdown, &Style::default(), &[people()]);
        assert_eq!(
            text,
            "| name | total |\n| --- | ---: |\n| Ada | 1.5 |\n| a<br>b\\|&lt;c&gt; | NULL |\n\
             | 東京 | NaN |\n"
        );
        assert_eq!(escape("\x1b[31m\\|\r\n"), "\u{fffd}[31m\\\\\\|<br>");
        let empty = print(Format::Markdown, &Style::default(), &[numbers(0..0)]);
        assert_eq!(empty, "| number |\n| ---: |\n");
    }
}
