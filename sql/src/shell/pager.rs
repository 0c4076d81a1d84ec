//! Stand-in for the pager.

use std::io::{self, Write};

/// Shows long text a screen at a time.
#[derive(Debug)]
pub struct Pager;

impl Pager {
    /// As the setting says.
    pub fn new(_setting: &str) -> Pager {
        Pager
    }
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}
