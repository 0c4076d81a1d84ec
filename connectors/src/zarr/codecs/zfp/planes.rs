//! The coefficients of a block, plane of bits by plane, the highest first. Of each plane, the bits of
//! those coefficients that had a bit set before are written as they are; of the others, whether any is
//! set, and if so, how far it is to the next one that is. It may end anywhere.

use super::bits::{Reader, Writer};

/// The bits of one plane: a block has 256 coefficients at most.
#[derive(Default, Clone, Copy)]
struct Plane([u64; 4]);

impl Plane {
    /// The bits number `digit` of coefficients.
    fn of(coefficients: &[u64], digit: u32) -> Self {
        let mut plane = Self::default();
        for (word, part) in plane.0.iter_mut().zip(coefficients.chunks(64)) {
            for (at, coefficient) in part.iter().enumerate() {
                *word |= ((coefficient >> digit) & 1) << at;
            }
        }
        plane
    }

    /// Sets the bits number `digit` of coefficients.
    fn add_to(self, coefficients: &mut [u64], digit: u32) {
        for (mut word, part) in self.0.into_iter().zip(coefficients.chunks_mut(64)) {
            while word != 0 {
                if let Some(coefficient) = part.get_mut(word.trailing_zeros() as usize) {
                    *coefficient |= 1 << digit;
                }
                word &= word - 1;
            }
        }
    }

    /// The first bit that is set, from one on.
    fn next(self, from: u32) -> Option<u32> {
        let words = (0_u32..).zip(self.0).skip((from / 64) as usize);
        words
            .map(|(at, word)| {
                let before = from.saturating_sub(at * 64).min(63);
                (at * 64, word & (u64::MAX << before))
            })
            .find(|(_, word)| *word != 0)
            .map(|(start, word)| start + word.trailing_zeros())
    }

    fn set(&mut self, at: u32) {
        if let Some(word) = self.0.get_mut((at / 64) as usize) {
            *word |= 1 << (at % 64);
        }
    }
}

/// Writes coefficients of so many binary digits: `planes` of them, in `most` bits at most. Says how many bits
/// were written.
pub(super) fn encode(
    coefficients: &[u64],
    digits: u32,
    planes: u32,
    most: u32,
    to: &mut Writer,
) -> u32 {
    let size = coefficients.len() as u32;
    let mut left = most;
    // How many coefficients had a bit set.
    let mut known = 0;
    for digit in (digits.saturating_sub(planes)..digits).rev() {
        if left == 0 {
            break;
        }
        let plane = Plane::of(coefficients, digit);
        let verbatim = known.min(left);
        left -= verbatim;
        for (at, word) in (0_u32..).zip(plane.0) {
            to.write(word, verbatim.saturating_sub(at * 64).min(64));
        }
        while left > 0 && known < size {
            left -= 1;
            let next = plane.next(known);
            to.write_bit(next.is_some());
            let Some(next) = next else { break };
            let zeros = next - known;
            // Where only the last one is left, it is that.
            let told = next < size - 1;
            if left < zeros + u32::from(told) {
                to.pad(left.min(zeros));
                left = 0;
                break;
            }
            to.pad(zeros);
            if told {
                to.write_bit(true);
            }
            left -= zeros + u32::from(told);
            known = next + 1;
        }
    }
    most - left
}

/// Reads coefficients. Says how many bits were read.
pub(super) fn decode(
    coefficients: &mut [u64],
    digits: u32,
    planes: u32,
    most: u32,
    from: &mut Reader<'_>,
) -> u32 {
    let size = coefficients.len() as u32;
    coefficients.fill(0);
    let mut left = most;
    let mut known = 0;
    for digit in (digits.saturating_sub(planes)..digits).rev() {
        if left == 0 {
            break;
        }
        let mut plane = Plane::default();
        let verbatim = known.min(left);
        left -= verbatim;
        for (at, word) in (0_u32..).zip(&mut plane.0) {
            *word = from.read(verbatim.saturating_sub(at * 64).min(64));
        }
        while left > 0 && known < size {
            left -= 1;
            if !from.read_bit() {
                break;
            }
            while left > 0 && known < size - 1 {
                left -= 1;
                if from.read_bit() {
                    break;
                }
                known += 1;
            }
            // Where the bits end before it was found, it is taken to be there.
            plane.set(known);
            known += 1;
        }
        plane.add_to(coefficients, digit);
    }
    most - left
}
