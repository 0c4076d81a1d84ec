//! Shaded cells, with a key to the shades.

use super::{LETTER, Page, WIDTH};
use crate::shell::output::{cut, width};
use crate::shell::plot::data::{Heat, PlotData, extent};
use crate::shell::plot::number;

/// From low to high, dark violet over green to yellow: readable for the color-blind as well.
const COLORS: [[f64; 3]; 9] = [
    [68.0, 1.0, 84.0],
    [71.0, 45.0, 123.0],
    [59.0, 82.0, 139.0],
    [44.0, 114.0, 142.0],
    [33.0, 145.0, 140.0],
    [40.0, 174.0, 128.0],
    [94.0, 201.0, 98.0],
    [173.0, 220.0, 48.0],
    [253.0, 231.0, 37.0],
];
/// How many characters of a name are shown.
const MAX_NAME: usize = 24;

/// The color of a place between 0 and 1.
fn color(place: f64) -> String {
    let place = place.clamp(0.0, 1.0) * (COLORS.len() - 1) as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let [a, b] = [low, low + 1].map(|at| COLORS.get(at.min(COLORS.len() - 1)).unwrap_or(&[0.0; 3]));
    let [red, green, blue] =
        [0, 1, 2].map(|i| a.get(i).zip(b.get(i)).map_or(0.0, |(a, b)| a + (b - a) * part));
    format!("#{:02x}{:02x}{:02x}", red as u8, green as u8, blue as u8)
}

pub(super) fn draw(data: &PlotData, heat: &Heat, page: &mut Page) {
    let Some((low, high)) = extent(heat.values.iter().flatten().copied()) else { return };
    let place = |value: f64| if high > low { (value - low) / (high - low) } else { 0.5 };
    let names: Vec<_> = heat.rows.iter().map(|name| cut(name, MAX_NAME, "…")).collect();
    let margin = names.iter().map(|name| width(name)).max().unwrap_or(0) as f64 * LETTER;
    let (left, right) = (48.0 + margin, WIDTH - 28.0);
    let cell = ((right - left) / heat.columns.len().max(1) as f64).min(96.0);
    let tall = (420.0 / heat.rows.len().max(1) as f64).clamp(6.0, 30.0);
    let gap = if cell > 8.0 && tall > 8.0 { 1.0 } else { 0.0 };

    // The key: from the lowest to the highest value, beside the name of the rows.
    let y = page.height - 8.0;
    let (low_label, high_label) = (number::value(low), number::value(high));
    let rows_label = cut(&data.y_label, MAX_NAME, "…");
    page.text(20.0, y + 10.0, "start", "", &rows_label);
    let key = left.max(36.0 + width(&rows_label) as f64 * LETTER);
    page.text(key, y + 10.0, "start", "value", &low_label);
    let key = key + width(&low_label) as f64 * LETTER + 8.0;
    for step in 0..48 {
        page.push(&format!(
            "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"4.3\" height=\"12\" fill=\"{}\"/>",
            key + f64::from(step) * 4.0,
            color(f64::from(step) / 47.0)
        ));
    }
    let end = format!("{high_label}   {}", heat.value_name);
    page.text(key + 48.0 * 4.0 + 8.0, y + 10.0, "start", "value", &end);
    let top = page.height + 16.0;

    // Names that would touch are left away; thin rows cannot be named each.
    let every = (13.0 / tall).ceil().max(1.0) as usize;
    for (row, (name, values)) in heat.rows.iter().zip(&heat.values).enumerate() {
        let y = top + tall * row as f64;
        if let Some(short) = names.get(row).filter(|_| row % every == 0) {
            page.text(left - 8.0, y + tall / 2.0 + 4.0, "end", "name", short);
        }
        for (column, value) in values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            let at = (left + cell * column as f64, y);
            let column = heat.columns.get(column).map_or("", String::as_str);
            let label = number::value(*value);
            let tip = format!(
                "{}: {column}\n{}: {name}\n{}: {label}",
                data.x_label, data.y_label, heat.value_name
            );
            let fill = format!(" fill=\"{}\"", color(place(*value)));
            page.rect("cell", at, (cell - gap, tall - gap), &fill, &tip);
        }
    }
    let bottom = top + tall * heat.rows.len() as f64;
    let mut free = 0.0;
    for (column, name) in heat.columns.iter().enumerate() {
        let name = cut(name, MAX_NAME, "…");
        let middle = left + cell * (column as f64 + 0.5);
        let half = width(&name) as f64 * LETTER / 2.0;
        if middle - half > free && middle + half < WIDTH {
            page.text(middle, bottom + 18.0, "middle", "name", &name);
            free = middle + half + 6.0;
        }
    }
    let middle = left + cell * heat.columns.len() as f64 / 2.0;
    page.text(middle, bottom + 40.0, "middle", "", &data.x_label);
    page.height = bottom + 48.0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_reach_from_end_to_end() {
        assert_eq!(color(0.0), "#440154");
        assert_eq!(color(1.0), "#fde725");
        assert_eq!(color(0.5), "#21918c");
    }
}
