//! From bytes to a page: of one block, as short as there is a way to write it.

use super::codes::{LONGEST, codes_of, lengths_of};
use super::lanes::Writer;
use super::matches::{Patience, Token, tokens};
use super::symbols::{DISTANCES, END, LITERALS, ORDER, fixed, of_distance, of_length};

/// The longest code of lengths of codes.
const LONGEST_OF_LENGTHS: u32 = 7;

/// Packs a page at a level from 0 to 12.
pub(super) fn encode(page: &[u8], level: u32) -> Vec<u8> {
    let mut to = Writer::new();
    if level == 0 {
        stored(page, &mut to);
        return to.finish();
    }
    let tokens = tokens(page, Patience::of(level));
    let (literals, distances) = counts(&tokens);
    let own = Codes::new(lengths_of(&literals, LONGEST), lengths_of(&distances, LONGEST));
    let fixed = fixed();
    let fixed = Codes::new(fixed.0, fixed.1);
    let said = own.said();
    let by_own = own.bits(&literals, &distances) + said.bits();
    let by_fixed = fixed.bits(&literals, &distances);
    if by_own.min(by_fixed) >= page.len() as u64 * 8 {
        stored(page, &mut to);
    } else if by_fixed <= by_own {
        start(true, 1, &mut to);
        fixed.write(&tokens, &mut to);
    } else {
        start(true, 2, &mut to);
        said.write(&mut to);
        own.write(&tokens, &mut to);
    }
    to.finish()
}

fn start(last: bool, kind: u32, to: &mut Writer) {
    to.restart();
    to.write(u32::from(last), 1);
    to.write(kind, 2);
    to.ensure();
}

/// Blocks of bytes as they are.
fn stored(page: &[u8], to: &mut Writer) {
    let mut rest = page;
    loop {
        let (block, behind) = rest.split_at(rest.len().min(usize::from(u16::MAX)));
        rest = behind;
        start(rest.is_empty(), 0, to);
        to.write(block.len() as u32, 16);
        for byte in block {
            to.write(u32::from(*byte), 8);
            to.advance();
        }
        to.round(|_| {});
        if rest.is_empty() {
            return;
        }
    }
}

/// How often symbols come.
fn counts(tokens: &[Token]) -> (Vec<u32>, Vec<u32>) {
    let (mut literals, mut distances) = (vec![0; LITERALS], vec![0; DISTANCES]);
    let add = |counts: &mut Vec<u32>, symbol: u16| {
        if let Some(count) = counts.get_mut(usize::from(symbol)) {
            *count += 1;
        }
    };
    add(&mut literals, END);
    for token in tokens {
        match token {
            Token::Byte(byte) => add(&mut literals, u16::from(*byte)),
            Token::Copy { length, distance } => {
                add(&mut literals, of_length(*length).0);
                add(&mut distances, of_distance(*distance).0);
            }
        }
    }
    (literals, distances)
}

/// The codes of one alphabet.
struct Alphabet {
    lengths: Vec<u8>,
    codes: Vec<u16>,
}

impl Alphabet {
    fn new(lengths: Vec<u8>) -> Self {
        Self { codes: codes_of(&lengths), lengths }
    }

    fn write(&self, symbol: u16, to: &mut Writer) {
        let at = usize::from(symbol);
        if let (Some(code), Some(length)) = (self.codes.get(at), self.lengths.get(at)) {
            to.write(u32::from(*code), u32::from(*length));
        }
    }

    /// How many bits it takes to write symbols that come so often.
    fn bits(&self, counts: &[u32], more: impl Fn(u16) -> u32) -> u64 {
        let each = |((count, length), symbol): ((&u32, &u8), u16)| {
            u64::from(*count) * u64::from(u32::from(*length) + more(symbol))
        };
        counts.iter().zip(&self.lengths).zip(0..).map(each).sum()
    }
}

/// The codes of a block.
struct Codes {
    literals: Alphabet,
    distances: Alphabet,
}

impl Codes {
    fn new(literals: Vec<u8>, distances: Vec<u8>) -> Self {
        Self { literals: Alphabet::new(literals), distances: Alphabet::new(distances) }
    }

    fn bits(&self, literals: &[u32], distances: &[u32]) -> u64 {
        let of_lengths = |symbol| if symbol > END { super::symbols::lengths(symbol).1 } else { 0 };
        let of_distances = |symbol| super::symbols::distances(symbol).1;
        self.literals.bits(literals, of_lengths) + self.distances.bits(distances, of_distances)
    }

    fn write(&self, tokens: &[Token], to: &mut Writer) {
        to.restart();
        for token in tokens {
            self.write_copies(to);
            match token {
                Token::Byte(byte) => self.literals.write(u16::from(*byte), to),
                Token::Copy { length, distance } => {
                    let (symbol, more, bits) = of_length(*length);
                    self.literals.write(symbol, to);
                    to.write(more, bits);
                    to.leave_copy(*distance);
                }
            }
            to.advance();
        }
        self.write_copies(to);
        self.literals.write(END, to);
        to.round(|to| {
            if let Some(distance) = to.take_copy() {
                self.write_distance(distance, to);
            }
        });
    }

    /// Says from how far back copies are, as long as streams have any.
    fn write_copies(&self, to: &mut Writer) {
        while let Some(distance) = to.take_copy() {
            self.write_distance(distance, to);
            to.advance();
        }
    }

    fn write_distance(&self, distance: u32, to: &mut Writer) {
        let (symbol, more, bits) = of_distance(distance);
        self.distances.write(symbol, to);
        to.write(more, bits);
    }

    /// How the codes themselves are said.
    fn said(&self) -> Said {
        let used = |lengths: &[u8], least: usize| {
            lengths.iter().rposition(|length| *length > 0).map_or(0, |last| last + 1).max(least)
        };
        let literals = used(&self.literals.lengths, usize::from(END) + 1);
        let distances = used(&self.distances.lengths, 1);
        let all = self.literals.lengths.iter().take(literals);
        let all: Vec<u8> =
            all.chain(self.distances.lengths.iter().take(distances)).copied().collect();
        let mut runs = Vec::new();
        for run in all.chunk_by(|one, other| one == other) {
            let length = run.first().copied().unwrap_or_default();
            let mut left = run.len() as u32;
            if length > 0 {
                runs.push((u16::from(length), 0, 0));
                left -= 1;
            }
            while left > 0 {
                let (symbol, least, most, bits) = match length {
                    0 if left > 10 => (18, 11, 138, 7),
                    0 => (17, 3, 10, 3),
                    _ => (16, 3, 6, 2),
                };
                if left < least {
                    runs.push((u16::from(length), 0, 0));
                    left -= 1;
                    continue;
                }
                let count = left.min(most);
                runs.push((symbol, count - least, bits));
                left -= count;
            }
        }
        let mut counts = vec![0; ORDER.len()];
        for (symbol, ..) in &runs {
            if let Some(count) = counts.get_mut(usize::from(*symbol)) {
                *count += 1;
            }
        }
        let alphabet = Alphabet::new(lengths_of(&counts, LONGEST_OF_LENGTHS));
        Said { literals, distances, runs, alphabet }
    }
}

/// The lengths of codes, as they are written: symbols with more bits.
struct Said {
    literals: usize,
    distances: usize,
    runs: Vec<(u16, u32, u32)>,
    alphabet: Alphabet,
}

impl Said {
    fn bits(&self) -> u64 {
        let each = |(symbol, _, bits): &(u16, u32, u32)| {
            let length = self.alphabet.lengths.get(usize::from(*symbol));
            u64::from(length.copied().map_or(0, u32::from) + bits)
        };
        14 + 3 * ORDER.len() as u64 + self.runs.iter().map(each).sum::<u64>()
    }

    fn write(&self, to: &mut Writer) {
        let length = |symbol: usize| self.alphabet.lengths.get(symbol).copied().unwrap_or_default();
        let count =
            ORDER.iter().rposition(|symbol| length(*symbol) > 0).map_or(0, |last| last + 1).max(4);
        to.write((self.literals - 257) as u32, 5);
        to.write((self.distances - 1) as u32, 5);
        to.write((count - 4) as u32, 4);
        to.ensure();
        for symbol in ORDER.into_iter().take(count) {
            to.write(u32::from(length(symbol)), 3);
            to.advance();
        }
        to.restart();
        for (symbol, more, bits) in &self.runs {
            self.alphabet.write(*symbol, to);
            to.write(*more, *bits);
            to.advance();
        }
    }
}
