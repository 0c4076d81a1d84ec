//! Lines and points on axes.

use std::fmt::Write;

use super::{Frame, LETTER, Page, WIDTH, escape};
use crate::shell::output::width;
use crate::shell::plot::data::{PlotData, Points, extent};
use crate::shell::plot::number;
use crate::shell::plot::scale::{Scale, Unit};
use crate::shell::plot::series::thin;
use crate::shell::plot::spec::Kind;

/// How many points of a line are drawn: two for each dot of the screen.
const MAX_LINE: usize = 1600;
/// How many points of a series tell their values when pointed at.
const MAX_TIPS: usize = 400;
/// How many points of a line get a dot of their own.
const MAX_DOTS: usize = 40;

pub(super) fn draw(data: &PlotData, points: &Points, page: &mut Page) {
    let all = || points.series.iter().flat_map(|(_, points)| points.iter());
    let (Some((x_low, x_high)), Some((y_low, y_high))) =
        (extent(all().map(|point| point.0)), extent(all().map(|point| point.1)))
    else {
        return;
    };
    if points.series.len() > 1 {
        page.legend(points.series.iter().map(|(name, _)| name.as_str()));
    }
    let y = Scale::round(y_low, y_high, 6);
    let x = match (data.kind, points.unit) {
        // Points at the very edge would be cut in half.
        (Kind::Scatter, Unit::Number) => Scale::round(x_low, x_high, 8),
        (_, Unit::Number) => Scale::exact(points.unit, x_low, x_high, 8),
        // Calendars have fewer steps to choose from, so the next one is often much longer.
        _ => Scale::exact(points.unit, x_low, x_high, 11),
    };
    let margin = y.ticks.iter().map(|(_, label)| width(label)).max().unwrap_or(0) as f64 * LETTER;
    let top = page.height + 4.0;
    let frame = Frame { left: 32.0 + margin, right: WIDTH - 28.0, top, bottom: top + 340.0 };
    axes(page, &frame, &x, &y);
    let name = match x.context.is_empty() {
        true => data.x_label.clone(),
        false => format!("{} ({})", data.x_label, x.context),
    };
    page.text((frame.left + frame.right) / 2.0, frame.bottom + 42.0, "middle", "name", &name);
    page.height = frame.bottom + 48.0;

    for (number, (name, series)) in points.series.iter().enumerate() {
        let at = |point: &(f64, f64)| (frame.x(&x, point.0), frame.y(&y, point.1));
        let tip = |point: &(f64, f64)| {
            let (x, y) = (points.unit.value(point.0), number::value(point.1));
            escape(&format!("{name}: {y}\n{}: {x}", data.x_label))
        };
        if data.kind == Kind::Line {
            let mut path = String::new();
            for (index, point) in thin(series, MAX_LINE).iter().enumerate() {
                let (x, y) = at(point);
                let command = if index == 0 { 'M' } else { 'L' };
                let _ = write!(path, "{command}{x:.1} {y:.1}");
            }
            page.push(&format!("<path class=\"line s{number}\" d=\"{path}\"/>"));
        }
        let dots = data.kind == Kind::Scatter || series.len() <= MAX_DOTS;
        let tips = thin(series, MAX_TIPS);
        let drawn = if data.kind == Kind::Scatter { series } else { &tips };
        let tell = series.len() <= MAX_TIPS || data.kind == Kind::Line;
        for point in drawn {
            let (x, y) = at(point);
            let (class, radius) = match (dots, data.kind) {
                (true, Kind::Scatter) => (format!("dot s{number}"), 3.2),
                (true, _) => (format!("bar s{number}"), 2.6),
                (false, _) => ("hit".to_string(), 5.0),
            };
            let tip = match tell {
                true => format!("<title>{}</title>", tip(point)),
                false => String::new(),
            };
            page.push(&format!(
                "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\">{tip}</circle>"
            ));
        }
    }
}

fn axes(page: &mut Page, frame: &Frame, x: &Scale, y: &Scale) {
    for (value, label) in &y.ticks {
        let place = frame.y(y, *value);
        page.line("grid", (frame.left, place), (frame.right, place));
        page.text(frame.left - 8.0, place + 4.0, "end", "", label);
    }
    let mut free = 0.0;
    for (value, label) in &x.ticks {
        let place = frame.x(x, *value);
        page.line("axis", (place, frame.bottom), (place, frame.bottom + 5.0));
        let half = width(label) as f64 * LETTER / 2.0;
        // Labels that would touch their neighbour, or leave the page, are left away.
        if place - half > free && place + half < WIDTH {
            page.text(place, frame.bottom + 20.0, "middle", "", label);
            free = place + half + 6.0;
        }
    }
    page.line("axis", (frame.left, frame.bottom), (frame.right, frame.bottom));
}
