//! Bars across, with their names and values: names of any length can be read.

use super::{LETTER, Page, WIDTH};
use crate::shell::output::{cut, thousands, width};
use crate::shell::plot::data::{Bars, PlotData, extent};
use crate::shell::plot::number;
use crate::shell::plot::scale::{Scale, Unit};

/// How many bars a drawing has room for.
const MAX_BARS: usize = 200;
/// How many characters of a name are shown.
const MAX_NAME: usize = 28;

pub(super) fn draw(data: &PlotData, bars: &Bars, page: &mut Page) {
    let series = bars.series.len().max(1);
    let shown = bars.names.len().min(MAX_BARS / series);
    if shown < bars.names.len() {
        page.notes.push(format!(
            "the first {} of {} bars",
            thousands(shown as u64),
            thousands(bars.names.len() as u64)
        ));
    }
    let rows = || bars.names.iter().zip(&bars.values).take(shown);
    let Some((low, high)) = extent(rows().flat_map(|(_, values)| values.iter().copied())) else {
        return;
    };
    if series > 1 {
        page.legend(bars.series.iter().map(String::as_str));
    }
    let scale = match (low.min(0.0), high.max(0.0)) {
        (0.0, 0.0) => Scale::round(0.0, 1.0, 6),
        (low, high) => Scale::exact(Unit::Number, low, high, 6),
    };
    let names: Vec<_> = rows().map(|(name, _)| cut(name, MAX_NAME, "…")).collect();
    let margin = names.iter().map(|name| width(name)).max().unwrap_or(0) as f64 * LETTER;
    let values: Vec<String> =
        rows().flat_map(|(_, values)| values.iter().map(|value| number::value(*value))).collect();
    let values = values.iter().map(|value| width(value)).max().unwrap_or(0) as f64 * LETTER;
    let (left, right) = (32.0 + margin, WIDTH - 28.0 - values);
    let thick = if series > 1 { 14.0 } else { 20.0 };
    let pitch = thick * series as f64 + if series > 1 { 12.0 } else { 8.0 };
    let top = page.height + 4.0;
    let bottom = top + pitch * shown as f64;
    let place = |value: f64| left + scale.place(value) * (right - left);

    for (value, label) in &scale.ticks {
        page.line("grid", (place(*value), top), (place(*value), bottom));
        page.text(place(*value), bottom + 18.0, "middle", "", label);
    }
    for (row, ((name, values), short)) in rows().zip(&names).enumerate() {
        let y = top + pitch * row as f64 + (pitch - thick * series as f64) / 2.0;
        page.text(left - 8.0, y + thick * series as f64 / 2.0 + 4.0, "end", "name", short);
        for (number, value) in values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            let y = y + thick * number as f64;
            let (from, to) = (place(value.min(0.0)), place(value.max(0.0)));
            let label = number::value(*value);
            let series = bars.series.get(number).map_or("", String::as_str);
            let tip = format!("{name}\n{series}: {label}");
            let class = format!("bar s{number}");
            page.rect(&class, (from, y), ((to - from).max(0.5), thick - 1.0), " rx=\"2\"", &tip);
            page.text(to + 6.0, y + thick / 2.0 + 4.0, "start", "value", &label);
        }
    }
    page.line("axis", (place(0.0), top), (place(0.0), bottom));
    page.text((left + right) / 2.0, bottom + 40.0, "middle", "name", &data.y_label);
    page.height = bottom + 48.0;
}
