//! `COPY … TO`: which format a target's name asks for.

use datafusion::sql::parser::CopyToStatement;

use crate::error::{Error, Result};

/// Endings that say how a file is compressed, and not what is in it.
const COMPRESSIONS: [&str; 5] = ["gz", "zst", "bz2", "xz", "gzip"];

/// Names the format where the statement does not, because DataFusion does not look past `.gz`.
pub(super) fn name_format(copy: &mut CopyToStatement) -> Result<()> {
    if copy.stored_as.is_none() {
        copy.stored_as = Some(file_format_of(&copy.target, !copy.partitioned_by.is_empty())?);
    } else if let Some(format) = &mut copy.stored_as {
        *format = known(format).map_or_else(|| format.to_lowercase(), str::to_string);
    }
    Ok(())
}

/// The format that a target's name asks for; folders are Parquet where nothing else is said.
pub(crate) fn file_format_of(target: &str, partitioned: bool) -> Result<String> {
    let name = target.rsplit('/').next().unwrap_or_default();
    let mut endings: Vec<&str> = name.split('.').skip(1).collect();
    if endings.last().is_some_and(|ending| COMPRESSIONS.contains(&ending.to_lowercase().as_str())) {
        endings.pop();
    }
    match endings.last() {
        Some(ending) => match known(ending) {
            Some(format) => Ok(format.to_string()),
            None if partitioned => Ok("parquet".to_string()),
            None => Err(Error::text(format!("'{target}': no file format is called '{ending}'"))
                .hint("end the name in .parquet, .csv, .json or .arrow, or say STORED AS …")),
        },
        None => Ok("parquet".to_string()),
    }
}

/// DataFusion's name of the format that goes by this one.
fn known(name: &str) -> Option<&'static str> {
    match name.to_lowercase().as_str() {
        "parquet" | "pq" => Some("parquet"),
        "csv" | "txt" => Some("csv"),
        "tsv" | "tab" => Some("tsv"),
        "json" | "jsonl" | "ndjson" => Some("json"),
        "arrow" | "ipc" | "feather" => Some("arrow"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_the_format() {
        let format = |target| file_format_of(target, false).unwrap();
        assert_eq!(format("out.parquet"), "parquet");
        assert_eq!(format("a.b/out.csv.gz"), "csv");
        assert_eq!(format("s3://bucket/x.ndjson"), "json");
        assert_eq!(format("x.tsv.gz"), "tsv");
        assert_eq!(format("folder/"), "parquet");
        let error = file_format_of("x.docx", false).unwrap_err();
        assert!(error.to_string().contains("'docx'"), "{error}");
    }
}
