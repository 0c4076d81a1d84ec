//! One column a line, as psql's expanded display: for rows that are too wide to read across, and for
//! values of several lines.
//!
//! ```text
//! -[ RECORD 1 ]--------
//! name  | Ada
//! total | 1.5
//! ```

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::cell::Cells;
use super::format::Sink;
use super::text::{clean, counted, cut, thousands, width};
use super::{ResultWriter, Style};

/// The width that the names' column may take.
const NAME_WIDTH: usize = 32;

pub(super) struct Line {
    style: Style,
    out: Sink,
    names: Vec<String>,
    rows: u64,
}

pub(super) fn writer(style: &Style, out: Sink) -> Line {
    Line { style: style.clone(), out, names: Vec::new(), rows: 0 }
}

impl ResultWriter for Line {
    fn begin(&mut self, schema: &SchemaRef) -> io::Result<()> {
        let names: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| cut(&clean(field.name()), NAME_WIDTH, "…").into_owned())
            .collect();
        let widest = names.iter().map(|name| width(name)).max().unwrap_or(0);
        self.names = names
            .into_iter()
            .map(|name| format!("{name}{}", " ".repeat(widest - width(&name))))
            .collect();
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let cells = Cells::of(batch)?;
        let names = self.names.first().map_or(0, |name| width(name));
        let bar = self.style.dim("|");
        let mut text = String::new();
        for row in 0..cells.rows() {
            self.rows += 1;
            let mut rule = format!("-[ RECORD {} ]", thousands(self.rows));
            let dashes = (names + 24).saturating_sub(width(&rule));
            rule.push_str(&"-".repeat(dashes));
            writeln!(self.out, "{}", self.style.dim(&rule))?;
            for (column, name) in self.names.iter().enumerate() {
                let name = self.style.bold(name);
                if !cells.read(row, column, usize::MAX, &mut text) {
                    let null = self.style.dim(&clean(&self.style.null));
                    writeln!(self.out, "{name} {bar} {null}")?;
                    continue;
                }
                // The lines of a value stand beneath one another.
                let mut lines = text.lines();
                writeln!(self.out, "{name} {bar} {}", clean(lines.next().unwrap_or_default()))?;
                for line in lines {
                    writeln!(self.out, "{} {bar} {}", " ".repeat(names), clean(line))?;
                }
            }
        }
        self.out.flush()
    }

    fn finish(&mut self) -> io::Result<u64> {
        let footer = self.style.dim(&format!("({})", counted(self.rows, "row")));
        writeln!(self.out, "{footer}")?;
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
    fn each_column_has_its_line() {
        let text = print(Format::Line, &Style::default(), &[people().slice(0, 2)]);
        let expected = [
            "-[ RECORD 1 ]----------------",
            "name  | Ada",
            "total | 1.5",
            "-[ RECORD 2 ]----------------",
            "name  | a",
            "      | b|<c>",
            "total | NULL",
            "(2 rows)",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert_eq!(print(Format::Line, &Style::default(), &[numbers(0..0)]), "(0 rows)\n");
    }
}
