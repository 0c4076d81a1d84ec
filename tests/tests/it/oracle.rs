//! What Strata adds to SQL and its own verbs, over random tables with NULL, NaN and duplicates, of
//! 0, 1 and many rows: the answers are DuckDB's, however the rows are cut and shared out.

mod files;
mod joins;
mod rows;
mod sample;
mod tables;
mod windows;
