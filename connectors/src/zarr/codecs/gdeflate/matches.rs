//! Where a page repeats itself: the last places that begin alike are looked at, as many as there is patience
//! for.

/// What a page is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Byte(u8),
    /// So many bytes, from so far back.
    Copy {
        length: u32,
        distance: u32,
    },
}

/// How much is tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// How many places are looked at.
    places: u32,
    /// A copy of this length is long enough.
    enough: usize,
    /// Whether a longer copy that begins one byte later is better.
    waits: bool,
}

impl Patience {
    /// At a level from 1 to 12.
    pub(super) fn of(level: u32) -> Self {
        let (places, enough, waits) = match level {
            0..=1 => (2, 8, false),
            2 => (6, 10, false),
            3 => (12, 14, false),
            4 => (24, 24, false),
            5 => (20, 30, true),
            6 => (40, 65, true),
            7 => (100, 130, true),
            8 => (150, 200, true),
            9 => (250, 258, true),
            10 => (400, 258, true),
            11 => (700, 512, true),
            _ => (1500, 1024, true),
        };
        Self { places, enough, waits }
    }
}

const SHORTEST: usize = 3;
/// The longest copy: that of a page but for a byte.
const LONGEST: usize = 65_535;
/// Short copies from farther back take more bits than what they copy.
const NEAR: usize = 4096;
const HASHED: u32 = 14;

/// The places of a page that begin alike, each with the one before.
struct Places<'a> {
    page: &'a [u8],
    last: Vec<Option<u16>>,
    before: Vec<Option<u16>>,
    added: usize,
}

impl Places<'_> {
    fn hash(&self, at: usize) -> Option<usize> {
        let start: &[u8; SHORTEST] = self.page.get(at..)?.first_chunk()?;
        let number = start.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        Some((number.wrapping_mul(0x9e37_79b1) >> (u32::BITS - HASHED)) as usize)
    }

    /// Adds the places up to this one.
    fn add_until(&mut self, end: usize) {
        while self.added < end {
            let at = self.added;
            self.added += 1;
            let Some(last) = self.hash(at).and_then(|hash| self.last.get_mut(hash)) else {
                continue;
            };
            let before = last.replace(at as u16);
            if let Some(place) = self.before.get_mut(at) {
                *place = before;
            }
        }
    }

    /// The longest copy for this place.
    fn find(&self, at: usize, patience: Patience) -> Option<(usize, usize)> {
        let own = self.page.get(at..)?;
        let mut best = None;
        let mut longest = SHORTEST - 1;
        let mut next = self.last.get(self.hash(at)?).copied()?;
        for _ in 0..patience.places {
            let Some(place) = next.map(usize::from) else { break };
            let other = self.page.get(place..)?;
            if other.get(longest) == own.get(longest) {
                let length =
                    own.iter().zip(other).take(LONGEST).take_while(|(a, b)| a == b).count();
                let distance = at - place;
                if length > longest && (length > SHORTEST || distance <= NEAR) {
                    longest = length;
                    best = Some((length, distance));
                }
                if longest >= patience.enough || longest >= own.len() {
                    break;
                }
            }
            next = self.before.get(place).copied()?;
        }
        best
    }
}

/// A page as bytes and copies.
pub(super) fn tokens(page: &[u8], patience: Patience) -> Vec<Token> {
    let mut places =
        Places { page, last: vec![None; 1 << HASHED], before: vec![None; page.len()], added: 0 };
    let mut tokens = Vec::new();
    let mut at = 0;
    // What was found for this place when the one before was looked at.
    let mut ahead = None;
    while let Some(byte) = page.get(at) {
        places.add_until(at);
        let mut found = match ahead.take() {
            Some(found) => found,
            None => places.find(at, patience),
        };
        let short = |(length, _): &(usize, usize)| patience.waits && *length < patience.enough;
        if let Some((length, _)) = found.filter(short) {
            places.add_until(at + 1);
            let next = places.find(at + 1, patience);
            if next.is_some_and(|(later, _)| later > length) {
                (found, ahead) = (None, Some(next));
            }
        }
        match found {
            Some((length, distance)) => {
                tokens.push(Token::Copy { length: length as u32, distance: distance as u32 });
                at += length;
            }
            None => {
                tokens.push(Token::Byte(*byte));
                at += 1;
            }
        }
    }
    tokens
}
