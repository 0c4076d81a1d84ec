//! From a page to its bytes. A copy says first how long it is, and from how far back when its stream is at
//! turn again; what comes behind it goes on meanwhile.

use super::codes::{Decoder, LONGEST};
use super::lanes::Reader;
use super::symbols::{END, ORDER, distances, fixed, lengths};

/// Fills a buffer with what a page holds, which must be as much.
pub(super) fn decode(page: &[u8], to: &mut [u8]) -> Result<(), String> {
    let mut from = Reader::new(page);
    let mut page = Page { to, filled: 0 };
    loop {
        from.restart();
        let last = from.read(1) == 1;
        let kind = from.read(2);
        from.ensure();
        match kind {
            0 => page.stored(&mut from)?,
            1 => {
                let (literals, distances) = fixed();
                page.coded(&mut from, &Decoder::new(&literals)?, &Decoder::new(&distances)?)?;
            }
            2 => {
                let (literals, distances) = codes(&mut from)?;
                page.coded(&mut from, &literals, &distances)?;
            }
            _ => return Err(damaged("a block is of no kind")),
        }
        check(&from)?;
        if last {
            break;
        }
    }
    match page.filled == page.to.len() {
        true => Ok(()),
        false => {
            Err(damaged(&format!("a page holds {} bytes, expected {}", page.filled, page.to.len())))
        }
    }
}

fn damaged(why: &str) -> String {
    format!("the packed bytes are damaged: {why}")
}

fn check(from: &Reader<'_>) -> Result<(), String> {
    match from.is_cut_off() {
        true => Err(damaged("a page ends too early")),
        false => Ok(()),
    }
}

/// Reads the codes of a block.
fn codes(from: &mut Reader<'_>) -> Result<(Decoder, Decoder), String> {
    let literals = from.read(5) as usize + 257;
    let all = literals + from.read(5) as usize + 1;
    let count = from.read(4) as usize + 4;
    from.ensure();
    let mut own = [0; ORDER.len()];
    for symbol in ORDER.into_iter().take(count) {
        if let Some(length) = own.get_mut(symbol) {
            *length = from.read(3) as u8;
        }
        from.advance();
    }
    let own = Decoder::new(&own).map_err(|error| damaged(&error))?;
    from.restart();
    let mut found: Vec<u8> = Vec::with_capacity(all);
    while found.len() < all {
        let (length, count) = match symbol(from, &own)? {
            16 => {
                let last = found.last().copied();
                (
                    last.ok_or_else(|| damaged("nothing comes before what is repeated"))?,
                    from.read(2) + 3,
                )
            }
            17 => (0, from.read(3) + 3),
            18 => (0, from.read(7) + 11),
            length => (length as u8, 1),
        };
        found.resize(found.len() + count as usize, length);
        from.advance();
        check(from)?;
    }
    let (literals, distances) = found.split_at_checked(literals).unwrap_or_default();
    if found.len() != all {
        return Err(damaged("there are more codes than symbols"));
    }
    let made = |lengths| Decoder::new(lengths).map_err(|error| damaged(&error));
    Ok((made(literals)?, made(distances)?))
}

fn symbol(from: &mut Reader<'_>, by: &Decoder) -> Result<u16, String> {
    let bits = from.peek() & ((1 << LONGEST) - 1);
    let (symbol, length) = by.find(bits).ok_or_else(|| damaged("a code is of no symbol"))?;
    from.skip(length);
    Ok(symbol)
}

/// What a page holds, as far as it is known.
struct Page<'a> {
    to: &'a mut [u8],
    filled: usize,
}

impl Page<'_> {
    /// A place for more bytes.
    fn reserve(&mut self, count: usize) -> Result<usize, String> {
        let start = self.filled;
        match start.checked_add(count).filter(|end| *end <= self.to.len()) {
            Some(end) => {
                self.filled = end;
                Ok(start)
            }
            None => Err(damaged(&format!("a page holds more than {} bytes", self.to.len()))),
        }
    }

    fn push(&mut self, byte: u8) -> Result<(), String> {
        let at = self.reserve(1)?;
        if let Some(place) = self.to.get_mut(at) {
            *place = byte;
        }
        Ok(())
    }

    /// A block of bytes as they are.
    fn stored(&mut self, from: &mut Reader<'_>) -> Result<(), String> {
        for _ in 0..from.read(16) {
            let byte = from.read(8) as u8;
            self.push(byte)?;
            from.advance();
            check(from)?;
        }
        from.round(|_| Ok(()))
    }

    /// A block of symbols.
    fn coded(
        &mut self,
        from: &mut Reader<'_>,
        literals: &Decoder,
        distances: &Decoder,
    ) -> Result<(), String> {
        from.restart();
        loop {
            check(from)?;
            if let Some(copy) = from.take_copy() {
                self.copy(from, copy, distances)?;
                from.advance();
                continue;
            }
            match symbol(from, literals)? {
                byte @ 0..END => self.push(byte as u8)?,
                END => break,
                length => {
                    let (base, bits) = lengths(length);
                    let length = (base + from.read(bits)) as usize;
                    let start = self.reserve(length)?;
                    from.leave_copy(start, length);
                }
            }
            from.advance();
        }
        from.round(|from| match from.take_copy() {
            Some(copy) => self.copy(from, copy, distances),
            None => Ok(()),
        })
    }

    /// Reads from how far back a copy is, and copies.
    fn copy(
        &mut self,
        from: &mut Reader<'_>,
        (start, length): (usize, usize),
        by: &Decoder,
    ) -> Result<(), String> {
        let (base, bits) = distances(symbol(from, by)?);
        let distance = (base + from.read(bits)) as usize;
        let source =
            start.checked_sub(distance).ok_or_else(|| damaged("a copy is from before its page"))?;
        // What is copied may be what the copy itself makes: then it is so, more of it each time.
        let mut done = 0;
        while done < length {
            let count = (distance + done).min(length - done);
            self.to.copy_within(source..source + count, start + done);
            done += count;
        }
        Ok(())
    }
}
