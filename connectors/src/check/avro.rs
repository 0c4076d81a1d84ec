//! Whether an Avro file ends where it should. Its reader takes a file that breaks off within a block
//! for one that ends before it, and its rows would be missing without a word.
//!
//! <https://avro.apache.org/docs/1.12.0/specification/#object-container-files>

use std::sync::Arc;

use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::Fault;
use crate::error::{ConnectorError, Result};

/// Ends the header and every block.
const MARK: usize = 16;
/// Longer than headers are: most of one is the schema.
const HEADER: u64 = 64 << 10;

/// A file that breaks off, told by its last bytes.
pub(crate) async fn broken_off(
    store: &Arc<dyn ObjectStore>,
    meta: &ObjectMeta,
    shown: &str,
) -> Result<Option<Fault>> {
    let read = |range| async {
        let bytes = store.get_range(&meta.location, range).await;
        bytes.map_err(|error| ConnectorError::from_store(shown, &error))
    };
    let header = read(0..meta.size.min(HEADER)).await?;
    // A header that cannot be read is the reader's to report.
    let Some(mark) = mark(&header) else { return Ok(None) };
    let end = read(meta.size.saturating_sub(MARK as u64)..meta.size).await?;
    Ok((end != mark).then(|| {
        Fault::new(
            Some(format!("byte {}", meta.size)),
            "the file is cut short: it does not end as its blocks do",
            "write it again, or copy it again from where it came from",
        )
    }))
}

/// The mark at the end of a header.
fn mark(header: &[u8]) -> Option<&[u8]> {
    let mut rest = header.strip_prefix(b"Obj\x01")?;
    loop {
        let count = long(&mut rest)?;
        if count == 0 {
            return rest.get(..MARK);
        }
        if count < 0 {
            // The size of what follows, for who wants to skip it.
            long(&mut rest)?;
        }
        for _ in 0..count.unsigned_abs().checked_mul(2)? {
            let length = usize::try_from(long(&mut rest)?).ok()?;
            rest = rest.get(length..)?;
        }
    }
}

/// A number of up to ten bytes, seven bits a byte, zigzag.
fn long(rest: &mut &[u8]) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_follows_the_header() {
        let header = b"Obj\x01\x02\x04ab\x06xyz\x000123456789abcdefrest";
        assert_eq!(mark(header), Some(b"0123456789abcdef".as_slice()));
        assert_eq!(mark(b"Obj\x01\x02\x04ab"), None);
        assert_eq!(mark(b"Obj\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None);
    }
}
