//! Blocks of whole numbers: transformed, put in order and written by planes of bits.

use super::bits::{Reader, Writer};
use super::modes::Limits;
use super::order::order;
use super::planes;
use super::transform::{Whole, forward, forward_exact, inverse, inverse_exact};

/// A block on its way, and what is asked of all of them.
pub(super) struct Block<W> {
    pub(super) dims: u32,
    pub(super) limits: Limits,
    /// Its values as whole numbers.
    pub(super) wholes: Vec<W>,
    /// Its coefficients in order, in base minus two.
    coefficients: Vec<u64>,
}

impl<W: Whole> Block<W> {
    pub(super) fn new(dims: u32, limits: Limits) -> Self {
        let size = 1 << (2 * dims);
        Self { dims, limits, wholes: vec![W::default(); size], coefficients: vec![0; size] }
    }

    /// Writes the whole numbers, where so many bits of the block were written before.
    pub(super) fn encode(&mut self, before: u32, planes: u32, to: &mut Writer) {
        forward(&mut self.wholes, self.dims);
        self.put_in_order();
        let taken = planes::encode(&self.coefficients, W::DIGITS, planes, self.left(before), to);
        to.pad(self.missing(before, taken));
    }

    pub(super) fn decode(&mut self, before: u32, planes: u32, from: &mut Reader<'_>) {
        let most = self.left(before);
        let taken = planes::decode(&mut self.coefficients, W::DIGITS, planes, most, from);
        from.skip(self.missing(before, taken));
        self.put_in_place();
        inverse(&mut self.wholes, self.dims);
    }

    /// Writes them so that they come back as they are: first, how many planes there are.
    pub(super) fn encode_exactly(&mut self, before: u32, to: &mut Writer) {
        forward_exact(&mut self.wholes, self.dims);
        self.put_in_order();
        let all = self.coefficients.iter().fold(0, |all, one| all | one);
        let planes = W::DIGITS.saturating_sub(all.trailing_zeros());
        let planes = planes.min(self.limits.planes).max(1);
        to.write(u64::from(planes - 1), W::COUNT);
        let before = before + W::COUNT;
        let taken = planes::encode(&self.coefficients, W::DIGITS, planes, self.left(before), to);
        to.pad(self.missing(before, taken));
    }

    pub(super) fn decode_exactly(&mut self, before: u32, from: &mut Reader<'_>) {
        let planes = from.read(W::COUNT) as u32 + 1;
        let before = before + W::COUNT;
        let most = self.left(before);
        let taken = planes::decode(&mut self.coefficients, W::DIGITS, planes, most, from);
        from.skip(self.missing(before, taken));
        self.put_in_place();
        inverse_exact(&mut self.wholes, self.dims);
    }

    /// How many bits may follow. Where fewer are allowed than come before, the library of the format counts on
    /// from the largest number, and there are streams that it has written so.
    fn left(&self, before: u32) -> u32 {
        self.limits.most.wrapping_sub(before)
    }

    /// How many bits fill the block up.
    pub(super) fn missing(&self, before: u32, taken: u32) -> u32 {
        self.limits.least.saturating_sub(before).saturating_sub(taken)
    }

    fn put_in_order(&mut self) {
        for (to, at) in self.coefficients.iter_mut().zip(order(self.dims)) {
            *to = self.wholes.get(usize::from(*at)).copied().unwrap_or_default().to_negabinary();
        }
    }

    fn put_in_place(&mut self) {
        for (from, at) in self.coefficients.iter().zip(order(self.dims)) {
            if let Some(to) = self.wholes.get_mut(usize::from(*at)) {
                *to = W::from_negabinary(*from);
            }
        }
    }
}
