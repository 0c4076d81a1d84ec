//! What is wrong with a file: the place, the reason and the way out.

use datafusion::common::parsers::CompressionTypeVariant as Compression;

/// Something that keeps a file from being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `line 17`, `row group 2, column 'a'`; none where the whole file is meant.
    pub place: Option<String>,
    /// What is wrong there.
    pub reason: String,
    /// What can be done.
    pub remedy: String,
}

impl Fault {
    pub(crate) fn new(
        place: Option<String>,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { place, reason: reason.into(), remedy: remedy.into() }
    }

    /// The fault as a sentence about a file.
    pub fn about(&self, path: &str) -> String {
        match &self.place {
            Some(place) => format!("'{path}', {place}: {}; {}", self.reason, self.remedy),
            None => format!("'{path}': {}; {}", self.reason, self.remedy),
        }
    }

    /// A packed file that cannot be unpacked.
    pub(crate) fn packing(compression: Compression, cause: &str) -> Self {
        let name = match compression {
            Compression::GZIP => "gzip",
            Compression::BZIP2 => "bzip2",
            Compression::XZ => "xz",
            Compression::ZSTD => "zstd",
            Compression::UNCOMPRESSED => "",
        };
        let lower = cause.to_lowercase();
        let cut = ["eof", "end of", "unexpected end", "incomplete", "truncated"];
        if cut.iter().any(|sign| lower.contains(sign)) {
            return Self::new(
                None,
                format!("the {name} stream is cut short ({cause})"),
                "copy or download the file again",
            );
        }
        Self::new(
            None,
            format!("this is no {name} stream, or a damaged one ({cause})"),
            "copy it again, or give it the name its contents have",
        )
    }
}
