//! Bars across, fine to an eighth of a character, with their values.

use super::{Paper, SIGNS, legend, right};
use crate::shell::output::{thousands, width};
use crate::shell::plot::data::{Bars, extent};
use crate::shell::plot::number;

const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/// What fills the bars of a series where there are no colors.
const FILLS: [&str; 4] = ["█", "▒", "▓", "░"];

pub(super) fn draw(bars: &Bars, paper: Paper, notes: &mut Vec<String>) -> Vec<String> {
    let several = bars.series.len() > 1;
    let mut lines = Vec::new();
    if several {
        let paper = Paper { width: paper.width.saturating_sub(1), ..paper };
        lines.push(match paper.color {
            true => legend(bars.series.iter().map(String::as_str), paper),
            false => plain_legend(bars, paper),
        });
    }
    // A group of bars has a blank line after it.
    let per_name = if several { bars.series.len() + 1 } else { 1 };
    let height = paper.height.saturating_sub(lines.len());
    let mut shown = (height + usize::from(several)) / per_name;
    if shown < bars.names.len() {
        let line_for_note = usize::from(notes.is_empty());
        shown = (height.saturating_sub(line_for_note) + usize::from(several)) / per_name;
        shown = shown.max(1);
        notes.push(format!(
            "{} of {} bars shown; write a file to see more",
            thousands(shown as u64),
            thousands(bars.names.len() as u64)
        ));
    }
    let rows = || bars.names.iter().zip(&bars.values).take(shown);

    let margin = rows().map(|(name, _)| width(name)).max().unwrap_or(0).min(paper.width / 3);
    let labels: Vec<Vec<String>> = rows()
        .map(|(_, values)| {
            let label = |v: &f64| if v.is_nan() { "–".to_string() } else { number::value(*v) };
            values.iter().map(label).collect()
        })
        .collect();
    let room_for_labels = labels.iter().flatten().map(|label| width(label)).max().unwrap_or(0);
    let room = paper.width.saturating_sub(margin + 3 + room_for_labels).max(4);
    let (low, high) = extent(rows().flat_map(|(_, values)| values.iter().copied()))
        .map_or((0.0, 1.0), |(low, high)| (low.min(0.0), high.max(0.0)));
    let span = if high > low { high - low } else { 1.0 };
    // Bars of negative values grow to the left of this column.
    let zero = ((-low / span) * room as f64).round() as usize;

    for (at, ((name, values), labels)) in rows().zip(&labels).enumerate() {
        for (number, (value, label)) in values.iter().zip(labels).enumerate() {
            let name = if number == 0 { right(name, margin) } else { " ".repeat(margin) };
            let fill = match paper.color {
                true => "█",
                false => FILLS.get(number % FILLS.len()).copied().unwrap_or("█"),
            };
            let size = if value.is_nan() { 0.0 } else { value.abs() / span * room as f64 };
            let (left, bar) = match *value < 0.0 {
                true => {
                    let cells = (size.round() as usize).min(zero);
                    (format!("{}{}", " ".repeat(zero - cells), fill.repeat(cells)), String::new())
                }
                false => {
                    let eighths = (size * 8.0).round() as usize;
                    let eighths = eighths.min((room - zero.min(room)) * 8);
                    let part = match fill {
                        "█" => EIGHTHS.get(eighths % 8).copied().unwrap_or(""),
                        _ => "",
                    };
                    (" ".repeat(zero), format!("{}{part}", fill.repeat(eighths / 8)))
                }
            };
            let space = if bar.is_empty() { "" } else { " " };
            lines.push(format!(
                "{name} {}{}{}{space}{label}",
                paper.series(number, &left),
                paper.dim("│"),
                paper.series(number, &bar)
            ));
        }
        if several && at + 1 < shown.min(bars.names.len()) {
            lines.push(String::new());
        }
    }
    lines
}

fn plain_legend(bars: &Bars, paper: Paper) -> String {
    let mut line = legend(bars.series.iter().map(String::as_str), paper);
    for (sign, fill) in SIGNS.iter().zip(FILLS.iter().cycle()) {
        line = line.replacen(*sign, fill, 1);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::tests::drawn;
    use crate::error::Result;
    use crate::shell::plot::collect::tests::{collect, floats, texts};

    #[test]
    fn bars_show_names_and_values() -> Result<()> {
        let names = texts(&["Berlin", "東京", "Oslo"]);
        let data =
            collect("title=t", vec![("city", names), ("n", floats(&[10.0, 5.0, f64::NAN]))])?;
        let text = drawn(&data, 40, 12);
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "Berlin │█████████████████████████████ 10",
                "  東京 │██████████████▌ 5",
                "  Oslo │–",
                "(1 row without a number skipped)"
            ]
        );
        Ok(())
    }

    #[test]
    fn negative_bars_grow_to_the_left() -> Result<()> {
        let data =
            collect("title=t", vec![("t", texts(&["up", "down"])), ("n", floats(&[10.0, -10.0]))])?;
        let text = drawn(&data, 30, 12);
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(lines, ["  up           │██████████ 10", "down ██████████│-10"]);
        Ok(())
    }

    #[test]
    fn bars_that_do_not_fit_are_counted() -> Result<()> {
        let names: Vec<String> = (0..100).map(|i| i.to_string()).collect();
        let names = texts(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let data = collect("", vec![("t", names), ("n", floats(&values))])?;
        let text = drawn(&data, 40, 12);
        assert!(text.contains("(10 of 100 bars shown"), "{text}");
        Ok(())
    }

    #[test]
    fn zeros_have_no_bar() -> Result<()> {
        let data = collect("", vec![("t", texts(&["a", "b"])), ("n", floats(&[0.0, 0.0]))])?;
        assert!(drawn(&data, 40, 12).contains("a │0"));
        Ok(())
    }
}
