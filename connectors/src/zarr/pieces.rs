//! A chunk piece by piece: packed by Zstandard it is unpacked as it is needed, so that what computes with it
//! finds it in cache, and never all of it is there at once.

use std::io::{Cursor, Read};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::buffer::Buffer;
use strata_engine::{ArrayError, DType, Extent, Kind, Pieces, Tensor, cells};
use zstd::stream::read::Decoder;

use super::boxes;
use super::chunks::Chunks;
use super::layout::Layout;
use super::seen::Seen;
use strata_engine::buffers;

/// What Zstandard looks back at, at most, for the levels that are in use.
const WINDOW: u64 = 8 << 20;

impl Layout {
    /// What it takes to read a box of whole rows of one chunk piece by piece, beside the pieces.
    pub(super) fn piecewise(&self, region: &[Range<u64>]) -> Option<u64> {
        let [bytes, packed] = &self.codecs[..] else { return None };
        let plain = bytes.name() == "bytes" && self.is_native(bytes.configuration());
        let zstd = matches!(packed.name(), "zstd" | "numcodecs.zstd");
        let as_stored = self.times == 1 && self.dtype != DType::Plain(Kind::Bool);
        let along = region.iter().zip(&self.chunk).zip(&self.shape);
        let whole = along.enumerate().all(|(axis, ((range, piece), length))| {
            let starts = range.start.is_multiple_of(*piece);
            let ends = range.end == range.start + piece || (axis == 0 && range.end == *length);
            starts && ends && range.end - range.start <= *piece
        });
        let chunk = cells(&self.chunk)?.checked_mul(self.dtype.width() as u64)?;
        (plain && zstd && as_stored && whole && !region.is_empty())
            .then(|| chunk.saturating_add(WINDOW.min(chunk)))
    }

    /// Whether numbers are stored in this machine's order of bytes.
    fn is_native(&self, configuration: Option<&zarrs::metadata::Configuration>) -> bool {
        let endian = configuration.and_then(|all| all.get("endian")?.as_str());
        self.dtype.width() == 1 || (endian == Some("little") && cfg!(target_endian = "little"))
    }
}

/// A chunk on its way.
pub(super) struct ChunkPieces {
    chunks: Arc<Chunks>,
    chunk: Vec<u64>,
    /// None where nothing was written.
    from: Option<Decoder<'static, Cursor<Bytes>>>,
    /// Bytes of the chunk that are still to come.
    left: usize,
}

impl ChunkPieces {
    pub(super) fn new(
        chunks: Arc<Chunks>,
        chunk: Vec<u64>,
        stored: Option<Bytes>,
    ) -> Result<Self, ArrayError> {
        let from = stored.map(|stored| Decoder::with_buffer(Cursor::new(stored))).transpose();
        let from = from.map_err(|error| chunks.fault(&chunk, error))?;
        let left = chunks.bytes();
        Ok(Self { chunks, chunk, from, left })
    }

    /// Reads to the end of a buffer.
    fn read(&mut self, to: &mut [u8]) -> Result<(), ArrayError> {
        let Some(from) = &mut self.from else {
            boxes::fill(to, &self.chunks.layout.filler());
            return Ok(());
        };
        from.read_exact(to).map_err(|error| {
            let reason = format!("the packed bytes are damaged, or cut off: {error}");
            self.chunks.fault(&self.chunk, reason)
        })?;
        self.left = self.left.saturating_sub(to.len());
        Ok(())
    }
}

impl Pieces for ChunkPieces {
    fn next(&mut self, count: u64) -> Result<Tensor, ArrayError> {
        let layout = &self.chunks.layout;
        let (dtype, mut shape) = (layout.dtype, layout.chunk.clone());
        if let Some(rows) = shape.first_mut() {
            *rows = count.min(*rows);
        }
        let bytes = cells(&shape).map_or(0, |cells| cells as usize).saturating_mul(dtype.width());
        let mut to = buffers::take(bytes);
        self.read(&mut to)?;
        Tensor::new(dtype, shape, Buffer::from(buffers::share(to)))
    }

    fn end(&mut self) -> Result<(), ArrayError> {
        // What lies beyond the end of the array is stored, too.
        let mut beyond = vec![0; self.left.min(1 << 16)];
        while self.from.is_some() && self.left > 0 {
            let count = self.left.min(beyond.len());
            let mut part = std::mem::take(&mut beyond);
            self.read(part.get_mut(..count).unwrap_or_default())?;
            beyond = part;
        }
        let Some(from) = &mut self.from else { return Ok(()) };
        match from.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => {
                let most = self.chunks.bytes();
                let reason = format!("more than the expected {most} bytes come out");
                Err(self.chunks.fault(&self.chunk, reason))
            }
            Err(error) => Err(self.chunks.fault(&self.chunk, error)),
        }
    }
}

/// The same, of which it is remembered between what values it lies.
pub(super) struct SeenPieces {
    pub(super) pieces: ChunkPieces,
    pub(super) seen: Seen,
    /// The number of the chunk.
    pub(super) number: u64,
    pub(super) version: Option<String>,
    /// What the pieces so far lie between; what cannot be told lies anywhere.
    pub(super) extent: Option<Option<Extent>>,
}

impl Pieces for SeenPieces {
    fn next(&mut self, count: u64) -> Result<Tensor, ArrayError> {
        let piece = self.pieces.next(count)?;
        let own = Extent::of(piece.values());
        self.extent = Some(match self.extent {
            None => own,
            Some(before) => before.zip(own).map(|(before, own)| before.and(own)),
        });
        Ok(piece)
    }

    fn end(&mut self) -> Result<(), ArrayError> {
        self.pieces.end()?;
        if let Some(Some(extent)) = self.extent {
            self.seen.note(self.number, self.version.as_deref(), extent);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Map;
    use strata_engine::{ArraySource, Slice};

    use super::*;
    use crate::zarr::tests::{array, counted, memory, put, url};
    use crate::zarr::{ArraySpec, Compression, Existing, StoreWriter};

    #[tokio::test]
    async fn pieces_are_what_is_read_at_once() {
        let store = memory();
        let spec = ArraySpec::new(DType::Plain(Kind::I32), vec![10, 6], vec![4, 6]);
        let mut writer =
            StoreWriter::create(&url(), Arc::clone(&store), Existing::Refuse, Map::new())
                .await
                .unwrap();
        let to = writer.array("", &spec).await.unwrap();
        to.write(&[0, 0], &counted(&[10, 6], &[0..10, 0..6])).await.unwrap();
        writer.finish().await.unwrap();
        let array = array(&store).await.unwrap();
        // A whole chunk, and the last one, which is longer than the array.
        for rows in [4..8, 8..10] {
            let mut pieces = array.pieces(&[rows.clone(), 0..6]).await.unwrap();
            assert!(array.piecewise(&[rows.clone(), 0..6]).is_some());
            for row in rows {
                let piece = pieces.next(1).unwrap();
                assert_eq!(piece.values(), counted(&[10, 6], &[row..row + 1, 0..6]).values());
            }
            pieces.end().unwrap();
        }
        // Parts of chunks, and several.
        for region in [[0..2, 0..6], [1..4, 0..6], [0..4, 0..3], [0..8, 0..6]] {
            assert_eq!(array.piecewise(&region), None, "{region:?}");
        }
        // What is not there is the fill value; what is too short or too long is named.
        let path = object_store::path::Path::parse("cube.zarr/c/0/0").unwrap();
        let first = [0..4, 0..6];
        let packed = |count: usize| zstd::encode_all(&vec![1; count][..], 0).unwrap();
        for (bytes, says) in [(packed(95), "cut off"), (packed(97), "more than the expected 96")] {
            put(&store, "c/0/0", bytes).await;
            let mut pieces = array.pieces(&first).await.unwrap();
            let read = pieces.next(4).and_then(|_| pieces.end());
            let error = read.unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("c/0/0"), "{error}");
        }
        object_store::ObjectStoreExt::delete(store.as_ref(), &path).await.unwrap();
        let filled = array.pieces(&first).await.unwrap().next(4).unwrap();
        assert_eq!(filled.values(), Slice::I32(&[0; 24]));
    }

    #[tokio::test]
    async fn only_what_is_packed_so_comes_in_pieces() {
        for (compression, comes) in [
            (Compression::Zstd(1), true),
            (Compression::None, false),
            (Compression::Gzip(1), false),
        ] {
            let store = memory();
            let spec = ArraySpec {
                compression,
                ..ArraySpec::new(DType::Plain(Kind::I32), vec![4], vec![4])
            };
            let mut writer =
                StoreWriter::create(&url(), Arc::clone(&store), Existing::Refuse, Map::new())
                    .await
                    .unwrap();
            writer.array("", &spec).await.unwrap();
            writer.finish().await.unwrap();
            let whole: Region = vec![0..4; 1];
            assert_eq!(array(&store).await.unwrap().piecewise(&whole).is_some(), comes);
        }
    }

    type Region = Vec<Range<u64>>;
}
