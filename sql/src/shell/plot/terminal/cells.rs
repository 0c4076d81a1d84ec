//! Shaded cells: a value for each pair.

use nu_ansi_term::{Color, Style};

use super::{Paper, along, right};
use crate::shell::output::{thousands, width};
use crate::shell::plot::data::{Heat, extent};
use crate::shell::plot::number;

/// From low to high where there are no colors.
const SHADES: [&str; 4] = ["░", "▒", "▓", "█"];
/// From low to high, dark violet over green to yellow: readable for the color-blind as well.
const COLORS: [u8; 10] = [54, 55, 61, 25, 31, 30, 36, 71, 112, 220];

pub(super) fn draw(heat: &Heat, paper: Paper, notes: &mut Vec<String>) -> Vec<String> {
    let margin = heat.rows.iter().map(|row| width(row)).max().unwrap_or(0).min(paper.width / 3);
    let room = paper.width.saturating_sub(margin + 1).max(1);
    // The names of the columns and the key to the shades stand below.
    let height = paper.height.saturating_sub(3).max(1);
    let widest = heat.columns.iter().map(|column| width(column)).max().unwrap_or(1);
    let cell = (room / heat.columns.len().max(1)).clamp(1, (widest + 1).clamp(2, 10));
    let columns = (room / cell).min(heat.columns.len());
    let rows = height.min(heat.rows.len());
    if columns < heat.columns.len() || rows < heat.rows.len() {
        notes.push(format!(
            "{} × {} of {} × {} cells shown; write a file to see more",
            thousands(columns as u64),
            thousands(rows as u64),
            thousands(heat.columns.len() as u64),
            thousands(heat.rows.len() as u64)
        ));
    }
    let Some((low, high)) = extent(heat.values.iter().flatten().copied()) else {
        return Vec::new();
    };
    let place = |value: f64| if high > low { (value - low) / (high - low) } else { 0.5 };

    let mut lines: Vec<String> = heat
        .rows
        .iter()
        .zip(&heat.values)
        .take(rows)
        .map(|(name, values)| {
            let cells: String = values
                .iter()
                .take(columns)
                .map(|value| shade(place(*value), cell, paper))
                .collect();
            format!("{} {cells}", right(name, margin))
        })
        .collect();
    let names = heat.columns.iter().take(columns).enumerate();
    let names = along(names.map(|(at, name)| (at * cell + cell / 2, name.clone())), columns * cell);
    lines.push(paper.dim(&format!("{} {names}", " ".repeat(margin))));
    let (low, high) = (number::value(low), number::value(high));
    let key_room = room.saturating_sub(width(&low) + width(&high) + 2).min(20);
    let key: String = match paper.color {
        true => (0..key_room)
            .map(|step| shade(step as f64 / key_room.saturating_sub(1).max(1) as f64, 1, paper))
            .collect(),
        false => SHADES.map(|shade| shade.repeat(key_room / SHADES.len())).concat(),
    };
    let key = format!("{low} {key} {high}");
    let margin = if key_room == 0 { 0 } else { margin + 1 };
    lines.push(format!("{}{key}", " ".repeat(margin)));
    lines
}

fn shade(place: f64, size: usize, paper: Paper) -> String {
    if place.is_nan() {
        return " ".repeat(size);
    }
    let step = |steps: usize| ((place * steps as f64) as usize).min(steps - 1);
    match paper.color {
        true => {
            let color = COLORS.get(step(COLORS.len())).copied().unwrap_or_default();
            Style::new().on(Color::Fixed(color)).paint(" ".repeat(size)).to_string()
        }
        false => SHADES.get(step(SHADES.len())).copied().unwrap_or(" ").repeat(size),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::drawn;
    use crate::error::Result;
    use crate::shell::plot::collect::tests::{collect, floats, texts};

    #[test]
    fn higher_is_darker_and_missing_is_blank() -> Result<()> {
        let data = collect(
            "title=t",
            vec![
                ("x", texts(&["a", "b", "a"])),
                ("y", texts(&["top", "top", "low"])),
                ("n", floats(&[0.0, 10.0, 6.0])),
            ],
        )?;
        let text = drawn(&data, 40, 12);
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(lines, ["top ░░██", "low ▓▓", "     a b", "    0 ░░░░░▒▒▒▒▒▓▓▓▓▓█████ 10"]);
        Ok(())
    }

    #[test]
    fn equal_values_have_a_shade() -> Result<()> {
        let columns = vec![("x", texts(&["a"])), ("y", texts(&["b"])), ("n", floats(&[3.0]))];
        assert!(drawn(&collect("", columns)?, 40, 12).contains("▓▓"));
        Ok(())
    }
}
