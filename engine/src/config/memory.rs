//! How much memory there is, and how much of it we may take.

use std::fmt;
use std::fs;
use std::str::FromStr;

use super::ByteSize;

/// A limit on memory: a size, or a share of what the machine or its cgroup has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryLimit {
    /// So many bytes.
    Bytes(ByteSize),
    /// So many percent of [`physical_memory`].
    Share(u8),
}

/// Below this a session could not even plan and read: refusing says so at once.
const LEAST: u64 = 64 << 20;

impl MemoryLimit {
    /// The limit in bytes on this machine.
    pub fn bytes(self) -> u64 {
        match self {
            Self::Bytes(size) => size.0,
            Self::Share(percent) => (physical_memory() / 100 * u64::from(percent)).max(LEAST),
        }
    }

    /// The part of the limit that operators may reserve. The rest is for what no reservation
    /// sees: decoded pages on their way, the code itself, the allocator's slack. TPC-H at scale 10
    /// within 2GiB came to 107% of the limit where a quarter was kept back.
    pub fn pool_bytes(self) -> usize {
        let bytes = self.bytes();
        let unseen = (bytes / 3).clamp(16 << 20, 3 << 29);
        usize::try_from(bytes - unseen).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(size) => size.fmt(f),
            Self::Share(percent) => write!(f, "{percent}%"),
        }
    }
}

impl FromStr for MemoryLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(share) = text.trim().strip_suffix('%') {
            return match share.trim().parse() {
                Ok(percent @ 1..=100) => Ok(Self::Share(percent)),
                _ => Err(format!("'{text}' is not a share between 1% and 100%")),
            };
        }
        let size: ByteSize = text.parse()?;
        if size.0 < LEAST {
            return Err(format!("'{text}' is too little to work in: at least {}", ByteSize(LEAST)));
        }
        Ok(Self::Bytes(size))
    }
}

/// The memory this process can have: the machine's, or its cgroup's where that is less.
pub fn physical_memory() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .map(|kib| kib * 1024);
    // cgroup v2, then v1; "max" or a huge number there means no limit.
    let cgroup = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .find_map(|path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    match (machine, cgroup) {
        (Some(machine), Some(cgroup)) => machine.min(cgroup),
        (Some(bytes), None) | (None, Some(bytes)) => bytes,
        // Not Linux: assume a small machine rather than none.
        (None, None) => 4 << 30,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_sizes_or_shares() {
        assert_eq!("70%".parse(), Ok(MemoryLimit::Share(70)));
        assert_eq!("2GiB".parse(), Ok(MemoryLimit::Bytes(ByteSize(2 << 30))));
        for text in ["0%", "101%", "x%", "1MiB", "lots"] {
            assert!(text.parse::<MemoryLimit>().is_err(), "{text}");
        }
    }

    #[test]
    fn some_of_the_limit_is_kept_for_what_no_reservation_sees() {
        let limit = MemoryLimit::Bytes(ByteSize(2 << 30));
        assert_eq!(limit.pool_bytes(), (2usize << 30) - (2usize << 30) / 3);
        assert!(physical_memory() > LEAST);
    }
}
