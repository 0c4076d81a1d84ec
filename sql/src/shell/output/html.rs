//! An HTML table. It is a complete document, since HTML lets its outer tags be left out, and can as
//! well be pasted into another.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::cell::Cells;
use super::format::Sink;
use super::types::is_right_aligned;
use super::{ResultWriter, Style};

const OPENING: &str = "<!doctype html>
<meta charset=\"utf-8\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>Result</title>
<style>
table.result { border-collapse: collapse; font: 14px/1.4 system-ui, sans-serif; }
.result th, .result td { padding: 4px 12px; border-bottom: 1px solid #8885; text-align: left; }
.result th { position: sticky; top: 0; background: Canvas; }
.result .n { text-align: right; font-variant-numeric: tabular-nums; }
.result .null { opacity: .5; }
.result td { white-space: pre-wrap; vertical-align: top; }
</style>
<table class=\"result\">
";

pub(super) struct Html {
    out: Sink,
    null: String,
    header: bool,
    /// Which columns hold numbers.
    numbers: Vec<bool>,
    rows: u64,
}

pub(super) fn writer(style: &Style, out: Sink) -> Html {
    Html { out, null: style.null.clone(), header: style.header, numbers: Vec::new(), rows: 0 }
}

/// The text with what HTML would read as markup escaped.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML, and so SVG, has no place for most control characters.
            c if c.is_control() && !matches!(c, '\n' | '\t' | '\r') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

impl ResultWriter for Html {
    fn begin(&mut self, schema: &SchemaRef) -> io::Result<()> {
        self.out.write_all(OPENING.as_bytes())?;
        self.numbers =
            schema.fields().iter().map(|field| is_right_aligned(field.data_type())).collect();
        if self.header {
            self.out.write_all(b"<thead><tr>")?;
            for field in schema.fields() {
                let class = if is_right_aligned(field.data_type()) { " class=\"n\"" } else { "" };
                write!(self.out, "<th{class}>{}</th>", escape(field.name()))?;
            }
            self.out.write_all(b"</tr></thead>\n")?;
        }
        self.out.write_all(b"<tbody>\n")
    }

    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let cells = Cells::of(batch)?;
        let mut text = String::new();
        for row in 0..cells.rows() {
            self.out.write_all(b"<tr>")?;
            for column in 0..cells.columns() {
                let there = cells.read(row, column, usize::MAX, &mut text);
                let number = self.numbers.get(column).copied().unwrap_or(false);
                let class = match (there, number) {
                    (true, true) => " class=\"n\"",
                    (true, false) => "",
                    (false, true) => " class=\"n null\"",
                    (false, false) => " class=\"null\"",
                };
                let text = escape(if there { &text } else { &self.null });
                write!(self.out, "<td{class}>{text}</td>")?;
            }
            self.out.write_all(b"</tr>\n")?;
        }
        self.rows += cells.rows() as u64;
        self.out.flush()
    }

    fn finish(&mut self) -> io::Result<u64> {
        self.out.write_all(b"</tbody>\n</table>\n")?;
        self.out.flush()?;
        Ok(self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{people, print};
    use super::*;

    #[test]
    fn cells_cannot_become_markup() {
        let text = print(Format::Html, &Style::default(), &[people()]);
        let body: Vec<_> = text.lines().skip_while(|line| !line.starts_with("<thead>")).collect();
        assert_eq!(
            body,
            [
                "<thead><tr><th>name</th><th class=\"n\">total</th></tr></thead>",
                "<tbody>",
                "<tr><td>Ada</td><td class=\"n\">1.5</td></tr>",
                "<tr><td>a",
                "b|&lt;c&gt;</td><td class=\"n null\">NULL</td></tr>",
                "<tr><td>東京</td><td class=\"n\">NaN</td></tr>",
                "</tbody>",
                "</table>",
            ]
        );
    }
}
