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

    /// Bytes that are no text, where a name promises text: the start of something else.
    pub(crate) fn foreign(bytes: &[u8]) -> Option<Self> {
        let starts: [(&[u8], &str, &str); 7] = [
            (b"PAR1", "a Parquet file", "parquet"),
            (b"ARROW1", "an Arrow file", "arrow"),
            (b"Obj\x01", "an Avro file", "avro"),
            (b"\x1f\x8b", "packed with gzip", "gz"),
            (b"\x28\xb5\x2f\xfd", "packed with zstd", "zst"),
            (b"BZh", "packed with bzip2", "bz2"),
            (b"\xfd7zXZ\0", "packed with xz", "xz"),
        ];
        let (_, what, extension) = starts.iter().find(|(start, ..)| bytes.starts_with(start))?;
        Some(Self::new(
            Some("byte 0".to_string()),
            format!("this is {what}, by its first bytes, whatever its name says"),
            format!("give it a name that ends in '.{extension}'"),
        ))
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
        let cut = ["eof", "end of", "unexpected end", "incomplete", "truncated", "did not finish"];
        // Of a stream that breaks off within a block, liblzma says that it is out of memory.
        let odd = compression == Compression::XZ && lower == "out of memory";
        if odd || cut.iter().any(|sign| lower.contains(sign)) {
            let cause = if odd { "unexpected end of file" } else { cause };
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
