//! What box and table share: rows in ruled columns.
//!
//! With a limit on rows, the first half and a ring of the last half are held, and all is drawn at the
//! end. Without one, the first rows are held until the widths are known, and the rest is drawn as it
//! comes, so memory stays bounded either way.

use std::collections::VecDeque;
use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::cell::Cells;
use super::format::Sink;
use super::layout::{Borders, Slot, Wish, layout};
use super::plan;
use super::text::{clean, cut, width};
use super::types::{is_cuttable, is_right_aligned, type_name};
use super::{ResultWriter, Style};

/// How many rows decide the widths, where all rows are shown.
const SAMPLE: usize = 1000;
/// The width to which a text column may be cut before columns are left out.
const LEAST_TEXT: usize = 12;
/// The width that a type's name may ask for.
const TYPE_WIDTH: usize = 16;

/// A horizontal line: its left end, fill, crossing and right end.
pub(super) type Rule = [&'static str; 4];

/// The looks of a grid.
pub(super) struct Look {
    pub(super) top: Option<Rule>,
    pub(super) under_header: Rule,
    pub(super) bottom: Option<Rule>,
    /// Left of, between and right of cells.
    pub(super) bars: [&'static str; 3],
    pub(super) ellipsis: &'static str,
    /// Marks rows that are left out.
    pub(super) dot: &'static str,
    /// Whether types stand beneath the names.
    pub(super) types: bool,
    /// The line under the grid.
    pub(super) footer: fn(&Footer) -> String,
}

/// What the line under a grid may tell.
pub(super) struct Footer {
    pub(super) rows: u64,
    pub(super) rows_shown: u64,
    pub(super) columns: u64,
    pub(super) columns_shown: u64,
}

struct Column {
    name: String,
    type_name: String,
    right: bool,
    cuttable: bool,
}

struct Cell {
    text: String,
    null: bool,
}

type Row = Vec<Cell>;

/// Draws a result as a grid.
pub(super) struct Grid {
    look: &'static Look,
    style: Style,
    out: Sink,
    columns: Vec<Column>,
    head: Vec<Row>,
    tail: VecDeque<Row>,
    /// Set once the header is drawn.
    slots: Option<Vec<Slot>>,
    rows: u64,
    /// The result is a plan: text in lines, which a cell would break.
    plan: bool,
}

impl Grid {
    pub(super) fn new(look: &'static Look, style: &Style, out: Sink) -> Self {
        Self {
            look,
            style: style.clone(),
            out,
            columns: Vec::new(),
            head: Vec::new(),
            tail: VecDeque::new(),
            slots: None,
            rows: 0,
            plan: false,
        }
    }

    /// How much of a value may ever be seen.
    fn limit(&self) -> usize {
        match self.style.width {
            0 => usize::MAX,
            width => width.saturating_mul(8),
        }
    }

    fn row(&self, cells: &Cells<'_>, row: usize) -> Row {
        let mut text = String::new();
        (0..cells.columns())
            .map(|column| match cells.read(row, column, self.limit(), &mut text) {
                true => Cell { text: clean(&text).into_owned(), null: false },
                false => Cell { text: clean(&self.style.null).into_owned(), null: true },
            })
            .collect()
    }

    /// Decides the widths from the rows that are held.
    fn layout(&self) -> Vec<Slot> {
        let look = self.look;
        let [left, inner, right] = look.bars.map(width);
        let borders = Borders { outer: left + right, inner, gap: width(look.ellipsis) };
        let held = self.head.len() + self.tail.len();
        let dots = if (held as u64) < self.rows { width(look.dot) } else { 0 };
        let wishes: Vec<Wish> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let cells = self
                    .head
                    .iter()
                    .chain(&self.tail)
                    .filter_map(|row| row.get(index))
                    .map(|cell| width(&cell.text))
                    .max()
                    .unwrap_or(0)
                    .max(dots);
                let name = if self.style.header { width(&column.name) } else { 0 };
                let types = match look.types && self.style.header {
                    true => width(&column.type_name).min(TYPE_WIDTH),
                    false => 0,
                };
                let natural = cells.max(name).max(types).max(1);
                let least = match column.cuttable {
                    true => natural.min(LEAST_TEXT),
                    false => cells.max(name.min(LEAST_TEXT)).max(1),
                };
                Wish { natural, least }
            })
            .collect();
        layout(&wishes, self.style.width, borders)
    }

    fn rule(&self, slots: &[Slot], rule: Rule) -> String {
        let [left, fill, cross, right] = rule;
        let strips: Vec<_> = slots.iter().map(|slot| fill.repeat(slot.width())).collect();
        self.style.dim(&format!("{left}{}{right}", strips.join(cross)))
    }

    /// Draws a line of cells: `cell` gives each slot's text, already as wide as the slot.
    fn line(&self, slots: &[Slot], cell: impl Fn(Slot) -> String) -> String {
        let [left, inner, right] = self.look.bars.map(|bar| self.style.dim(bar));
        let cells: Vec<_> = slots.iter().map(|slot| cell(*slot)).collect();
        let line = format!("{left}{}{right}", cells.join(&inner));
        line.trim_end().to_string()
    }

    /// A line of the header: a text for each column, in the middle of its strip.
    fn header_line(
        &self,
        slots: &[Slot],
        text: impl Fn(&Column) -> &str,
        paint: impl Fn(&Style, &str) -> String,
    ) -> String {
        let ellipsis = self.look.ellipsis;
        self.line(slots, |slot| match slot {
            Slot::Column { index, width } => {
                let text = self.columns.get(index).map_or("", &text);
                paint(&self.style, &centered(text, width, ellipsis))
            }
            Slot::Gap { width } => self.style.dim(&centered(ellipsis, width, ellipsis)),
        })
    }

    fn draw_header(&mut self, slots: &[Slot]) -> io::Result<()> {
        let mut lines = Vec::new();
        lines.extend(self.look.top.map(|rule| self.rule(slots, rule)));
        if self.style.header && !slots.is_empty() {
            lines.push(self.header_line(slots, |column| &column.name, Style::bold));
            if self.look.types {
                lines.push(self.header_line(slots, |column| &column.type_name, Style::dim));
            }
            lines.push(self.rule(slots, self.look.under_header));
        }
        lines.iter().try_for_each(|line| writeln!(self.out, "{line}"))
    }

    fn draw_row(&self, slots: &[Slot], row: &Row) -> String {
        let last = slots.len().saturating_sub(1);
        let closed = !self.look.bars[2].is_empty();
        let mut cells = Vec::with_capacity(slots.len());
        for (at, slot) in slots.iter().enumerate() {
            let (text, null, right) = match slot {
                Slot::Column { index, .. } => match (row.get(*index), self.columns.get(*index)) {
                    (Some(cell), Some(column)) => (cell.text.as_str(), cell.null, column.right),
                    _ => ("", false, false),
                },
                Slot::Gap { .. } => (self.look.ellipsis, false, false),
            };
            // Without a limit on the width, a late value that is wider than its column overflows:
            // cutting it would lose what was asked for in full.
            let text = match self.style.width {
                0 => text.into(),
                _ => cut(text, slot.width(), self.look.ellipsis),
            };
            let space = " ".repeat(slot.width().saturating_sub(width(&text)));
            let text = match null || matches!(slot, Slot::Gap { .. }) {
                true => self.style.dim(&text),
                false => text.into_owned(),
            };
            cells.push(match (right, at == last && !closed) {
                (true, _) => format!("{space}{text}"),
                (false, true) => text,
                (false, false) => format!("{text}{space}"),
            });
        }
        let [left, inner, right] = self.look.bars.map(|bar| self.style.dim(bar));
        format!("{left}{}{right}", cells.join(&inner))
    }

    fn draw_dots(&self, slots: &[Slot]) -> String {
        self.line(slots, |slot| self.style.dim(&centered(self.look.dot, slot.width(), "")))
    }

    fn draw_held(&mut self, slots: &[Slot]) -> io::Result<()> {
        for row in std::mem::take(&mut self.head) {
            let line = self.draw_row(slots, &row);
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }
}

/// The text in the middle of `room` columns.
fn centered(text: &str, room: usize, ellipsis: &str) -> String {
    let text = cut(text, room, ellipsis);
    let space = room.saturating_sub(width(&text));
    format!("{}{text}{}", " ".repeat(space / 2), " ".repeat(space - space / 2))
}

impl ResultWriter for Grid {
    fn begin(&mut self, schema: &SchemaRef) -> io::Result<()> {
        self.plan = plan::is_plan(schema);
        self.columns = schema
            .fields()
            .iter()
            .map(|field| Column {
                name: clean(field.name()).into_owned(),
                type_name: clean(&type_name(field.data_type())).into_owned(),
                right: is_right_aligned(field.data_type()),
                cuttable: is_cuttable(field.data_type()),
            })
            .collect();
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        if self.plan {
            self.rows += batch.num_rows() as u64;
            return plan::write(&mut self.out, &self.style, batch);
        }
        let cells = Cells::of(batch)?;
        let rows = cells.rows();
        self.rows += rows as u64;
        let max = self.style.max_rows;
        let mut row = 0;
        if self.slots.is_none() {
            let head = if max == 0 { SAMPLE } else { max.div_ceil(2) };
            while row < rows && self.head.len() < head {
                self.head.push(self.row(&cells, row));
                row += 1;
            }
        }
        if max > 0 {
            let ring = max / 2;
            // Rows that later rows of this batch would push out again need not be formatted.
            for row in row.max(rows.saturating_sub(ring))..rows {
                if self.tail.len() == ring {
                    self.tail.pop_front();
                }
                self.tail.push_back(self.row(&cells, row));
            }
        } else if row < rows {
            let slots = match self.slots.take() {
                Some(slots) => slots,
                None => {
                    let slots = self.layout();
                    self.draw_header(&slots)?;
                    self.draw_held(&slots)?;
                    slots
                }
            };
            for row in row..rows {
                let line = self.draw_row(&slots, &self.row(&cells, row));
                writeln!(self.out, "{line}")?;
            }
            self.slots = Some(slots);
            self.out.flush()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<u64> {
        if self.plan {
            self.out.flush()?;
            return Ok(self.rows);
        }
        let mut shown = self.rows;
        let slots = match self.slots.take() {
            Some(slots) => slots,
            None => {
                let slots = self.layout();
                shown = (self.head.len() + self.tail.len()) as u64;
                self.draw_header(&slots)?;
                self.draw_held(&slots)?;
                if shown < self.rows {
                    let dots = self.draw_dots(&slots);
                    writeln!(self.out, "{dots}")?;
                }
                for row in std::mem::take(&mut self.tail) {
                    let line = self.draw_row(&slots, &row);
                    writeln!(self.out, "{line}")?;
                }
                slots
            }
        };
        if let Some(rule) = self.look.bottom {
            let rule = self.rule(&slots, rule);
            writeln!(self.out, "{rule}")?;
        }
        let columns_shown =
            slots.iter().filter(|slot| matches!(slot, Slot::Column { .. })).count() as u64;
        let footer = (self.look.footer)(&Footer {
            rows: self.rows,
            rows_shown: shown,
            columns: self.columns.len() as u64,
            columns_shown,
        });
        let footer = self.style.dim(&footer);
        writeln!(self.out, "{footer}")?;
        self.out.flush()?;
        Ok(self.rows)
    }
}
