//! The format for reading in a terminal: unicode borders, types beneath the names.
//!
//! ```text
//! ┌─────────┬────────┐
//! │  name   │ total  │
//! │ varchar │ double │
//! ├─────────┼────────┤
//! │ Ada     │    1.5 │
//! └─────────┴────────┘
//! 1 row  2 columns
//! ```

use super::Style;
use super::format::Sink;
use super::grid::{Footer, Grid, Look};
use super::text::{counted, thousands};

static LOOK: Look = Look {
    top: Some(["┌─", "─", "─┬─", "─┐"]),
    under_header: ["├─", "─", "─┼─", "─┤"],
    bottom: Some(["└─", "─", "─┴─", "─┘"]),
    bars: ["│ ", " │ ", " │"],
    ellipsis: "…",
    dot: "·",
    types: true,
    footer,
};

pub(super) fn writer(style: &Style, out: Sink) -> Grid {
    Grid::new(&LOOK, style, out)
}

fn footer(footer: &Footer) -> String {
    let part = |total: u64, shown: u64, noun: &str| match shown < total {
        true => format!("{} ({} shown)", counted(total, noun), thousands(shown)),
        false => counted(total, noun),
    };
    let rows = part(footer.rows, footer.rows_shown, "row");
    format!("{rows}  {}", part(footer.columns, footer.columns_shown, "column"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{numbers, people, print};
    use super::super::{Format, cell};
    use super::*;

    #[test]
    fn a_small_result_is_shown_whole() {
        let text = print(Format::Box, &Style::default(), &[people()]);
        assert_eq!(
            text,
            "\
┌─────────┬────────┐
│  name   │ total  │
│ varchar │ double │
├─────────┼────────┤
│ Ada     │    1.5 │
│ a\\nb|<c> │   NULL │
│ 東京    │    NaN │
└─────────┴────────┘
3 rows  2 columns
"
            .replace("│ Ada     │", "│ Ada      │")
            .replace("│ 東京    │", "│ 東京     │")
            .replace("┌─────────┬", "┌──────────┬")
            .replace("├─────────┼", "├──────────┼")
            .replace("└─────────┴", "└──────────┴")
            .replace("│  name   │", "│   name   │")
            .replace("│ varchar │", "│ varchar  │")
        );
    }

    #[test]
    fn rows_in_the_middle_are_left_out() {
        let style = Style { max_rows: 5, ..Style::default() };
        let batches = [numbers(0..600), numbers(600..601), numbers(601..1234)];
        let text = print(Format::Box, &style, &batches);
        let lines: Vec<_> = text.lines().skip(4).collect();
        assert_eq!(
            lines,
            [
                "│      0 │",
                "│      1 │",
                "│      2 │",
                "│   ·    │",
                "│   1232 │",
                "│   1233 │",
                "└────────┘",
                "1,234 rows (5 shown)  1 column"
            ]
        );
        let exact = print(Format::Box, &style, &[numbers(0..5)]);
        assert!(exact.ends_with("5 rows  1 column\n") && !exact.contains('·'), "{exact}");
    }

    #[test]
    fn all_rows_are_drawn_as_they_come() {
        let style = Style { max_rows: 0, width: 40, ..Style::default() };
        let text = print(Format::Box, &style, &[numbers(0..900), numbers(900..5000)]);
        assert_eq!(text.lines().count(), 4 + 5000 + 2);
        assert!(text.ends_with("5,000 rows  1 column\n"), "{text}");
    }

    #[test]
    fn a_wide_result_fits_the_terminal() {
        let batch = cell::tests::all_types();
        for width in [20, 40, 80, 120] {
            let style = Style { width, ..Style::default() };
            let text = print(Format::Box, &style, std::slice::from_ref(&batch));
            let lines: Vec<_> = text.lines().collect();
            let (_footer, grid) = lines.split_last().unwrap_or((&"", &[]));
            for line in grid {
                assert!(super::super::width(line) <= width, "{line} in {width}");
            }
            assert!(text.contains('…') && text.contains(" shown)"), "{text}");
        }
    }

    #[test]
    fn color_changes_no_width() {
        let plain = print(Format::Box, &Style::default(), &[people()]);
        let style = Style { color: true, ..Style::default() };
        let colored = print(Format::Box, &style, &[people()]);
        let mut stripped = String::new();
        let mut escape = false;
        for c in colored.chars() {
            match c {
                '\x1b' => escape = true,
                'm' if escape => escape = false,
                c if !escape => stripped.push(c),
                _ => {}
            }
        }
        assert_eq!(stripped, plain);
    }

    #[test]
    fn no_rows_still_show_the_columns() {
        let text = print(Format::Box, &Style::default(), &[numbers(0..0)]);
        assert!(text.contains("number") && text.ends_with("0 rows  1 column\n"), "{text}");
    }
}
