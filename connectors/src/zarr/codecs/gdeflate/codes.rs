//! The codes of symbols: those that come often are short. Only the lengths of codes are written; which they are
//! follows from these.

/// The longest code.
pub(super) const LONGEST: u32 = 15;

/// Codes up to this length are looked up; the others are few.
const LOOKED_UP: u32 = 10;

/// Finds symbols by their codes.
pub(super) struct Decoder {
    /// By the next bits, the symbol and the length of its code; 0 is none.
    table: Vec<(u16, u8)>,
    /// How many codes there are of each length.
    counts: [u16; LONGEST as usize + 1],
    /// Symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl Decoder {
    /// By how long the codes are. They must be all that there can be; a single one may be alone.
    pub(super) fn new(lengths: &[u8]) -> Result<Self, String> {
        let mut counts = [0; LONGEST as usize + 1];
        for length in lengths {
            let count = counts.get_mut(usize::from(*length)).ok_or("a code is too long")?;
            *count += 1;
        }
        if let Some(unused) = counts.first_mut() {
            *unused = 0;
        }
        let taken = |(length, count): (u32, &u16)| u32::from(*count) << (LONGEST - length);
        let taken: u32 = (0..).zip(&counts).map(taken).sum();
        let codes: u16 = counts.iter().sum();
        if taken > 1 << LONGEST || (taken < 1 << LONGEST && codes > 1) {
            return Err("its codes are not those of any symbols".to_string());
        }
        let mut symbols: Vec<(u8, u16)> =
            lengths.iter().copied().zip(0..).filter(|(length, _)| *length > 0).collect();
        symbols.sort_unstable();
        let mut table = vec![(0, 0); 1 << LOOKED_UP];
        let codes = codes_of(lengths);
        for ((length, symbol), code) in lengths.iter().zip(0_u16..).zip(codes) {
            let length = *length;
            if length > 0 && u32::from(length) <= LOOKED_UP {
                for entry in table.iter_mut().skip(usize::from(code)).step_by(1 << length) {
                    *entry = (symbol, length);
                }
            }
        }
        let symbols = symbols.into_iter().map(|(_, symbol)| symbol).collect();
        Ok(Self { table, counts, symbols })
    }

    /// The symbol whose code comes next, and how long that is.
    pub(super) fn find(&self, bits: u32) -> Option<(u16, u32)> {
        let (symbol, length) = *self.table.get(bits as usize & ((1 << LOOKED_UP) - 1))?;
        if length > 0 {
            return Some((symbol, u32::from(length)));
        }
        let (mut code, mut first, mut before) = (0, 0, 0);
        for (length, count) in (0..).zip(&self.counts).skip(1) {
            code |= (bits >> (length - 1)) & 1;
            let count = u32::from(*count);
            if code < first + count {
                let at = before + code.checked_sub(first)?;
                return Some((*self.symbols.get(at as usize)?, length));
            }
            before += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

/// Codes of these lengths, the first bit lowest.
pub(super) fn codes_of(lengths: &[u8]) -> Vec<u16> {
    let mut next = [0_u32; LONGEST as usize + 2];
    let mut code = 0;
    for (length, place) in (0..).zip(&mut next) {
        *place = code;
        let count = lengths.iter().filter(|own| **own == length && length > 0).count() as u32;
        code = (code + count) << 1;
    }
    let each = |length: &u8| {
        let Some(next) = next.get_mut(usize::from(*length)).filter(|_| *length > 0) else {
            return 0;
        };
        let code = *next as u16;
        *next += 1;
        code.reverse_bits() >> (u16::BITS - u32::from(*length))
    };
    lengths.iter().map(each).collect()
}

/// How long the codes of symbols best are that come so often, and no longer than `longest`. There are two at
/// least: some who read know no code that is alone.
pub(super) fn lengths_of(counts: &[u32], longest: u32) -> Vec<u8> {
    let mut counts = counts.to_vec();
    for place in 0..counts.len() {
        if counts.iter().filter(|count| **count > 0).count() >= 2 {
            break;
        }
        if let Some(count) = counts.get_mut(place) {
            *count = (*count).max(1);
        }
    }
    loop {
        let lengths = unlimited(&counts);
        if lengths.iter().all(|length| u32::from(*length) <= longest) {
            return lengths;
        }
        // Those that are rare are taken to be less so.
        counts.iter_mut().filter(|count| **count > 0).for_each(|count| *count = *count / 2 + 1);
    }
}

/// The lengths of Huffman's codes.
fn unlimited(counts: &[u32]) -> Vec<u8> {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    let used = counts.iter().zip(0..).filter(|(count, _)| **count > 0);
    let mut heap: BinaryHeap<Reverse<(u32, usize)>> =
        used.map(|(count, symbol): (&u32, usize)| Reverse((*count, symbol))).collect();
    // Whom each node is below; the first nodes are symbols.
    let mut parents = vec![0; counts.len()];
    while let Some(Reverse((one, first))) = heap.pop() {
        let Some(Reverse((other, second))) = heap.pop() else { break };
        let node = parents.len();
        for child in [first, second] {
            if let Some(parent) = parents.get_mut(child) {
                *parent = node;
            }
        }
        parents.push(0);
        heap.push(Reverse((one.saturating_add(other), node)));
    }
    let mut depths = vec![0_u8; parents.len()];
    // Parents come behind their children.
    for node in (0..parents.len()).rev() {
        let parent = parents.get(node).copied().filter(|parent| *parent > 0);
        let depth =
            parent.and_then(|parent| depths.get(parent)).map_or(0, |depth| depth.saturating_add(1));
        if let Some(place) = depths.get_mut(node) {
            *place = depth;
        }
    }
    depths.truncate(counts.len());
    depths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_again() {
        let fibonacci: Vec<u32> = (0..30)
            .scan((1, 1), |(a, b), _| {
                (*a, *b) = (*b, *a + *b);
                Some(*a)
            })
            .collect();
        for counts in [fibonacci, vec![0, 3, 0, 0], vec![0; 5], vec![7; 286], vec![1, 0, 9, 4, 4]] {
            for longest in [9, LONGEST] {
                let lengths = lengths_of(&counts, longest);
                assert!(lengths.iter().all(|length| u32::from(*length) <= longest));
                let decoder = Decoder::new(&lengths).unwrap();
                for ((symbol, length), code) in (0_u16..).zip(&lengths).zip(codes_of(&lengths)) {
                    assert!(*length > 0 || counts[usize::from(symbol)] == 0);
                    if *length > 0 {
                        let bits = u32::from(code) | (u32::MAX << length);
                        assert_eq!(decoder.find(bits), Some((symbol, u32::from(*length))));
                    }
                }
            }
        }
    }

    #[test]
    fn codes_that_cannot_be_are_refused() {
        assert!(Decoder::new(&[1, 1, 1]).is_err());
        assert!(Decoder::new(&[2, 2]).is_err());
        assert!(Decoder::new(&[16]).is_err());
        assert_eq!(Decoder::new(&[0, 1]).unwrap().find(1), None);
        assert_eq!(Decoder::new(&[0, 0]).unwrap().find(0), None);
    }
}
