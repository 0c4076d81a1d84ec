//! A graph for people's eyes and for other programs: one format a file.

mod dot;
mod json;
mod svg;
mod text;
mod tree;

use std::str::FromStr;

use super::LayerGraph;
use crate::error::EngineError;

macro_rules! formats {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $render:path;)*) => {
        /// How a graph is shown.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub enum LayerFormat {
            $($(#[$doc])* $variant,)*
        }

        impl LayerFormat {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name by which it is asked for.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl LayerGraph {
            /// The graph in a format.
            pub fn render(&self, format: LayerFormat) -> String {
                match format {
                    $(LayerFormat::$variant => $render(self),)*
                }
            }
        }
    };
}

formats! {
    /// Text, the answer on top.
    #[default]
    Tree, "tree", tree::render;
    /// Graphviz.
    Dot, "dot", dot::render;
    /// A picture.
    Svg, "svg", svg::render;
    /// All figures, for programs.
    Json, "json", json::render;
}

impl FromStr for LayerFormat {
    type Err = EngineError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().copied().find(|f| f.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|format| format.name()).collect();
            EngineError::UnknownFormat { name: name.to_string(), known: all.join(", ") }
        })
    }
}
