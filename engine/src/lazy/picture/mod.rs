//! Arrays for people's eyes, without a value of theirs being computed: one format a file.

mod svg;
mod text;

use std::str::FromStr;

use super::Labelled;
use crate::error::EngineError;

macro_rules! formats {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $render:path;)*) => {
        /// How an array is shown.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub enum ArrayFormat {
            $($(#[$doc])* $variant,)*
        }

        impl ArrayFormat {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name by which it is asked for.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl Labelled {
            /// What the array looks like: its dimensions, how it is cut, and what it is made of.
            pub fn render(&self, format: ArrayFormat) -> String {
                match format {
                    $(ArrayFormat::$variant => $render(self),)*
                }
            }
        }
    };
}

formats! {
    /// Text.
    #[default]
    Text, "text", text::render;
    /// A picture of the chunks.
    Svg, "svg", svg::render;
}

impl FromStr for ArrayFormat {
    type Err = EngineError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().copied();
        let found = known.clone().find(|format| format.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| {
            let names: Vec<&str> = known.map(Self::name).collect();
            EngineError::UnknownFormat { name: name.to_string(), known: names.join(", ") }
        })
    }
}

/// A dimension by its name, or by its number.
fn dimension(array: &super::Array, at: usize) -> String {
    array.dims().get(at).cloned().flatten().unwrap_or_else(|| format!("dim_{at}"))
}

/// The bytes of the largest chunk.
fn largest(array: &super::Array) -> u64 {
    array.grid().largest().unwrap_or(u64::MAX).saturating_mul(array.dtype().width() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::{Cuts, Grid, Kind};
    use crate::lazy::{Array, Scalar};

    fn zeros(cuts: Vec<Cuts>) -> Labelled {
        Array::filled_with(Scalar::Float(0.0), Kind::F64.into(), Grid(cuts)).unwrap().into()
    }

    #[test]
    fn text_tells_how_an_array_is_cut() {
        let ragged = Cuts::of_lengths(&[3, 5, 2]).unwrap();
        let array = zeros(vec![Cuts::even(2000, 100), ragged, Cuts::even(7, 7)]);
        let expected = "f64 (2,000 × 10 × 7), 1.1MiB\n60 chunks of up to 27.3KiB\n  dim_0  2,000 in 20 of \
                        100\n  dim_1  10 in 3 of up to 5\n  dim_2  7, whole\nmade of 0\n1 step, 0 reads\n";
        assert_eq!(array.render(ArrayFormat::Text), expected);
    }

    #[test]
    fn pictures_have_a_line_wherever_chunks_meet() {
        let lines = |cuts: Vec<Cuts>| {
            let svg = zeros(cuts).render(ArrayFormat::Svg);
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            svg.matches("<line ").count()
        };
        assert_eq!(lines(vec![]), 0);
        assert_eq!(lines(vec![Cuts::even(10, 4)]), 2);
        assert_eq!(lines(vec![Cuts::even(10, 4), Cuts::even(10, 5)]), 3);
        // Each cut of a box shows on two of its faces.
        let three = [Cuts::even(10, 5), Cuts::even(10, 4), Cuts::even(3, 3)];
        assert_eq!(lines(three.to_vec()), 6);
        assert_eq!(lines([&three[..], &three[..]].concat()), 6);
        // Nothing, and more chunks than anybody could tell apart.
        assert_eq!(lines(vec![Cuts::even(0, 4), Cuts::even(0, 1)]), 0);
        assert!(lines(vec![Cuts::even(1 << 18, 1); 3]) <= 240);
    }
}
