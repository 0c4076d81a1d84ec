//! Comma- and tab-separated values, quoted as [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)
//! says. NULL is an empty field, and an empty text a quoted one, so that they can be told apart.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::cell::Cells;
use super::format::Sink;
use super::{ResultWriter, Style};

pub(super) struct Delimited {
    out: Sink,
    delimiter: char,
    header: bool,
    rows: u64,
}

pub(super) fn csv(style: &Style, out: Sink) -> Delimited {
    Delimited { out, delimiter: ',', header: style.header, rows: 0 }
}

pub(super) fn tsv(style: &Style, out: Sink) -> Delimited {
    Delimited { out, delimiter: '\t', header: style.header, rows: 0 }
}

impl Delimited {
    fn field(&mut self, column: usize, text: &str) -> io::Result<()> {
        if column > 0 {
            write!(self.out, "{}", self.delimiter)?;
        }
        let special = |c: char| c == self.delimiter || matches!(c, '"' | '\n' | '\r');
        // Readers trim spaces at the ends unless they are quoted.
        let quoted = text.is_empty()
            || text.starts_with(' ')
            || text.ends_with(' ')
            || text.contains(special);
        match quoted {
            true => write!(self.out, "\"{}\"", text.replace('"', "\"\"")),
            false => self.out.write_all(text.as_bytes()),
        }
    }
}

impl ResultWriter for Delimited {
    fn begin(&mut self, schema: &SchemaRef) -> io::Result<()> {
        if !self.header {
            return Ok(());
        }
        for (column, field) in schema.fields().iter().enumerate() {
            self.field(column, field.name())?;
        }
        self.out.write_all(b"\n")
    }

    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let cells = Cells::of(batch)?;
        let mut text = String::new();
        for row in 0..cells.rows() {
            for column in 0..cells.columns() {
                if cells.read(row, column, usize::MAX, &mut text) {
                    self.field(column, &text)?;
                } else if column > 0 {
                    write!(self.out, "{}", self.delimiter)?;
                }
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
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray};

    use super::super::tests::{numbers, people, print};
    use super::super::{Format, Style};
    use super::*;

    #[test]
    fn only_what_needs_quotes_has_them() {
        let text = print(Format::Csv, &Style::default(), &[people()]);
        assert_eq!(text, "name,total\nAda,1.5\n\"a\nb|<c>\",\n東京,NaN\n");
        let column: ArrayRef =
            Arc::new(StringArray::from(vec![Some("a,b"), Some("say \"hi\""), Some(""), None]));
        let batch = RecordBatch::try_from_iter([("x\ty", Arc::clone(&column)), ("z", column)]);
        let batch = batch.unwrap_or_else(|_| numbers(0..0));
        let csv = print(Format::Csv, &Style::default(), std::slice::from_ref(&batch));
        let quoted = "\"say \"\"hi\"\"\"";
        assert_eq!(csv, format!("x\ty,z\n\"a,b\",\"a,b\"\n{quoted},{quoted}\n\"\",\"\"\n,\n"));
        let tsv = print(Format::Tsv, &Style::default(), &[batch]);
        assert_eq!(tsv, format!("\"x\ty\"\tz\na,b\ta,b\n{quoted}\t{quoted}\n\"\"\t\"\"\n\t\n"));
    }

    #[test]
    fn the_header_stands_alone_without_rows_and_can_be_left_away() {
        assert_eq!(print(Format::Csv, &Style::default(), &[numbers(0..0)]), "number\n");
        let style = Style { header: false, ..Style::default() };
        assert_eq!(print(Format::Csv, &style, &[numbers(0..2)]), "0\n1\n");
    }
}
