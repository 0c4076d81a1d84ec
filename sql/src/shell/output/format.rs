//! The formats there are: the list from which everything else about them is made.

use std::fmt;
use std::io::{BufWriter, Write};
use std::str::FromStr;

use super::document::OrDocument;
use super::{ResultWriter, Style};

/// Where a writer writes: batches of many small pieces, so buffered.
pub(super) type Sink = BufWriter<Box<dyn Write + Send>>;

macro_rules! formats {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $binary:literal, $open:path;)*) => {
        /// How a result is written.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Format {
            $($(#[$doc])* $variant,)*
        }

        impl Format {
            /// All formats.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name by which it is asked for.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Whether it is not text, and must not go to a terminal.
            pub fn is_binary(self) -> bool {
                match self {
                    $(Self::$variant => $binary,)*
                }
            }

            /// Writes one result in this format.
            pub fn writer(
                self,
                style: &Style,
                out: Box<dyn Write + Send>,
            ) -> Box<dyn ResultWriter> {
                let out: Sink = BufWriter::with_capacity(64 * 1024, out);
                let table: fn(&Style, Sink) -> Box<dyn ResultWriter> = match self {
                    $(Self::$variant => |style, out| Box::new($open(style, out)),)*
                };
                match self.holds_values() {
                    true => table(style, out),
                    false => Box::new(OrDocument::new(style, out, table)),
                }
            }
        }
    };
}

formats! {
    /// A table in unicode borders with the columns' types, fit to the terminal.
    Box, "box", false, super::boxed::writer;
    /// A table in ASCII.
    Table, "table", false, super::table::writer;
    /// Comma-separated values as in RFC 4180.
    Csv, "csv", false, super::delimited::csv;
    /// Tab-separated values, quoted as CSV is.
    Tsv, "tsv", false, super::delimited::tsv;
    /// One JSON array of objects.
    Json, "json", false, super::json::array;
    /// One JSON object a line.
    NdJson, "ndjson", false, super::json::lines;
    /// A Parquet file, compressed with Zstandard.
    Parquet, "parquet", true, super::parquet::writer;
    /// A table in GitHub's Markdown.
    Markdown, "markdown", false, super::markdown::writer;
    /// An HTML table.
    Html, "html", false, super::html::writer;
    /// One column a line, for wide rows.
    Line, "line", false, super::line::writer;
}

impl Format {
    /// Whether programs read it for its values, so that a document is one of them.
    fn holds_values(self) -> bool {
        matches!(self, Self::Json | Self::NdJson | Self::Parquet)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{name}' is not a format{}; the formats are {}", nearest(.name), choices())]
pub struct UnknownFormat {
    /// The name that was asked for.
    pub name: String,
}

fn choices() -> String {
    Format::ALL.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ")
}

fn nearest(name: &str) -> String {
    let name = name.to_lowercase();
    Format::ALL
        .iter()
        .map(|format| (strsim::damerau_levenshtein(&name, format.name()), format))
        .filter(|(distance, _)| *distance <= 2)
        .min_by_key(|(distance, _)| *distance)
        .map_or_else(String::new, |(_, format)| format!(": did you mean '{format}'?"))
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let name = name.trim();
        Self::ALL
            .iter()
            .copied()
            .find(|format| format.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownFormat { name: name.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_found_by_its_name_in_any_case() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(*format));
            assert_eq!(format.name().to_uppercase().parse(), Ok(*format));
        }
    }

    #[test]
    fn an_unknown_format_names_the_nearest_and_all() {
        let message = "jsno".parse::<Format>().map_err(|error| error.to_string());
        assert_eq!(
            message,
            Err("'jsno' is not a format: did you mean 'json'?; the formats are box, table, csv, \
                 tsv, json, ndjson, parquet, markdown, html, line"
                .to_string())
        );
        assert!(!UnknownFormat { name: "excel".into() }.to_string().contains("did you mean"));
    }

    #[test]
    fn only_parquet_is_binary() {
        let binary: Vec<_> = Format::ALL.iter().filter(|format| format.is_binary()).collect();
        assert_eq!(binary, [&Format::Parquet]);
    }
}
