//! What symbols stand for: bytes, how long a copy is, and from how far back, each with as many more bits as
//! are left to say.

/// How many symbols there are of bytes, the end of a block, and lengths.
pub(super) const LITERALS: usize = 286;
/// How many there are of distances.
pub(super) const DISTANCES: usize = 32;
/// The end of a block.
pub(super) const END: u16 = 256;

/// The order in which the lengths of the codes of lengths are written.
pub(super) const ORDER: [usize; 19] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The last symbol of a length, which any may have.
const ANY: u16 = 285;

/// The lengths of a symbol from 257 on: the smallest, and how many bits say how much larger it is.
pub(super) fn lengths(symbol: u16) -> (u32, u32) {
    let at = u32::from(symbol.saturating_sub(END + 1));
    match at {
        0..8 => (at + 3, 0),
        8..28 => (((4 + at % 4) << ((at - 4) / 4)) + 3, (at - 4) / 4),
        _ => (3, 16),
    }
}

/// The distances of a symbol.
pub(super) fn distances(symbol: u16) -> (u32, u32) {
    let at = u32::from(symbol);
    match at {
        0..4 => (at + 1, 0),
        _ => (((2 + at % 2) << (at / 2 - 1)) + 1, at / 2 - 1),
    }
}

/// The symbol of a length from 3 on, and the bits that follow it.
pub(super) fn of_length(length: u32) -> (u16, u32, u32) {
    let more = length.saturating_sub(3);
    let symbol = match more {
        0..8 => END + 1 + more as u16,
        8..256 => {
            // Four symbols for each power of two.
            let power = more.ilog2();
            END + 1 + (4 * (power - 1) + ((more >> (power - 2)) & 3)) as u16
        }
        _ => ANY,
    };
    let (base, bits) = lengths(symbol);
    (symbol, length.saturating_sub(base), bits)
}

/// The symbol of a distance from 1 on, and the bits that follow it.
pub(super) fn of_distance(distance: u32) -> (u16, u32, u32) {
    let more = distance.saturating_sub(1);
    let symbol = match more {
        0..4 => more as u16,
        _ => {
            // Two symbols for each power of two.
            let power = more.ilog2();
            (2 * power + ((more >> (power - 1)) & 1)) as u16
        }
    };
    let (base, bits) = distances(symbol);
    (symbol, distance.saturating_sub(base), bits)
}

/// The lengths of the codes that are always there.
pub(super) fn fixed() -> (Vec<u8>, Vec<u8>) {
    let literals = (0..288).map(|symbol| match symbol {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    });
    (literals.collect(), vec![5; DISTANCES])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_in_their_symbols() {
        for length in 3..=65_535 {
            let (symbol, more, bits) = of_length(length);
            assert_eq!((lengths(symbol).0 + more, lengths(symbol).1), (length, bits));
            assert!(more < 1 << bits && (257..=285).contains(&symbol));
        }
        for distance in 1..=65_536 {
            let (symbol, more, bits) = of_distance(distance);
            assert_eq!((distances(symbol).0 + more, distances(symbol).1), (distance, bits));
            assert!(more < 1 << bits && symbol < 32);
        }
        assert_eq!((lengths(265), lengths(284), distances(31)), ((11, 1), (227, 5), (49_153, 14)));
    }
}
