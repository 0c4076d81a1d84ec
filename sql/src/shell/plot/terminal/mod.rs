//! Drawing with characters.

mod bars;
mod canvas;
mod cells;
mod points;

use nu_ansi_term::{Color, Style};

use super::data::{Body, PlotData};
use crate::shell::output::{cut, width};

/// Colors that can be told apart on dark and on light backgrounds.
const COLORS: [u8; 8] = [75, 208, 78, 205, 141, 178, 44, 180];
/// What stands for a series where there are no colors.
const SIGNS: [char; 8] = ['●', '○', '▲', '△', '■', '□', '◆', '◇'];

/// The paper: its size, and whether it takes colors.
#[derive(Debug, Clone, Copy)]
struct Paper {
    width: usize,
    height: usize,
    color: bool,
}

impl Paper {
    /// The text in the color of a series.
    fn series(self, number: usize, text: &str) -> String {
        match (self.color, COLORS.get(number % COLORS.len())) {
            (true, Some(color)) => Color::Fixed(*color).paint(text).to_string(),
            _ => text.to_string(),
        }
    }

    fn dim(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    fn bold(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.color { style.paint(text).to_string() } else { text.to_string() }
    }

    fn sign(self, number: usize) -> char {
        match self.color {
            true => '━',
            false => SIGNS.get(number % SIGNS.len()).copied().unwrap_or('●'),
        }
    }
}

/// Draws in about `width` columns and `height` lines.
pub(super) fn draw(data: &PlotData, width: usize, height: usize, color: bool) -> String {
    let paper = Paper { width: width.clamp(24, 400), height: height.clamp(8, 200), color };
    let mut lines = vec![paper.bold(&centered(&data.title(), paper.width))];
    let room = paper.height.saturating_sub(1 + usize::from(!data.notes.is_empty()));
    let paper_for_body = Paper { height: room, ..paper };
    let mut notes = data.notes.clone();
    lines.extend(match &data.body {
        Body::Bars(bars) => bars::draw(bars, paper_for_body, &mut notes),
        Body::Points(points) => points::draw(data, points, paper_for_body),
        Body::Heat(heat) => cells::draw(heat, paper_for_body, &mut notes),
    });
    if !notes.is_empty() {
        lines.push(paper.dim(&cut(&format!("({})", notes.join("; ")), paper.width, "…)")));
    }
    let mut text = String::new();
    for line in lines {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The text in the middle of a line.
fn centered(text: &str, room: usize) -> String {
    let text = cut(text, room, "…");
    format!("{}{text}", " ".repeat((room - width(&text)) / 2))
}

/// The text at the right of its strip.
fn right(text: &str, room: usize) -> String {
    let text = cut(text, room, "…");
    format!("{}{text}", " ".repeat(room.saturating_sub(width(&text))))
}

/// The series' names beside their signs, on one line.
fn legend<'a>(names: impl Iterator<Item = &'a str>, paper: Paper) -> String {
    let mut line = String::new();
    let mut used = 0;
    for (number, name) in names.enumerate() {
        let name = cut(name, 24, "…");
        let gap = if number == 0 { "" } else { "   " };
        used += gap.len() + 2 + width(&name);
        if used > paper.width.saturating_sub(2) {
            line.push_str(" …");
            break;
        }
        line.push_str(gap);
        line.push_str(&paper.series(number, &paper.sign(number).to_string()));
        line.push(' ');
        line.push_str(&name);
    }
    line
}

/// Puts labels on a line where their places are, but for those that would touch others.
fn along(labels: impl Iterator<Item = (usize, String)>, room: usize) -> String {
    let mut line = String::new();
    for (place, label) in labels {
        let size = width(&label);
        let start = place.saturating_sub(size / 2).min(room.saturating_sub(size));
        let used = width(&line);
        if (start > used || used == 0) && start + size <= room {
            line.push_str(&" ".repeat(start - used));
            line.push_str(&label);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::collect::tests::{collect, days, floats, texts};
    use super::*;
    use crate::error::Result;

    /// The drawing without colors, and a check that it keeps to its paper.
    pub(super) fn drawn(data: &PlotData, columns: usize, lines: usize) -> String {
        for color in [false, true] {
            let text = data.to_terminal(columns, lines, color);
            assert!(text.lines().count() <= lines, "{lines} lines:\n{text}");
            if !color {
                for line in text.lines() {
                    assert!(width(line) <= columns, "{columns} columns: {line}");
                }
            }
        }
        data.to_terminal(columns, lines, false)
    }

    #[test]
    fn every_size_is_kept() -> Result<()> {
        let values: Vec<f64> = (0..300).map(|i| f64::from(i).sin() * 1e5).collect();
        let names: Vec<String> = (0..300).map(|i| format!("name number {i}")).collect();
        let names = texts(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let dates = days(&(0..300).collect::<Vec<_>>());
        let y = || floats(&values);
        let plots = [
            collect("", vec![("d", dates.clone()), ("y", y()), ("z", y())])?,
            collect("", vec![("name", names.clone()), ("y", y())])?,
            collect("", vec![("name", names.clone()), ("y", y()), ("z", y())])?,
            collect("", vec![("name", names.clone()), ("other", names), ("y", y())])?,
        ];
        for plot in &plots {
            for (columns, lines) in [(24, 8), (40, 10), (80, 24), (200, 60)] {
                drawn(plot, columns, lines);
            }
        }
        Ok(())
    }

    #[test]
    fn no_value_is_too_odd_to_be_drawn() -> Result<()> {
        let odd = [
            vec![0.0],
            vec![1e300, -1e300],
            vec![5e-324, 0.0, 1e-300],
            vec![1.0, 1.0 + f64::EPSILON],
            vec![1e15, 1e15 + 1.0, f64::NAN],
            vec![-0.0, f64::INFINITY, f64::MIN],
        ];
        for values in odd {
            let names: Vec<String> = values.iter().map(f64::to_string).collect();
            let names = || texts(&names.iter().map(String::as_str).collect::<Vec<_>>());
            let y = || floats(&values);
            for plot in [
                collect("line", vec![("x", y()), ("y", y())])?,
                collect("scatter", vec![("x", y()), ("y", y())])?,
                collect("bar", vec![("x", names()), ("y", y())])?,
                collect("heat", vec![("x", names()), ("y", names()), ("z", y())])?,
                collect("line", vec![("d", days(&vec![0; values.len()])), ("y", y())])?,
            ] {
                drawn(&plot, 60, 15);
                let svg = plot.to_svg();
                assert!(!svg.contains("\"NaN") && !svg.contains("\"inf"), "{values:?}: {svg}");
            }
        }
        Ok(())
    }

    #[test]
    fn labels_never_touch() {
        let labels = (0..10).map(|i| (i * 3, format!("{}", i * 1000)));
        assert_eq!(along(labels, 28), "0   2000  4000  6000  8000");
    }
}
