//! What is drawn, whatever draws it.

use std::path::Path;

use super::scale::Unit;
use super::series::Point;
use super::spec::Kind;
use super::{html, svg, terminal};

/// What is drawn: collected from a result, and small enough to draw again at another size.
#[derive(Debug, Clone)]
pub struct PlotData {
    pub(super) kind: Kind,
    pub(super) title: Option<String>,
    pub(super) x_label: String,
    pub(super) y_label: String,
    /// What the drawing leaves out.
    pub(super) notes: Vec<String>,
    pub(super) body: Body,
}

#[derive(Debug, Clone)]
pub(super) enum Body {
    Bars(Bars),
    Points(Points),
    Heat(Heat),
}

/// Bars: for each name, a value of each series. NaN where there is none.
#[derive(Debug, Clone)]
pub(super) struct Bars {
    pub(super) names: Vec<String>,
    pub(super) series: Vec<String>,
    pub(super) values: Vec<Vec<f64>>,
}

/// Points, by series.
#[derive(Debug, Clone)]
pub(super) struct Points {
    /// What x measures.
    pub(super) unit: Unit,
    pub(super) series: Vec<(String, Vec<Point>)>,
}

/// Cells: for each row, a value of each column. NaN where there is none.
#[derive(Debug, Clone)]
pub(super) struct Heat {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<String>,
    pub(super) values: Vec<Vec<f64>>,
    pub(super) value_name: String,
}

impl PlotData {
    /// How it is drawn.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The title, or what would be one.
    pub fn title(&self) -> String {
        match (&self.title, &self.body) {
            (Some(title), _) => title.clone(),
            (None, Body::Heat(heat)) => {
                format!("{} by {} and {}", heat.value_name, self.x_label, self.y_label)
            }
            (None, _) => format!("{} by {}", self.y_label, self.x_label),
        }
    }

    /// What the drawing leaves out, in a sentence; empty where it leaves out nothing.
    pub fn caption(&self) -> String {
        self.notes.join("; ")
    }

    /// The drawing as lines of text that fill about `width` columns and `height` lines.
    pub fn to_terminal(&self, width: usize, height: usize, color: bool) -> String {
        terminal::draw(self, width, height, color)
    }

    /// The drawing as an SVG document.
    pub fn to_svg(&self) -> String {
        svg::draw(self)
    }

    /// The drawing as what a file's name asks for: an HTML page, or else an SVG document.
    pub fn to_document(&self, file: &Path) -> String {
        match file.extension().and_then(|ending| ending.to_str()) {
            Some("html" | "htm") => self.to_html(),
            _ => self.to_svg(),
        }
    }

    /// The drawing as an HTML page.
    pub fn to_html(&self) -> String {
        html::page(self)
    }
}

/// The lowest and the highest of the numbers; None where there is none.
pub(super) fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| !value.is_nan()).fold(None, |extent, value| match extent {
        None => Some((value, value)),
        Some((low, high)) => Some((low.min(value), high.max(value))),
    })
}
