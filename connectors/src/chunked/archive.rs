//! Reading from a ZIP archive in a store: its directory once, and then each entry in one read, where
//! the archive is as usual.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;

use bytes::Bytes;

use super::place::{LARGEST_OBJECT, Part, Place, PlaceError};
use super::zip::{self, Entry};
use strata_engine::buffers;

/// Room for the local header of an archive's entry to be longer than the directory says.
const SLACK: u64 = 64;

/// Of what is deflated, as much more than is asked for is read where little is: no more is needed where its
/// packer took care that nothing gets longer by much.
const LITTLE: u64 = 64 << 10;

impl Place {
    /// The entries of the archive.
    pub(crate) async fn directory(&self) -> Result<BTreeMap<String, Entry>, PlaceError> {
        let at = &self.root.prefix;
        let missing = || PlaceError::Zip(format!("there is no '{at}'"));
        let tail = self.fetch(at, Part::Last(zip::TAIL), zip::TAIL).await?.ok_or_else(missing)?;
        let (start, length) = zip::directory(&tail.bytes, tail.size).map_err(PlaceError::Zip)?;
        let before = tail.size - tail.bytes.len() as u64;
        let bytes = match start.checked_sub(before) {
            Some(start) => {
                let range = start as usize..(start + length) as usize;
                tail.bytes
                    .get(range)
                    .map(|bytes| tail.bytes.slice_ref(bytes))
                    .ok_or_else(missing)?
            }
            None => {
                let range = Part::Range(start..start + length);
                self.fetch(at, range, length).await?.ok_or_else(missing)?.bytes
            }
        };
        zip::entries(&bytes).map_err(PlaceError::Zip)
    }

    /// Some of an entry of the archive, in one read where the archive is as usual.
    pub(crate) async fn unpack(
        &self,
        name: &str,
        entry: Entry,
        part: Part,
        cap: u64,
    ) -> Result<Bytes, PlaceError> {
        let bad = |reason: &str| PlaceError::Zip(format!("its entry '{name}' {reason}"));
        let wanted = match part {
            Part::All => 0..entry.size,
            Part::Range(range) => range.start.min(entry.size)..range.end.min(entry.size),
            Part::Last(length) => entry.size.saturating_sub(length)..entry.size,
        };
        // What is deflated is read from its start; little of it, as long as that may do.
        let start = wanted.end.saturating_add(LITTLE).min(entry.packed);
        let packed = match entry.deflated {
            true if wanted.end <= LITTLE && start < entry.packed => 0..start,
            true => 0..entry.packed,
            false => wanted.clone(),
        };
        let size =
            packed.end.max(wanted.end * u64::from(entry.deflated)).saturating_sub(packed.start);
        // What is deflated is unpacked from its start, however little of it is asked for.
        let cap = if entry.deflated { LARGEST_OBJECT } else { cap.max(SLACK) };
        if size > cap {
            return Err(PlaceError::TooLarge { size, cap });
        }
        let at = &self.root.prefix;
        let whole = packed == (0..entry.packed);
        let guess = zip::LOCAL_HEADER + entry.names + SLACK;
        let first = if whole { guess.saturating_add(entry.packed) } else { zip::LOCAL_HEADER };
        let end = entry.header.checked_add(first).ok_or_else(|| bad("lies beyond its end"))?;
        let read = async |range: Range<u64>| {
            let found = self.fetch(at, Part::Range(range.clone()), range.end - range.start).await?;
            found.ok_or_else(|| bad("is gone"))
        };
        let head = read(entry.header..end).await?.bytes;
        let before = zip::local_header(&head).ok_or_else(|| bad("has no header"))?;
        let here = before.checked_add(packed.start).zip(before.checked_add(packed.end));
        let (from, to) = here.ok_or_else(|| bad("lies beyond its end"))?;
        let bytes = match head.get(from as usize..to as usize) {
            Some(bytes) => head.slice_ref(bytes),
            None if packed.is_empty() => Bytes::new(),
            None => {
                let start = entry.header.checked_add(from).zip(entry.header.checked_add(to));
                let (start, end) = start.ok_or_else(|| bad("lies beyond its end"))?;
                read(start..end).await?.bytes
            }
        };
        if bytes.len() as u64 != packed.end.saturating_sub(packed.start) {
            return Err(bad("is cut off"));
        }
        let bytes = if entry.deflated {
            let last = wanted.end == entry.size;
            match inflate(&bytes, wanted.end, last) {
                Some(bytes) => bytes,
                // More of it had to be read.
                None if !whole => {
                    Box::pin(self.unpack(name, entry, Part::All, LARGEST_OBJECT)).await?
                }
                None => return Err(bad("is damaged")),
            }
        } else {
            bytes
        };
        if whole && bytes.len() as u64 == entry.size {
            let mut crc = flate2::Crc::new();
            crc.update(&bytes);
            if crc.sum() != entry.crc {
                return Err(bad("is damaged: its checksum differs"));
            }
        }
        if !entry.deflated {
            return Ok(bytes);
        }
        let part = bytes.get(wanted.start as usize..wanted.end as usize);
        part.map(|part| bytes.slice_ref(part)).ok_or_else(|| bad("is shorter than it says"))
    }
}

/// The first bytes of a deflated entry, if there are as many; if they are the `last`, no more.
fn inflate(packed: &[u8], size: u64, last: bool) -> Option<Bytes> {
    // Nothing gets shorter by more than this: what claims to is not given the memory.
    if size > (packed.len() as u64).saturating_mul(1_040) {
        return None;
    }
    let mut buffer = buffers::take(usize::try_from(size).ok()?);
    let mut from = flate2::read::DeflateDecoder::new(packed);
    from.read_exact(&mut buffer).ok()?;
    let mut more = [0];
    (!last || from.read(&mut more).ok()? == 0).then(|| buffers::share(buffer))
}
