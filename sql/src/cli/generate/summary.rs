//! What was made.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What a run of `strata generate` made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The folder that holds the tables' folders.
    pub out: PathBuf,
    /// The tables, in the benchmark's order.
    pub tables: Vec<TableSummary>,
    /// How long it took.
    pub elapsed: Duration,
}

/// One table that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSummary {
    /// Its name, which is also its folder's.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Its files.
    pub files: u64,
    /// Their size together, in bytes.
    pub bytes: u64,
}

impl Summary {
    /// All tables' rows.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    /// All files' bytes.
    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.bytes).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.tables.iter().map(|table| table.name.len()).max().unwrap_or_default();
        for TableSummary { name, rows, files, bytes } in &self.tables {
            let noun = if *files == 1 { "file" } else { "files" };
            let size = Size(*bytes);
            writeln!(f, "{name:<width$}  {rows:>13} rows  {size:>10}  {files} {noun}")?;
        }
        let (rows, size) = (self.rows(), Size(self.bytes()));
        let (out, seconds) = (self.out.display(), self.elapsed.as_secs_f64());
        write!(f, "{rows} rows, {size} in '{out}' after {seconds:.1} s")
    }
}

/// A number of bytes as people read it.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut size = self.0 as f64;
        let mut unit = "B";
        for larger in ["KiB", "MiB", "GiB", "TiB"] {
            if size < 1024.0 {
                break;
            }
            size /= 1024.0;
            unit = larger;
        }
        let digits = if unit == "B" { 0 } else { 1 };
        f.pad(&format!("{size:.digits$} {unit}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_table_with_a_sum() {
        let table =
            |name: &str, rows, bytes| TableSummary { name: name.into(), rows, files: 1, bytes };
        let summary = Summary {
            out: "data".into(),
            tables: vec![table("nation", 25, 900), table("orders", 1_500_000, 60 << 20)],
            elapsed: Duration::from_millis(1500),
        };
        let expected = "\
            nation             25 rows       900 B  1 file\n\
            orders        1500000 rows    60.0 MiB  1 file\n\
            1500025 rows, 60.0 MiB in 'data' after 1.5 s";
        assert_eq!(summary.to_string(), expected);
    }
}
