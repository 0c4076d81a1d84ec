//! What a ZIP archive holds, by its central directory (<https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>):
//! where each entry lies and how it is packed. Entries are stored or deflated; archives may be of the
//! large kind (ZIP64). The directory stands at the end:
//!
//! ```text
//! entry | entry | ... | directory | [ZIP64 end, its locator] | end of directory, comment
//! ```

use std::collections::BTreeMap;

/// The longest tail in which the end of the directory can lie: 22 bytes, a comment, a ZIP64 locator
/// and its record.
pub(crate) const TAIL: u64 = 22 + 65_535 + 20 + 56;

/// The fixed part of what stands before an entry's data.
pub(crate) const LOCAL_HEADER: u64 = 30;

/// A directory longer than this is refused.
const LONGEST_DIRECTORY: u64 = 1 << 30;

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where its local header begins.
    pub(crate) header: u64,
    /// How many bytes it takes in the archive.
    pub(crate) packed: u64,
    /// How many bytes it has.
    pub(crate) size: u64,
    /// Whether it is deflated.
    pub(crate) deflated: bool,
    /// Its CRC-32.
    pub(crate) crc: u32,
    /// How long its name and what follows it are, as the directory has it.
    pub(crate) names: u64,
}

impl Entry {
    /// What tells its content from another.
    pub(crate) fn version(&self) -> String {
        format!("{:08x}-{}", self.crc, self.size)
    }
}

/// Where the directory is, from the end of the archive.
pub(crate) fn directory(tail: &[u8], size: u64) -> Result<(u64, u64), String> {
    let starts = (0..tail.len().saturating_sub(21)).rev();
    let end = starts
        .filter(|at| tail.get(*at..at + 4) == Some(b"PK\x05\x06".as_slice()))
        .find(|at| {
            u16_at(tail, at + 20).is_some_and(|comment| at + 22 + comment as usize == tail.len())
        })
        .ok_or("it has no central directory: it is no ZIP archive, or cut off at its end")?;
    let short = || "its central directory is cut off".to_string();
    let mut length = u64::from(u32_at(tail, end + 12).ok_or_else(short)?);
    let mut start = u64::from(u32_at(tail, end + 16).ok_or_else(short)?);
    if length == u64::from(u32::MAX) || start == u64::from(u32::MAX) {
        let locator = end.checked_sub(20).ok_or_else(short)?;
        if tail.get(locator..locator + 4) != Some(b"PK\x06\x07".as_slice()) {
            return Err("its ZIP64 directory cannot be found".to_string());
        }
        let record = u64_at(tail, locator + 8).ok_or_else(short)?;
        let before = size.saturating_sub(tail.len() as u64);
        let at =
            record.checked_sub(before).and_then(|at| usize::try_from(at).ok()).ok_or_else(short)?;
        if tail.get(at..at.saturating_add(4)) != Some(b"PK\x06\x06".as_slice()) {
            return Err("its ZIP64 directory cannot be found".to_string());
        }
        length = u64_at(tail, at + 40).ok_or_else(short)?;
        start = u64_at(tail, at + 48).ok_or_else(short)?;
    }
    if start.checked_add(length).is_none_or(|end| end > size) {
        return Err("its central directory lies beyond its end".to_string());
    }
    if length > LONGEST_DIRECTORY {
        return Err(format!("its central directory takes {length} bytes"));
    }
    Ok((start, length))
}

/// The entries of a directory, by name. Of several with one name, the last counts.
pub(crate) fn entries(directory: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    let mut found = BTreeMap::new();
    let mut at = 0_usize;
    while directory.get(at..at.saturating_add(4)) == Some(b"PK\x01\x02".as_slice()) {
        let one = directory.get(at..).unwrap_or_default();
        let (name, entry, length) = entry(one).ok_or("its central directory is cut off")?;
        at += length;
        if let Some(entry) = entry? {
            found.insert(name, entry);
        }
    }
    Ok(found)
}

/// The first entry of a directory: its name, what it is (none for a folder), and how far the next is.
fn entry(one: &[u8]) -> Option<(String, Result<Option<Entry>, String>, usize)> {
    let (flags, method) = (u16_at(one, 8)?, u16_at(one, 10)?);
    let crc = u32_at(one, 16)?;
    let (mut packed, mut size) = (u64::from(u32_at(one, 20)?), u64::from(u32_at(one, 24)?));
    let [name, extra, comment] = [28, 30, 32].map(|at| u16_at(one, at).map(usize::from));
    let (name_length, extra_length, comment_length) = (name?, extra?, comment?);
    let mut header = u64::from(u32_at(one, 42)?);
    let name = String::from_utf8_lossy(one.get(46..46 + name_length)?).into_owned();
    let extra = one.get(46 + name_length..46 + name_length + extra_length)?;
    let large = large_fields(extra).unwrap_or_default();
    let mut large = large.chunks_exact(8);
    for field in [&mut size, &mut packed, &mut header] {
        if *field == u64::from(u32::MAX) {
            *field = u64_at(large.next()?, 0)?;
        }
    }
    let length = 46 + name_length + extra_length + comment_length;
    let names = (name_length + extra_length) as u64;
    let entry = Entry { header, packed, size, deflated: method == 8, crc, names };
    let checked = match (flags & 1, method) {
        _ if name.ends_with('/') => Ok(None),
        (1, _) => Err(format!("its entry '{name}' is encrypted")),
        (_, 0) if packed != size => Err(format!("its entry '{name}' has two sizes")),
        (_, 0 | 8) => Ok(Some(entry)),
        _ => Err(format!(
            "its entry '{name}' is packed by method {method}; stored and deflated ones can be read"
        )),
    };
    Some((name, checked, length))
}

/// The ZIP64 part of the extra fields.
fn large_fields(mut extra: &[u8]) -> Option<&[u8]> {
    loop {
        let (id, length) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
        let field = extra.get(4..4 + length)?;
        if id == 1 {
            return Some(field);
        }
        extra = extra.get(4 + length..)?;
    }
}

/// How many bytes stand between the start of an entry's local header and its data.
pub(crate) fn local_header(header: &[u8]) -> Option<u64> {
    if header.get(..4) != Some(b"PK\x03\x04".as_slice()) {
        return None;
    }
    let (name, extra) = (u16_at(header, 26)?, u16_at(header, 28)?);
    Some(LOCAL_HEADER + u64::from(name) + u64::from(extra))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_archive_is_said() {
        assert!(directory(b"not a zip at all, but long enough for one", 41).is_err());
        assert!(directory(&[], 0).is_err());
        let mut end = b"PK\x05\x06".to_vec();
        end.extend([0; 8]);
        end.extend(1_000_u32.to_le_bytes());
        end.extend(7_u32.to_le_bytes());
        end.extend([0; 2]);
        assert!(directory(&end, 22).unwrap_err().contains("beyond its end"));
    }

    #[test]
    fn a_directory_that_is_cut_off_is_no_panic() {
        let mut one = b"PK\x01\x02".to_vec();
        one.extend([0xff; 42]);
        for length in 4..one.len() {
            assert!(entries(&one[..length]).is_err());
        }
        assert!(entries(&one).is_err());
    }
}
