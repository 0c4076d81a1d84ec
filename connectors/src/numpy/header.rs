//! What stands before the values of a `.npy` file: a mark, a version, a length, and a dictionary as Python
//! writes it.
//!
//! ```text
//! \x93NUMPY 1 0 <length> {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }   \n  values
//! ```

use serde::{Deserialize, Serialize};
use serde_json::json;
use strata_engine::{DType, Kind, cells};

use crate::zarr::Stored;

/// How a file begins.
const MARK: &[u8] = b"\x93NUMPY";

/// The longest header that is read; NumPy itself stops at 10,000 bytes.
pub(super) const LONGEST: u64 = 1 << 20;

/// Lists within lists.
const DEEPEST: usize = 8;

/// What a file says of its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) dtype: DType,
    /// By what stored times are multiplied.
    pub(super) times: i64,
    /// Whether the big end of a value comes first.
    pub(super) big: bool,
    /// Whether the first dimension runs fastest.
    pub(super) fortran: bool,
    pub(super) shape: Vec<u64>,
    /// Where the values begin.
    pub(super) start: u64,
}

impl Header {
    /// Where the values end; none beyond what can be counted.
    pub(super) fn end(&self) -> Option<u64> {
        let bytes = cells(&self.shape)?.checked_mul(self.dtype.width() as u64)?;
        bytes.checked_add(self.start).filter(|end| *end <= i64::MAX as u64)
    }
}

/// Where the values begin, from the first bytes of a file.
pub(super) fn length(head: &[u8]) -> Result<u64, String> {
    let (mark, rest) = head.split_at_checked(MARK.len()).unwrap_or_default();
    if mark != MARK {
        return Err("it is no .npy file: it does not begin as one".to_string());
    }
    let length = match *rest {
        [1, _, a, b, ..] => 10 + u64::from(u16::from_le_bytes([a, b])),
        [2 | 3, _, a, b, c, d, ..] => 12 + u64::from(u32::from_le_bytes([a, b, c, d])),
        [version, ..] if version > 3 => {
            return Err(format!("it is of version {version} of .npy; 1, 2 and 3 are known"));
        }
        _ => return Err("it is cut off within its header".to_string()),
    };
    match length <= LONGEST {
        true => Ok(length),
        false => Err(format!(
            "its header is said to have {length} bytes; no more than {LONGEST} are read"
        )),
    }
}

/// What a whole header says.
pub(super) fn parse(head: &[u8]) -> Result<Header, String> {
    let start = length(head)?;
    let from = if head.get(MARK.len()) == Some(&1) { 10 } else { 12 };
    let said = head.get(from..usize::try_from(start).unwrap_or(usize::MAX));
    let said = said.ok_or("it is cut off within its header")?;
    // Versions 1 and 2 are Latin-1, which differs from UTF-8 in names of fields only, and those are refused.
    let text = String::from_utf8_lossy(said);
    let mut reader = Reader(text.trim_end());
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    reader.expect('{')?;
    while !reader.takes('}') {
        let Literal::Text(key) = reader.literal(0)? else { return Err(unread()) };
        reader.expect(':')?;
        let value = reader.literal(0)?;
        let place = match key {
            "descr" => &mut descr,
            "fortran_order" => &mut fortran,
            "shape" => &mut shape,
            other => return Err(format!("its header says '{other}', which is not known")),
        };
        *place = Some(value);
        if !reader.takes(',') {
            reader.expect('}')?;
            break;
        }
    }
    if !reader.0.trim().is_empty() {
        return Err(unread());
    }
    let (Some(descr), Some(Literal::Truth(fortran)), Some(Literal::Many(shape))) =
        (descr, fortran, shape)
    else {
        return Err("its header does not say descr, fortran_order and shape".to_string());
    };
    let shape = shape.into_iter().map(|length| match length {
        Literal::Number(length) => Ok(length),
        _ => Err(unread()),
    });
    let shape = shape.collect::<Result<Vec<u64>, _>>()?;
    let Literal::Text(descr) = descr else {
        return Err("it holds records, which cannot be read: save each of their fields".to_string());
    };
    if descr.ends_with('O') {
        return Err("it holds Python objects, which are pickled and cannot be read: save numbers"
            .to_string());
    }
    let (Stored { dtype, times }, big) = Stored::of_v2(&json!(descr))?;
    let header = Header { dtype, times, big, fortran, shape, start };
    match header.end() {
        Some(_) => Ok(header),
        None => Err(format!("its shape {:?} is larger than can be counted", header.shape)),
    }
}

/// The header of values in the order of C, as this machine has them; the values begin at a multiple of 64.
pub(super) fn write(dtype: DType, shape: &[u64]) -> Vec<u8> {
    let little = cfg!(target_endian = "little");
    let order = if little { '<' } else { '>' };
    let descr = match dtype {
        DType::Time(unit) => format!("{order}M8[{}]", unit.name()),
        DType::Span(unit) => format!("{order}m8[{}]", unit.name()),
        DType::Plain(Kind::Bool) => "|b1".to_string(),
        DType::Plain(kind) => {
            let order = if kind.width() == 1 { '|' } else { order };
            let letter = match kind {
                _ if kind.is_float() => 'f',
                _ if kind.is_signed() => 'i',
                _ => 'u',
            };
            format!("{order}{letter}{}", kind.width())
        }
    };
    // A tuple of one has a comma, too.
    let lengths: Vec<String> = shape.iter().map(|length| format!("{length},")).collect();
    let shape = match &lengths[..] {
        [_, _, ..] => lengths.join(" ").trim_end_matches(',').to_string(),
        few => few.concat(),
    };
    let said = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    // No more than 32 lengths of 20 digits: it fits into version 1.
    let whole = (MARK.len() + 4 + said.len() + 1).next_multiple_of(64);
    let mut bytes = MARK.to_vec();
    bytes.extend([1, 0]);
    bytes.extend(((whole - MARK.len() - 4) as u16).to_le_bytes());
    bytes.extend(said.as_bytes());
    bytes.resize(whole - 1, b' ');
    bytes.push(b'\n');
    bytes
}

/// A value as Python writes it.
enum Literal<'a> {
    Text(&'a str),
    Truth(bool),
    Number(u64),
    Many(Vec<Literal<'a>>),
}

/// What is left to be read.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn takes(&mut self, what: char) -> bool {
        self.0 = self.0.trim_start();
        let rest = self.0.strip_prefix(what);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, what: char) -> Result<(), String> {
        if self.takes(what) { Ok(()) } else { Err(unread()) }
    }

    fn literal(&mut self, depth: usize) -> Result<Literal<'a>, String> {
        if depth > DEEPEST {
            return Err(unread());
        }
        for quote in ['\'', '"'] {
            if self.takes(quote) {
                let (text, rest) = self.0.split_once(quote).ok_or_else(unread)?;
                self.0 = rest;
                return Ok(Literal::Text(text));
            }
        }
        for (open, close) in [('(', ')'), ('[', ']')] {
            if !self.takes(open) {
                continue;
            }
            let mut all = Vec::new();
            while !self.takes(close) {
                all.push(self.literal(depth + 1)?);
                if !self.takes(',') {
                    self.expect(close)?;
                    break;
                }
            }
            return Ok(Literal::Many(all));
        }
        let end = self.0.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        match word {
            "True" => Ok(Literal::Truth(true)),
            "False" => Ok(Literal::Truth(false)),
            // Python 2 wrote long numbers as 3L.
            number => {
                number.trim_end_matches('L').parse().map(Literal::Number).map_err(|_| unread())
            }
        }
    }
}

fn unread() -> String {
    "its header is no dictionary of Python that can be read".to_string()
}

#[cfg(test)]
mod tests {
    use strata_engine::Unit;

    use super::*;

    fn of(version: u8, said: &str) -> Vec<u8> {
        let mut bytes = MARK.to_vec();
        bytes.extend([version, 0]);
        match version {
            1 => bytes.extend((said.len() as u16).to_le_bytes()),
            _ => bytes.extend((said.len() as u32).to_le_bytes()),
        }
        bytes.extend(said.as_bytes());
        bytes
    }

    #[test]
    fn headers_of_all_versions_are_read() {
        for version in 1..=3 {
            let said = "{'descr': '>i4', 'fortran_order': True, 'shape': (3, 4L), }   \n";
            let header = parse(&of(version, said)).unwrap();
            assert_eq!(header.shape, [3, 4]);
            assert!(header.big && header.fortran && header.dtype == DType::Plain(Kind::I32));
        }
        let header =
            parse(&of(1, "{\"shape\":(),'descr':'<M8[D]','fortran_order':False}")).unwrap();
        assert_eq!((header.shape.len(), header.times), (0, 86_400));
    }

    #[test]
    fn what_is_written_is_read() {
        let kinds = Kind::ALL.into_iter().map(DType::Plain);
        for dtype in kinds.chain([DType::Time(Unit::Nanoseconds), DType::Span(Unit::Seconds)]) {
            for shape in [&[][..], &[7], &[3, 4], &[u64::MAX >> 8, 1, 0]] {
                let bytes = write(dtype, shape);
                let header = parse(&bytes).unwrap();
                assert_eq!((header.dtype, &header.shape[..]), (dtype, shape));
                assert_eq!((header.start, bytes.len() % 64), (bytes.len() as u64, 0));
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let with = |descr: &str, shape: &str| {
            format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}")
        };
        for (bytes, says) in [
            (b"PK\x03\x04".to_vec(), "no .npy file"),
            (vec![], "no .npy file"),
            (MARK.to_vec(), "cut off"),
            (of(9, ""), "version 9"),
            (of(1, &with("'|O'", "(3,)")), "Python objects"),
            (of(1, &with("[('a', '<f4')]", "(3,)")), "records"),
            (of(1, &with("'<c8'", "(3,)")), "cannot be read"),
            (of(1, &with("'<f8'", "(-3,)")), "no dictionary"),
            (of(1, &with("'<f8'", "(9223372036854775807, 2)")), "larger than can be counted"),
            (of(1, &with("'<f8'", "(99999999999999999999,)")), "no dictionary"),
            (of(1, "{'descr': '<f8'}"), "does not say"),
            (of(1, &with("'<f8'", &"(".repeat(5000))), "no dictionary"),
            (of(1, "__import__('os')"), "no dictionary"),
            ([MARK, &[2, 0, 255, 255, 255, 255]].concat(), "no more than"),
            ([MARK, &[1, 0, 255, 255, b'{']].concat(), "cut off"),
        ] {
            let error = parse(&bytes).unwrap_err();
            assert!(error.contains(says), "{says}: {error}");
        }
    }
}
