//! The 32 streams of bits of a page. Symbols go to one after the other; each takes words of four bytes from
//! what all have in common, whenever it has less than one left. So the words lie in the order in which
//! whoever reads needs them.

const LANES: usize = 32;

/// One of the streams, as it is read.
#[derive(Default, Clone, Copy)]
struct Source {
    bits: u64,
    count: u32,
    /// How many of the bits are there: behind the end are zeros.
    real: u32,
    /// A copy of which it has yet to say from how far back: where it goes, and its length.
    copy: Option<(usize, usize)>,
}

/// What is read of a page.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    lanes: [Source; LANES],
    at: usize,
    cut_off: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut reader = Self { rest: bytes, lanes: Default::default(), at: 0, cut_off: false };
        (0..LANES).for_each(|_| reader.advance());
        reader
    }

    fn lane(&mut self) -> Option<&mut Source> {
        self.lanes.get_mut(self.at)
    }

    /// Goes back to the first stream.
    pub(super) fn restart(&mut self) {
        self.at = 0;
    }

    /// Sees to it that 32 bits can be read.
    pub(super) fn ensure(&mut self) {
        let (word, rest, real) = match self.rest.split_first_chunk() {
            Some((word, rest)) => (u32::from_le_bytes(*word), rest, u32::BITS),
            None => (0, self.rest, 0),
        };
        let Some(lane) = self.lanes.get_mut(self.at) else { return };
        if lane.count < u32::BITS {
            lane.bits |= u64::from(word) << lane.count;
            lane.count += u32::BITS;
            lane.real += real;
            self.rest = rest;
        }
    }

    /// Goes on to the next stream.
    pub(super) fn advance(&mut self) {
        self.ensure();
        self.at = (self.at + 1) % LANES;
    }

    /// The next bits; they are read again.
    pub(super) fn peek(&mut self) -> u32 {
        self.lane().map_or(0, |lane| lane.bits as u32)
    }

    pub(super) fn skip(&mut self, count: u32) {
        let Some(lane) = self.lane() else { return };
        lane.bits >>= count;
        lane.count = lane.count.saturating_sub(count);
        match lane.real.checked_sub(count) {
            Some(real) => lane.real = real,
            None => self.cut_off = true,
        }
    }

    pub(super) fn read(&mut self, count: u32) -> u32 {
        let value = self.peek() & ((1 << count) - 1);
        self.skip(count);
        value
    }

    /// Takes the copy that waits in this stream.
    pub(super) fn take_copy(&mut self) -> Option<(usize, usize)> {
        self.lane()?.copy.take()
    }

    /// Leaves a copy to this stream.
    pub(super) fn leave_copy(&mut self, to: usize, length: usize) {
        if let Some(lane) = self.lane() {
            lane.copy = Some((to, length));
        }
    }

    pub(super) fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    /// Calls something once for each stream, from this one on.
    pub(super) fn round(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        for _ in 0..LANES {
            each(self)?;
            self.advance();
        }
        Ok(())
    }
}

/// One of the streams, as it is written.
#[derive(Default, Clone)]
struct Sink {
    words: Vec<u32>,
    bits: u64,
    count: u32,
    /// How many bits whoever reads has of it by now.
    held: u32,
    /// How far back a copy is of which it has yet to say so.
    copy: Option<u32>,
}

/// What is written of a page.
pub(super) struct Writer {
    lanes: Vec<Sink>,
    at: usize,
    /// Whose the words are, in order.
    order: Vec<u8>,
}

impl Writer {
    pub(super) fn new() -> Self {
        let mut writer = Self { lanes: vec![Sink::default(); LANES], at: 0, order: Vec::new() };
        (0..LANES).for_each(|_| writer.advance());
        writer
    }

    fn lane(&mut self) -> Option<&mut Sink> {
        self.lanes.get_mut(self.at)
    }

    pub(super) fn restart(&mut self) {
        self.at = 0;
    }

    pub(super) fn ensure(&mut self) {
        let at = self.at as u8;
        if let Some(lane) = self.lane().filter(|lane| lane.held < u32::BITS) {
            lane.held += u32::BITS;
            self.order.push(at);
        }
    }

    pub(super) fn advance(&mut self) {
        self.ensure();
        self.at = (self.at + 1) % LANES;
    }

    /// Writes the lowest bits of a number, 16 at most.
    pub(super) fn write(&mut self, value: u32, count: u32) {
        let Some(lane) = self.lane() else { return };
        lane.bits |= u64::from(value & ((1 << count) - 1)) << lane.count;
        lane.count += count;
        lane.held = lane.held.saturating_sub(count);
        if lane.count >= u32::BITS {
            lane.words.push(lane.bits as u32);
            lane.bits >>= u32::BITS;
            lane.count -= u32::BITS;
        }
    }

    pub(super) fn take_copy(&mut self) -> Option<u32> {
        self.lane()?.copy.take()
    }

    pub(super) fn leave_copy(&mut self, distance: u32) {
        if let Some(lane) = self.lane() {
            lane.copy = Some(distance);
        }
    }

    pub(super) fn round(&mut self, mut each: impl FnMut(&mut Self)) {
        for _ in 0..LANES {
            each(self);
            self.advance();
        }
    }

    /// All words, in the order in which they are needed.
    pub(super) fn finish(self) -> Vec<u8> {
        let words = |mut lane: Sink| {
            lane.words.push(lane.bits as u32);
            lane.words.into_iter()
        };
        let mut lanes: Vec<_> = self.lanes.into_iter().map(words).collect();
        let next = |at: u8| lanes.get_mut(usize::from(at)).and_then(Iterator::next).unwrap_or(0);
        self.order.into_iter().map(next).flat_map(u32::to_le_bytes).collect()
    }
}
