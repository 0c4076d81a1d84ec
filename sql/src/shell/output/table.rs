//! The format of psql: ASCII, aligned, for pasting where unicode borders would not do.
//!
//! ```text
//!  name | total
//! ------+-------
//!  Ada  |   1.5
//! (1 row)
//! ```

use super::Style;
use super::format::Sink;
use super::grid::{Footer, Grid, Look};
use super::text::{counted, thousands};

static LOOK: Look = Look {
    top: None,
    under_header: ["-", "-", "-+-", "-"],
    bottom: None,
    bars: [" ", " | ", ""],
    ellipsis: "...",
    dot: ".",
    types: false,
    footer,
};

pub(super) fn writer(style: &Style, out: Sink) -> Grid {
    Grid::new(&LOOK, style, out)
}

fn footer(footer: &Footer) -> String {
    let mut text = counted(footer.rows, "row");
    if footer.rows_shown < footer.rows {
        text += &format!(", {} shown", thousands(footer.rows_shown));
    }
    if footer.columns_shown < footer.columns {
        text += &format!(
            "; {}, {} shown",
            counted(footer.columns, "column"),
            thousands(footer.columns_shown)
        );
    }
    format!("({text})")
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{numbers, people, print};
    use super::*;

    #[test]
    fn it_looks_like_psql() {
        let text = print(Format::Table, &Style::default(), &[people()]);
        let expected = [
            "   name   | total",
            "----------+-------",
            " Ada      |   1.5",
            " a\\nb|<c> |  NULL",
            " 東京     |   NaN",
            "(3 rows)",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn left_out_rows_are_told() {
        let style = Style { max_rows: 2, header: false, ..Style::default() };
        let text = print(Format::Table, &style, &[numbers(0..1000)]);
        assert_eq!(text, "   0\n  .\n 999\n(1,000 rows, 2 shown)\n");
    }
}
