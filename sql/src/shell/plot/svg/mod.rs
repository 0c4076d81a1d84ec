//! Drawing as SVG: one self-contained document that follows the reader's light or dark theme.
//!
//! Colors are set by classes and not by CSS variables, which many programs that show SVG lack.

mod bars;
mod cells;
mod points;

use super::data::{Body, PlotData};
use super::scale::Scale;
use crate::shell::output::width;

pub(super) use super::html::escape;

/// The width of the drawing.
const WIDTH: f64 = 860.0;
/// About how wide a character is.
const LETTER: f64 = 6.7;

const STYLE: &str = "
text { font: 12px system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; fill: #5b6472; }
.title { font-size: 16px; font-weight: 600; fill: #1b1f27; }
.name { fill: #1b1f27; }
.value { fill: #1b1f27; font-variant-numeric: tabular-nums; }
.page { fill: #ffffff; }
.grid { stroke: #e6e9ee; stroke-width: 1; }
.axis { stroke: #9aa3b0; stroke-width: 1; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.hit { fill: transparent; stroke: none; }
.hit:hover, .bar:hover, .cell:hover { stroke: #1b1f27; stroke-width: 1.5; }
.s0 { fill: #2f6fde; stroke: #2f6fde; } .s1 { fill: #e0701c; stroke: #e0701c; }
.s2 { fill: #2a9d65; stroke: #2a9d65; } .s3 { fill: #c4468f; stroke: #c4468f; }
.s4 { fill: #7a5bd0; stroke: #7a5bd0; } .s5 { fill: #b38a12; stroke: #b38a12; }
.s6 { fill: #16929f; stroke: #16929f; } .s7 { fill: #8a6d5b; stroke: #8a6d5b; }
.bar { stroke: none; }
.dot { stroke: none; fill-opacity: .65; }
.line.s0, .line.s1, .line.s2, .line.s3, .line.s4, .line.s5, .line.s6, .line.s7 { fill: none; }
@media (prefers-color-scheme: dark) {
text { fill: #a3acba; }
.title, .name, .value { fill: #eceff4; }
.page { fill: #16191f; }
.grid { stroke: #2a2f38; }
.axis { stroke: #6b7482; }
.hit:hover, .bar:hover, .cell:hover { stroke: #eceff4; }
.s0 { fill: #6ea3ff; stroke: #6ea3ff; } .s1 { fill: #ff9f57; stroke: #ff9f57; }
.s2 { fill: #5fd199; stroke: #5fd199; } .s3 { fill: #f083c0; stroke: #f083c0; }
.s4 { fill: #b09bff; stroke: #b09bff; } .s5 { fill: #e8c35a; stroke: #e8c35a; }
.s6 { fill: #55cbd8; stroke: #55cbd8; } .s7 { fill: #c7a994; stroke: #c7a994; }
.bar { stroke: none; }
.dot { stroke: none; }
}
";

/// The drawing as a document.
pub(super) fn draw(data: &PlotData) -> String {
    let mut page = Page { body: String::new(), height: 56.0, notes: data.notes.clone() };
    match &data.body {
        Body::Bars(bars) => bars::draw(data, bars, &mut page),
        Body::Points(points) => points::draw(data, points, &mut page),
        Body::Heat(heat) => cells::draw(data, heat, &mut page),
    }
    if !page.notes.is_empty() {
        page.height += 20.0;
        let note = page.notes.join("; ");
        page.text(WIDTH - 20.0, page.height - 8.0, "end", "", &note);
    }
    let height = page.height + 12.0;
    let title = escape(&data.title());
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" \
         width=\"{WIDTH}\" height=\"{height:.0}\" role=\"img\" aria-label=\"{title}\" \
         style=\"max-width: 100%; height: auto\">\n<style>{STYLE}</style>\n\
         <rect class=\"page\" width=\"100%\" height=\"100%\" rx=\"8\"/>\n\
         <text class=\"title\" x=\"20\" y=\"32\">{title}</text>\n{}</svg>\n",
        page.body
    )
}

/// What is being drawn.
struct Page {
    body: String,
    /// How far down it reaches.
    height: f64,
    notes: Vec<String>,
}

impl Page {
    fn push(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    fn text(&mut self, x: f64, y: f64, anchor: &str, class: &str, text: &str) {
        let text = escape(text);
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        self.push(&format!(
            "<text{class} x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.push(&format!(
            "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    /// A rectangle that tells more when pointed at.
    fn rect(&mut self, class: &str, at: (f64, f64), size: (f64, f64), more: &str, tip: &str) {
        self.push(&format!(
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"{more}>\
             <title>{}</title></rect>",
            at.0,
            at.1,
            size.0,
            size.1,
            escape(tip)
        ));
    }

    /// The series' names beside their colors.
    fn legend<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        let mut x = 20.0;
        let y = self.height;
        for (number, name) in names.enumerate() {
            let name = crate::shell::output::cut(name, 32, "…").into_owned();
            let wide = 34.0 + width(&name) as f64 * LETTER;
            if x + wide > WIDTH - 20.0 && x > 20.0 {
                x = 20.0;
                self.height += 20.0;
            }
            let y = self.height.max(y);
            self.push(&format!(
                "<rect class=\"bar s{number}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"12\" height=\"12\" rx=\"3\"/>",
                y - 10.0
            ));
            self.text(x + 18.0, y, "start", "name", &name);
            x += wide;
        }
        self.height += 16.0;
    }
}

/// Two axes around an area.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Frame {
    fn x(&self, scale: &Scale, value: f64) -> f64 {
        self.left + scale.place(value) * (self.right - self.left)
    }

    fn y(&self, scale: &Scale, value: f64) -> f64 {
        self.bottom - scale.place(value) * (self.bottom - self.top)
    }
}

#[cfg(test)]
mod tests {
    use super::super::collect::tests::{collect, days, floats, texts};
    use crate::error::Result;

    #[test]
    fn documents_are_whole_and_escaped() -> Result<()> {
        let names = || texts(&["a<b>&\"c\"", "d"]);
        let y = || floats(&[1.0, f64::NAN]);
        let plots = [
            collect("title='<T> & co'", vec![("t", names()), ("y", y()), ("z", y())])?,
            collect("", vec![("d", days(&[1, 2])), ("y<", y()), ("z", y())])?,
            collect("scatter", vec![("x", floats(&[1.0, 1.0])), ("y", y())])?,
            collect("", vec![("t", names()), ("u", names()), ("y", y())])?,
        ];
        for plot in plots {
            let svg = plot.to_svg();
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
            assert!(!svg.contains("<b>") && !svg.contains("<T>") && !svg.contains("NaN"), "{svg}");
            assert!(svg.contains("prefers-color-scheme: dark") && svg.contains("<title>"));
            for element in ["rect", "text", "circle", "title", "g"] {
                let opened = svg.matches(&format!("<{element}")).count();
                let closed = svg.matches(&format!("</{element}>")).count();
                let empty = svg
                    .lines()
                    .filter(|line| line.starts_with(&format!("<{element}")))
                    .filter(|line| line.ends_with("/>"))
                    .count();
                let titles = if element == "text" { 0 } else { empty };
                assert_eq!(opened, closed + titles, "{element} in {svg}");
            }
        }
        Ok(())
    }
}
