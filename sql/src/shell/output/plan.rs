//! What `EXPLAIN` answers, for a person: each plan under its name, a line of it a line, nothing cut.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::Style;
use super::cell::Cells;
use super::text::clean;

/// Whether these are the columns of a plan.
pub(super) fn is_plan(schema: &Schema) -> bool {
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    names == ["plan_type", "plan"]
}

/// Writes the plans of a batch.
pub(super) fn write(out: &mut impl Write, style: &Style, batch: &RecordBatch) -> io::Result<()> {
    let cells = Cells::of(batch)?;
    let mut text = String::new();
    for row in 0..cells.rows() {
        cells.read(row, 0, usize::MAX, &mut text);
        writeln!(out, "{}", style.bold(&clean(&text)))?;
        cells.read(row, 1, usize::MAX, &mut text);
        for line in text.trim_end().lines() {
            writeln!(out, "  {}", clean(line))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray};

    use super::super::Format;
    use super::super::tests::print;
    use super::*;

    #[test]
    fn a_plan_is_shown_line_by_line() {
        let text = |values: &[&str]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
        let batch = RecordBatch::try_from_iter([
            ("plan_type", text(&["logical_plan", "physical_plan"])),
            ("plan", text(&["Limit: 1\n  Scan: t\u{7}", "ScanExec\n"])),
        ]);
        let batch = [batch.unwrap()];
        let narrow = Style { width: 10, ..Style::default() };
        for format in [Format::Box, Format::Table] {
            assert_eq!(
                print(format, &narrow, &batch),
                "logical_plan\n  Limit: 1\n    Scan: t\\x07\nphysical_plan\n  ScanExec\n"
            );
        }
    }
}
