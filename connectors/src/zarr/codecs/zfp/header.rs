//! The header of a stream, where it has one: what it is of, of which shape, and how it was packed.

use super::arrays::Shape;
use super::bits::{Reader, Writer};
use super::modes::Limits;

const MAGIC: [u8; 3] = *b"zfp";
const VERSION: u8 = 5;

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The code of its numbers.
    pub(super) code: u64,
    pub(super) shape: Shape,
    pub(super) limits: Limits,
}

impl Header {
    pub(super) fn write(&self, to: &mut Writer) -> Result<(), String> {
        let bits = bits(self.shape.dims);
        let lengths = self.lengths().map(|length| (length - 1) as u64);
        let mut all = 0;
        for length in lengths {
            if length >> bits != 0 {
                return Err(format!(
                    "chunks longer than {} do not fit into its header",
                    1_u64 << bits
                ));
            }
            all = (all << bits) | length;
        }
        for byte in MAGIC.into_iter().chain([VERSION]) {
            to.write(u64::from(byte), 8);
        }
        to.write((all << 4) | (u64::from(self.shape.dims - 1) << 2) | self.code, 52);
        let (word, count) = self.limits.to_word();
        to.write(word, count);
        Ok(())
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, String> {
        let start = [8; 4].map(|count| from.read(count) as u8);
        match start {
            [a, b, c, VERSION] if [a, b, c] == MAGIC => {}
            [a, b, c, version] if [a, b, c] == MAGIC => {
                return Err(format!(
                    "it is of version {version} of the format, and {VERSION} is known"
                ));
            }
            _ => {
                return Err(
                    "the packed bytes are damaged: they do not start as zfp does".to_string()
                );
            }
        }
        let said = from.read(52);
        let (code, dims) = (said & 3, (said >> 2 & 3) as u32 + 1);
        let bits = bits(dims);
        let mut lengths = [1; 4];
        let mut left = said >> 4;
        for length in lengths.iter_mut().rev().take(dims as usize) {
            *length = usize::try_from((left & ((1 << bits) - 1)) + 1).unwrap_or(usize::MAX);
            left >>= bits;
        }
        let limits = Limits::of_word(from.read(12), |count| from.read(count));
        let limits = limits.map_err(|error| format!("the packed bytes are damaged: {error}"))?;
        if from.is_cut_off() {
            return Err("the packed bytes are cut off".to_string());
        }
        Ok(Self { code, shape: Shape { dims, lengths }, limits })
    }

    fn lengths(&self) -> impl Iterator<Item = usize> {
        self.shape.lengths.into_iter().skip(4 - self.shape.dims as usize)
    }
}

/// How many bits the length of one dimension has.
fn bits(dims: u32) -> u32 {
    48 / dims
}
