//! Which format a file has: by its name, else by its first bytes.

use std::fmt;
use std::str::FromStr;

use datafusion::common::parsers::CompressionTypeVariant as Compression;

use crate::error::ConnectorError;

/// A format this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Parquet,
    /// Separated by whatever; tabs where the name says TSV.
    Csv,
    Json,
    Arrow,
    Avro,
}

/// A format, and how it is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileKind {
    pub(crate) kind: Kind,
    pub(crate) compression: Compression,
    /// The name asks for tabs.
    pub(crate) tabs: bool,
}

impl FileKind {
    pub(crate) fn plain(kind: Kind) -> Self {
        Self { kind, compression: Compression::UNCOMPRESSED, tabs: false }
    }

    /// By the extension, or both: `x.csv.gz`.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let (stem, compression) = split_compression(name);
        let (before, extension) = stem.rsplit_once('.')?;
        if before.is_empty() {
            return None;
        }
        let (kind, tabs) = kind_of_extension(extension)?;
        let compressed = compression != Compression::UNCOMPRESSED;
        if compressed && !matches!(kind, Kind::Csv | Kind::Json) {
            return None;
        }
        Some(Self { kind, compression, tabs })
    }

    /// By the first bytes of what is in the file, once unpacked.
    pub(crate) fn of_bytes(bytes: &[u8], compression: Compression) -> Self {
        let text =
            bytes.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(bytes).trim_ascii_start();
        let kind = if bytes.starts_with(b"PAR1") {
            Kind::Parquet
        } else if bytes.starts_with(b"ARROW1") || bytes.starts_with(&[0xff, 0xff, 0xff, 0xff]) {
            Kind::Arrow
        } else if bytes.starts_with(b"Obj\x01") {
            Kind::Avro
        } else if text.starts_with(b"{") || text.starts_with(b"[{") {
            Kind::Json
        } else {
            Kind::Csv
        };
        Self { kind, compression, tabs: false }
    }

    /// The extension of new files of this kind, without a dot in front.
    pub(crate) fn extension(self) -> String {
        let extension = match self.kind {
            Kind::Parquet => "parquet",
            Kind::Csv if self.tabs => "tsv",
            Kind::Csv => "csv",
            Kind::Json => "json",
            Kind::Arrow => "arrow",
            Kind::Avro => "avro",
        };
        match self.compression {
            Compression::UNCOMPRESSED => extension.to_string(),
            Compression::GZIP => format!("{extension}.gz"),
            Compression::BZIP2 => format!("{extension}.bz2"),
            Compression::XZ => format!("{extension}.xz"),
            Compression::ZSTD => format!("{extension}.zst"),
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.compression {
            Compression::UNCOMPRESSED => self.kind.fmt(f),
            Compression::GZIP => write!(f, "{} packed with gzip", self.kind),
            Compression::BZIP2 => write!(f, "{} packed with bzip2", self.kind),
            Compression::XZ => write!(f, "{} packed with xz", self.kind),
            Compression::ZSTD => write!(f, "{} packed with zstd", self.kind),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parquet => "Parquet",
            Self::Csv => "CSV",
            Self::Json => "JSON",
            Self::Arrow => "Arrow",
            Self::Avro => "Avro",
        })
    }
}

impl FromStr for FileKind {
    type Err = ConnectorError;

    /// Reads the name of a format as `STORED AS` has it.
    fn from_str(text: &str) -> Result<Self, ConnectorError> {
        kind_of_extension(text).map(|(kind, tabs)| Self { tabs, ..Self::plain(kind) }).ok_or_else(
            || ConnectorError::Option {
                option: "format".to_string(),
                reason: format!(
                    "there is no format '{text}'; there are PARQUET, CSV, TSV, JSON, NDJSON, \
                     ARROW and AVRO"
                ),
            },
        )
    }
}

/// The name without the extension that says how the file is packed, and that.
pub(crate) fn split_compression(name: &str) -> (&str, Compression) {
    if let Some((stem, extension)) = name.rsplit_once('.') {
        let compression = match extension.to_ascii_lowercase().as_str() {
            "gz" | "gzip" => Some(Compression::GZIP),
            "zst" | "zstd" => Some(Compression::ZSTD),
            "bz2" => Some(Compression::BZIP2),
            "xz" => Some(Compression::XZ),
            _ => None,
        };
        if let Some(compression) = compression {
            return (stem, compression);
        }
    }
    (name, Compression::UNCOMPRESSED)
}

fn kind_of_extension(extension: &str) -> Option<(Kind, bool)> {
    match extension.to_ascii_lowercase().as_str() {
        "parquet" | "pq" => Some((Kind::Parquet, false)),
        "csv" | "txt" => Some((Kind::Csv, false)),
        "tsv" | "tab" => Some((Kind::Csv, true)),
        "json" | "jsonl" | "ndjson" => Some((Kind::Json, false)),
        "arrow" | "arrows" | "ipc" | "feather" => Some((Kind::Arrow, false)),
        "avro" => Some((Kind::Avro, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_format() {
        let kind = FileKind::of_name("x.CSV.gz").unwrap();
        assert_eq!((kind.kind, kind.compression), (Kind::Csv, Compression::GZIP));
        assert!(FileKind::of_name("x.tsv").unwrap().tabs);
        assert_eq!(FileKind::of_name("a.b.pq").unwrap().kind, Kind::Parquet);
        assert!(FileKind::of_name("x.parquet.gz").is_none());
        assert!(FileKind::of_name("README").is_none() && FileKind::of_name(".csv").is_none());
        assert_eq!(FileKind::of_name("x.json.zst").unwrap().extension(), "json.zst");
    }

    #[test]
    fn bytes_tell_the_format() {
        let kind = |bytes: &[u8]| FileKind::of_bytes(bytes, Compression::UNCOMPRESSED).kind;
        assert_eq!(kind(b"PAR1xxxx"), Kind::Parquet);
        assert_eq!(kind(b"ARROW1\0\0"), Kind::Arrow);
        assert_eq!(kind(&[0xff, 0xff, 0xff, 0xff, 0, 1]), Kind::Arrow);
        assert_eq!(kind(b"Obj\x01..."), Kind::Avro);
        assert_eq!(kind(b"\n {\"a\": 1}"), Kind::Json);
        assert_eq!(kind(b"a,b\n1,2"), Kind::Csv);
    }
}
