//! Lines and points on axes.

use super::canvas::Canvas;
use super::{Paper, along, legend, right};
use crate::shell::output::{cut, width};
use crate::shell::plot::data::{PlotData, Points, extent};
use crate::shell::plot::scale::Scale;
use crate::shell::plot::spec::Kind;

pub(super) fn draw(data: &PlotData, points: &Points, paper: Paper) -> Vec<String> {
    let all = || points.series.iter().flat_map(|(_, points)| points.iter());
    let (Some((x_low, x_high)), Some((y_low, y_high))) =
        (extent(all().map(|point| point.0)), extent(all().map(|point| point.1)))
    else {
        return Vec::new();
    };
    let several = points.series.len() > 1;
    // The axis, its marks and its name stand below, and the legend.
    let rows = paper.height.saturating_sub(3 + usize::from(several)).max(3);
    let y = Scale::round(y_low, y_high, (rows / 3).clamp(2, 8));
    let margin = y.ticks.iter().map(|(_, label)| width(label)).max().unwrap_or(0);
    let columns = paper.width.saturating_sub(margin + 2).max(8);
    let x = Scale::exact(points.unit, x_low, x_high, (columns / 10).max(2));

    let mut canvas = Canvas::new(columns, rows);
    for (number, (_, points)) in points.series.iter().enumerate() {
        let mut last = None;
        for point in points {
            let dot = canvas.dot(x.place(point.0), y.place(point.1));
            match (data.kind, last) {
                (Kind::Line, Some(last)) => canvas.line(last, dot, number),
                _ => canvas.set(dot, number),
            }
            last = Some(dot);
        }
    }

    let mut lines = Vec::new();
    if several {
        lines.push(format!(
            "{}{}",
            " ".repeat(margin + 2),
            legend(
                points.series.iter().map(|(name, _)| name.as_str()),
                Paper { width: columns, ..paper }
            )
        ));
    }
    // Without colors, dots of several series look alike, so signs take their place.
    let sign = |series: usize| (several && !paper.color).then(|| paper.sign(series));
    for row in 0..rows {
        let label = y.ticks.iter().find(|(tick, _)| {
            usize::try_from(canvas.dot(0.0, y.place(*tick)).1).is_ok_and(|dot| dot / 4 == row)
        });
        let axis = match label {
            Some((_, label)) => format!("{} ┤", right(label, margin)),
            None => format!("{} │", " ".repeat(margin)),
        };
        let dots: String = canvas
            .row(row, sign)
            .into_iter()
            .map(|(series, text)| paper.series(series, &text))
            .collect();
        lines.push(format!("{}{dots}", paper.dim(&axis)));
    }

    let places: Vec<(usize, &String)> = x
        .ticks
        .iter()
        .map(|(tick, label)| ((x.place(*tick) * (columns - 1) as f64).round() as usize, label))
        .collect();
    let axis: String = (0..columns)
        .map(|column| if places.iter().any(|(place, _)| *place == column) { '┬' } else { '─' })
        .collect();
    lines.push(paper.dim(&format!("{} └{axis}", " ".repeat(margin))));
    let labels = along(places.iter().map(|(place, label)| (*place, (*label).clone())), columns);
    lines.push(paper.dim(&format!("{}  {labels}", " ".repeat(margin))));
    let name = match x.context.is_empty() {
        true => data.x_label.clone(),
        false => format!("{} ({})", data.x_label, x.context),
    };
    let name = cut(&name, columns, "…");
    let space = margin + 2 + (columns - width(&name)) / 2;
    lines.push(paper.dim(&format!("{}{name}", " ".repeat(space))));
    lines
}

#[cfg(test)]
mod tests {
    use super::super::tests::drawn;
    use crate::error::Result;
    use crate::shell::plot::collect::tests::{collect, days, floats};

    #[test]
    fn a_line_rises_from_left_to_right() -> Result<()> {
        let values: Vec<f64> = (0..=10).map(f64::from).collect();
        let data = collect("title=Rise", vec![("x", floats(&values)), ("y", floats(&values))])?;
        let text = drawn(&data, 40, 11);
        assert!(text.contains("10 ┤") && text.contains(" 0 ┤"), "{text}");
        let first = |needle: &str| text.lines().find(|line| line.contains(needle)).map(str::len);
        assert!(first("10 ┤") > first(" 0 ┤"), "{text}");
        Ok(())
    }

    #[test]
    fn one_point_and_equal_values_are_drawn() -> Result<()> {
        for (xs, ys) in [(vec![5.0], vec![3.0]), (vec![1.0, 2.0, 3.0], vec![7.0; 3])] {
            let data = collect("line", vec![("x", floats(&xs)), ("y", floats(&ys))])?;
            let text = drawn(&data, 40, 12);
            assert!(text.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "{text}");
        }
        Ok(())
    }

    #[test]
    fn series_have_signs_and_days_a_year() -> Result<()> {
        let dates = days(&(19_800..19_830).collect::<Vec<_>>());
        let low: Vec<f64> = (0..30).map(f64::from).collect();
        let high: Vec<f64> = low.iter().map(|value| value + 10.0).collect();
        let data =
            collect("", vec![("day", dates), ("low", floats(&low)), ("high", floats(&high))])?;
        let text = drawn(&data, 60, 16);
        assert!(text.contains("● low   ○ high"), "{text}");
        assert!(text.contains("day (2024)") && text.contains("Mar 25"), "{text}");
        Ok(())
    }
}
