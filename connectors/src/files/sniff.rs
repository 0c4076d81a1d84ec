//! Detecting what a CSV file looks like from its beginning: which character separates its fields,
//! which one quotes them, and whether its first record names the columns.

use std::collections::HashSet;

/// How a CSV file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: u8,
    pub(crate) header: bool,
    /// A quoted value goes over several lines.
    pub(crate) newlines: bool,
}

/// What is known beforehand and not to be detected.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Given {
    pub(crate) delimiter: Option<u8>,
    pub(crate) quote: Option<u8>,
    pub(crate) header: Option<bool>,
    pub(crate) comment: Option<u8>,
    pub(crate) escape: Option<u8>,
}

const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];
const QUOTES: [u8; 2] = [b'"', b'\''];
/// As many records as are looked at.
const RECORDS: usize = 1_000;

/// Detects the dialect of a file that begins with `sample`, which `complete` says is all of it.
pub(crate) fn sniff(sample: &[u8], complete: bool, given: &Given) -> Dialect {
    let sample = sample.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(sample);
    let mut best: Option<((u32, usize), u8, u8, Records)> = None;
    let mut double_quoted = false;
    for quote in QUOTES.into_iter().filter(|quote| given.quote.is_none_or(|g| g == *quote)) {
        for delimiter in candidates(given) {
            let records = read(sample, complete, delimiter, quote, given);
            let mut score = score(&records);
            double_quoted |= quote == b'"' && records.quoted > 0;
            // Apostrophes are everywhere: they quote only where whole fields stand between them.
            if quote == b'\'' && (records.quoted < 2 || double_quoted) {
                continue;
            }
            if quote == b'\'' {
                score.0 += 1;
            }
            if best.as_ref().is_none_or(|(top, ..)| score > *top) {
                best = Some((score, delimiter, quote, records));
            }
        }
    }
    let (delimiter, quote, records) = match best {
        Some((_, delimiter, quote, records)) => (delimiter, quote, records),
        None => {
            let delimiter = given.delimiter.unwrap_or(b',');
            let quote = given.quote.unwrap_or(b'"');
            (delimiter, quote, read(sample, complete, delimiter, quote, given))
        }
    };
    let header = given.header.unwrap_or_else(|| has_header(&records.rows));
    Dialect { delimiter, quote, header, newlines: records.newlines }
}

/// The columns with a value such as '007', where the dialect is known.
pub(crate) fn zero_padded(sample: &[u8], complete: bool, known: &Given) -> HashSet<usize> {
    let sample = sample.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(sample);
    let (delimiter, quote) = (known.delimiter.unwrap_or(b','), known.quote.unwrap_or(b'"'));
    let records = read(sample, complete, delimiter, quote, known);
    let rows = records.rows.iter().skip(usize::from(known.header == Some(true)));
    let padded = |value: &str| {
        value.len() > 1 && value.starts_with('0') && value.bytes().all(|byte| byte.is_ascii_digit())
    };
    rows.flat_map(|row| row.iter().enumerate())
        .filter(|(_, value)| padded(value))
        .map(|(column, _)| column)
        .collect()
}

fn candidates(given: &Given) -> Vec<u8> {
    given.delimiter.map_or_else(|| DELIMITERS.to_vec(), |delimiter| vec![delimiter])
}

/// How well the records agree on a number of fields, in hundredths, then how many fields.
fn score(records: &Records) -> (u32, usize) {
    let mut counts: Vec<usize> = records.rows.iter().map(Vec::len).collect();
    if counts.is_empty() {
        return (0, 0);
    }
    let total = counts.len();
    counts.sort_unstable();
    let (mode, times) = counts
        .chunk_by(|left, right| left == right)
        .filter_map(|run| Some((*run.first()?, run.len())))
        .max_by_key(|(fields, times)| (*times, *fields))
        .unwrap_or((1, 0));
    // One column is what any other separator gives: only a last resort.
    if mode < 2 { (0, mode) } else { ((times * 100 / total) as u32, mode) }
}

#[derive(Debug, Default)]
struct Records {
    rows: Vec<Vec<String>>,
    /// How many fields were quoted from end to end.
    quoted: usize,
    newlines: bool,
}

fn read(sample: &[u8], complete: bool, delimiter: u8, quote: u8, given: &Given) -> Records {
    let mut records = Records::default();
    let mut row: Vec<String> = Vec::new();
    let mut field: Vec<u8> = Vec::new();
    let mut state = State::FieldStart;
    let mut bytes = sample.iter().copied().peekable();
    let mut ended = true;
    while let Some(byte) = bytes.next() {
        if ended && given.comment == Some(byte) {
            while bytes.next_if(|byte| *byte != b'\n').is_some() {}
            bytes.next();
            continue;
        }
        ended = false;
        match state {
            State::Quoted if given.escape == Some(byte) => field.extend(bytes.next()),
            State::Quoted if byte == quote => {
                if bytes.next_if_eq(&quote).is_some() {
                    field.push(quote);
                } else {
                    state = State::AfterQuote;
                }
            }
            State::Quoted => {
                records.newlines |= byte == b'\n';
                field.push(byte);
            }
            State::FieldStart if byte == quote => state = State::Quoted,
            _ if byte == delimiter || byte == b'\n' || byte == b'\r' => {
                records.quoted += usize::from(matches!(state, State::AfterQuote));
                row.push(String::from_utf8_lossy(&field).into_owned());
                field.clear();
                state = State::FieldStart;
                if byte != delimiter {
                    if byte == b'\r' {
                        bytes.next_if_eq(&b'\n');
                    }
                    end_record(&mut records, &mut row);
                    ended = true;
                    if records.rows.len() >= RECORDS {
                        return records;
                    }
                }
            }
            State::FieldStart => {
                state = State::Plain;
                field.push(byte);
            }
            State::Plain | State::AfterQuote => field.push(byte),
        }
    }
    // A record cut by the end of the sample says nothing about the number of fields.
    if !ended && (complete || records.rows.is_empty()) {
        records.quoted += usize::from(matches!(state, State::AfterQuote));
        row.push(String::from_utf8_lossy(&field).into_owned());
        end_record(&mut records, &mut row);
    }
    records
}

enum State {
    FieldStart,
    Plain,
    Quoted,
    AfterQuote,
}

fn end_record(records: &mut Records, row: &mut Vec<String>) {
    let row = std::mem::take(row);
    // An empty line is no record.
    if row.len() > 1 || row.first().is_some_and(|field| !field.trim().is_empty()) {
        records.rows.push(row);
    }
}

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Empty,
    Number,
    Bool,
    Date,
    Text,
}

fn look(value: &str) -> Look {
    let value = value.trim();
    if value.is_empty() {
        return Look::Empty;
    }
    if value.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
        && value.parse::<f64>().is_ok()
    {
        return Look::Number;
    }
    if value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false") {
        return Look::Bool;
    }
    let date = value.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        date.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    if digits(0..4) && digits(5..7) && digits(8..10) && date.get(4) == date.get(7) {
        return Look::Date;
    }
    Look::Text
}

/// Whether the first record names the columns: it is of another type than what is below it, or it
/// is made of distinct names that nothing below repeats.
fn has_header(rows: &[Vec<String>]) -> bool {
    let Some((first, rest)) = rows.split_first() else { return true };
    let mut all_text = true;
    for (column, name) in first.iter().enumerate() {
        let looks: HashSet<u8> = rest
            .iter()
            .filter_map(|row| row.get(column))
            .map(|value| look(value))
            .filter(|look| *look != Look::Empty)
            .map(|look| look as u8)
            .collect();
        let typed = !looks.is_empty() && !looks.contains(&(Look::Text as u8));
        match look(name) {
            Look::Text if typed => return true,
            Look::Text => {}
            // A number or a date names no column.
            Look::Number | Look::Bool | Look::Date => return false,
            // A nameless column, as an index column has it, says nothing either way.
            Look::Empty => {}
        }
        all_text &= !typed;
    }
    if !all_text {
        return false;
    }
    let mut seen = HashSet::new();
    first.iter().all(|name| {
        let name = name.trim();
        name.len() <= 64 && name.contains(char::is_alphabetic) && seen.insert(name)
    }) && !first.iter().enumerate().any(|(column, name)| {
        rest.iter().any(|row| row.get(column).is_some_and(|value| value == name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sample: &str) -> Dialect {
        sniff(sample.as_bytes(), true, &Given::default())
    }

    #[test]
    fn delimiters_are_told_by_agreement() {
        assert_eq!(of("a,b\n1,2\n3,4\n").delimiter, b',');
        assert_eq!(of("a;b\n1,5;2,5\n3;4\n").delimiter, b';');
        assert_eq!(of("a\tb c, d\n1\tx\n2\ty, z, w\n").delimiter, b'\t');
        assert_eq!(of("a|b|c\n1|2|3").delimiter, b'|');
        assert_eq!(of("name\nann\nbob\n").delimiter, b',');
        assert_eq!(of("\"a;b\",c\n\"x;y;z\",1\n").delimiter, b',');
    }

    #[test]
    fn quotes_and_their_newlines() {
        let dialect = of("a,b\n\"x\ny\",2\n");
        assert_eq!((dialect.quote, dialect.newlines), (b'"', true));
        assert_eq!(of("a,b\n'x,y',2\n'z',3\n").quote, b'\'');
        assert_eq!(of("a,b\n'x \"y\", z',2\n'z',3\n").quote, b'\'');
        assert_eq!(of("a,b\nit's,2\nthey're,3\n").quote, b'"');
    }

    #[test]
    fn headers() {
        assert!(of("id,name\n1,ann\n2,bob\n").header);
        assert!(!of("1,ann\n2,bob\n").header);
        assert!(of("name,city\nann,oslo\nbob,rome\n").header);
        assert!(!of("ann,oslo\nann,rome\nbob,oslo\n").header);
        assert!(of("id,name\n").header);
        assert!(of(",value\n0,1.5\n1,2.5\n").header);
        assert!(of("\u{feff}id,name\n1,ann\n").header);
        assert!(!of("2020-01-01,5\n2020-01-02,6\n").header);
    }

    #[test]
    fn what_is_given_is_kept() {
        let given = Given { delimiter: Some(b':'), header: Some(false), ..Given::default() };
        let dialect = sniff(b"a:b\n1:2\n", true, &given);
        assert_eq!((dialect.delimiter, dialect.header), (b':', false));
    }
}
