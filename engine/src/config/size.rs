//! A number of bytes that people write and read as `512MiB`.

use std::fmt;
use std::str::FromStr;

/// A number of bytes.
///
/// ```
/// use strata_engine::ByteSize;
/// assert_eq!("2GiB".parse(), Ok(ByteSize(2 << 30)));
/// assert_eq!("1.5 kB".parse(), Ok(ByteSize(1500)));
/// assert_eq!(ByteSize(3 << 20).to_string(), "3MiB");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const BINARY: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl fmt::Display for ByteSize {
    /// The largest unit that shows the value exactly or with one decimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, bytes) in BINARY {
            if self.0 >= bytes {
                if self.0.is_multiple_of(bytes) {
                    return write!(f, "{}{unit}", self.0 / bytes);
                }
                return write!(f, "{:.1}{unit}", self.0 as f64 / bytes as f64);
            }
        }
        f.write_str("0B")
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refusal =
            || format!("'{text}' is not a size; write a number and a unit, such as 512MiB or 2GB");
        let trimmed = text.trim();
        let split = trimmed
            .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'))
            .unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(split);
        let number: f64 = number.replace('_', "").parse().map_err(|_| refusal())?;
        let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            "t" | "tib" => 1 << 40,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => return Err(refusal()),
        };
        let bytes = number * factor as f64;
        // A float this large has lost its last digits, and no machine has this much.
        if !bytes.is_finite() || bytes >= (1u64 << 60) as f64 {
            return Err(format!("'{text}' is more than any machine has"));
        }
        Ok(Self(bytes as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_back_as_they_print() {
        for bytes in [0, 1, 1023, 1 << 10, 1 << 20, 3 << 30, 7 << 40] {
            let size = ByteSize(bytes);
            assert_eq!(size.to_string().parse(), Ok(size));
        }
    }

    #[test]
    fn nonsense_is_refused_with_an_example() {
        for text in ["", "GiB", "-1GiB", "2 parsecs", "1e400", "9999999TiB", "1..2MB"] {
            let error = text.parse::<ByteSize>().unwrap_err();
            assert!(error.contains(text.trim()), "{error}");
        }
    }
}
