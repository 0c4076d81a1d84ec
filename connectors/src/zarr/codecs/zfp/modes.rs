//! How much is kept of each block.

use serde_json::{Map, Value};

/// The lowest power of two that a float has. Whoever asks for one below it wants all of them back as they were.
pub(super) const LOWEST: i32 = -1074;

/// A block has no more bits than this.
const MOST: u32 = 16_658;

/// No block is filled up to more bits than this, which is what headers can say.
const WIDEST: u32 = 1 << 15;

/// In how many planes of bits a block is at most.
const PLANES: u32 = 64;

/// What bounds a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// A block that takes fewer bits is filled up with zeros.
    pub(super) least: u32,
    /// A block ends after so many bits.
    pub(super) most: u32,
    /// So many planes of bits are kept.
    pub(super) planes: u32,
    /// Of floats, planes below this power of two are not.
    pub(super) lowest: i32,
}

impl Limits {
    const NONE: Self = Self { least: 1, most: MOST, planes: PLANES, lowest: LOWEST };

    /// Those of an expert, if they can be.
    pub(super) fn checked(self) -> Result<Self, String> {
        let Self { least, most, planes, .. } = self;
        if least > most || least > WIDEST {
            return Err(format!(
                "blocks of at least {least} bits and at most {most} cannot be; there are those of up to {WIDEST}"
            ));
        }
        if planes == 0 || planes > PLANES {
            return Err(format!("{planes} planes of bits cannot be kept; 1 to {PLANES} can"));
        }
        Ok(self)
    }

    /// Whether blocks come back exactly as they were.
    pub(super) fn is_exact(&self) -> bool {
        self.lowest < LOWEST
    }

    /// As the header of a stream has it: in 12 bits or in 64.
    pub(super) fn to_word(self) -> (u64, u32) {
        let Self { least, most, planes, lowest } = self;
        let rest = Self { least: Self::NONE.least, most: Self::NONE.most, ..self };
        let short = if least == most
            && (1..=2048).contains(&most)
            && planes == PLANES
            && lowest == LOWEST
        {
            Some(most - 1)
        } else if self == rest && self != Self::NONE && lowest == LOWEST {
            Some(2048 + planes - 1)
        } else if self == rest && self != Self::NONE && planes == PLANES && self.is_exact() {
            Some(2048 + 128)
        } else if self == rest && self != Self::NONE && planes == PLANES && lowest <= 843 {
            Some(2048 + 128 + 1 + lowest.abs_diff(LOWEST))
        } else {
            None
        };
        if let Some(short) = short {
            return (u64::from(short), 12);
        }
        let lowest = lowest.saturating_add(16_495).clamp(0, 0x7fff).unsigned_abs();
        let counted = |bits: u32| u64::from(bits.clamp(1, WIDEST) - 1);
        let words = [
            (u64::from(lowest), 0),
            (u64::from(planes - 1), 7),
            (counted(most), 15),
            (counted(least), 15),
            (0xfff, 12),
        ];
        (words.into_iter().fold(0, |all, (word, bits)| (all << bits) | word), 64)
    }

    /// Of such a header: what says more bits reads them.
    pub(super) fn of_word(short: u64, more: impl FnOnce(u32) -> u64) -> Result<Self, String> {
        let short = short as u32 & 0xfff;
        let limits = match short {
            ..2048 => Self { least: short + 1, most: short + 1, ..Self::NONE },
            2048..2176 => Self { planes: short - 2047, ..Self::NONE },
            2176 => Self { lowest: LOWEST - 1, ..Self::NONE },
            2177..0xfff => {
                Self { lowest: LOWEST.saturating_add_unsigned(short - 2177), ..Self::NONE }
            }
            _ => {
                let word = more(52);
                let part = |from: u32, bits: u32| (word >> from) as u32 & ((1 << bits) - 1);
                Self {
                    least: part(0, 15) + 1,
                    most: part(15, 15) + 1,
                    planes: part(30, 7) + 1,
                    lowest: (-16_495_i32).saturating_add_unsigned(part(37, 15)),
                }
            }
        };
        limits.checked()
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Mode {
    /// So many bits for each value.
    Rate(f64),
    /// So many planes of bits.
    Precision(u32),
    /// No value further from what it was than this.
    Accuracy(f64),
    /// All as it was.
    Exact,
    /// As it is said.
    Expert(Limits),
}

impl Mode {
    /// Of the settings of `zfp`.
    pub(super) fn of_names(settings: &Map<String, Value>) -> Result<Self, String> {
        let count = |name: &str| {
            let value = settings.get(name).and_then(Value::as_u64);
            let value = value.and_then(|value| u32::try_from(value).ok());
            value.ok_or_else(|| format!("it does not say its '{name}' as a whole number"))
        };
        let mode = settings.get("mode").and_then(Value::as_str);
        Ok(match mode.ok_or("it does not say its 'mode'")? {
            "fixed_rate" => Self::Rate(float(settings, "rate")?),
            "fixed_precision" => Self::Precision(count("precision")?),
            "fixed_accuracy" => Self::Accuracy(float(settings, "tolerance")?),
            "reversible" => Self::Exact,
            "expert" => {
                let lowest = settings.get("minexp").and_then(Value::as_i64);
                let lowest = lowest.and_then(|lowest| i32::try_from(lowest).ok());
                let lowest = lowest.ok_or("it does not say its 'minexp' as a whole number")?;
                let (least, most, planes) =
                    (count("minbits")?, count("maxbits")?, count("maxprec")?);
                Self::Expert(Limits { least, most, planes, lowest }.checked()?)
            }
            other => {
                return Err(format!(
                    "there is no mode '{other}'; there are fixed_rate, fixed_precision, fixed_accuracy, \
                     reversible and expert"
                ));
            }
        })
    }

    /// Of the settings of `zfpy`. What is not said there, or less than 0, is that all comes back as it was.
    pub(super) fn of_numbers(settings: &Map<String, Value>) -> Result<Self, String> {
        let said = |name: &str| match settings.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => float(settings, name).map(|value| Some(value).filter(|value| *value >= 0.0)),
        };
        let mode = match settings.get("mode") {
            None | Some(Value::Null) => Some(4),
            Some(mode) => mode.as_i64(),
        };
        let asked = match mode {
            Some(2) => said("rate")?.map(Self::Rate),
            Some(3) => said("precision")?.map(|planes| Self::Precision(planes as u32)),
            Some(4) => said("tolerance")?.map(Self::Accuracy),
            Some(5) => None,
            _ => {
                return Err(
                    "there is no such mode; there are 2 (rate), 3 (precision), 4 (tolerance) and 5 (reversible)"
                        .to_string(),
                );
            }
        };
        Ok(asked.unwrap_or(Self::Exact))
    }

    /// What that is for blocks of values in so many dimensions, that take so many bits at least.
    pub(super) fn limits(self, dims: u32, smallest: u32) -> Result<Limits, String> {
        let none = Limits::NONE;
        Ok(match self {
            Self::Rate(rate) => {
                let bits = (f64::from(1 << (2 * dims)) * rate + 0.5).floor();
                if !(1.0..=f64::from(WIDEST)).contains(&bits) {
                    return Err(format!(
                        "at a rate of {rate}, a block takes {bits} bits; 1 to {WIDEST} can be"
                    ));
                }
                let bits = (bits as u32).max(smallest);
                Limits { least: bits, most: bits, ..none }
            }
            Self::Precision(0) => none,
            Self::Precision(planes) => Limits { planes: planes.min(PLANES), ..none },
            Self::Accuracy(tolerance) if tolerance.is_finite() && tolerance >= 0.0 => {
                Limits { lowest: power(tolerance), ..none }
            }
            Self::Accuracy(tolerance) => {
                return Err(format!("a tolerance of {tolerance} cannot be; 0 and more can"));
            }
            Self::Exact => Limits { lowest: LOWEST - 1, ..none },
            Self::Expert(limits) => limits,
        })
    }
}

fn float(settings: &Map<String, Value>, name: &str) -> Result<f64, String> {
    let value = settings.get(name).and_then(Value::as_f64);
    value.ok_or_else(|| format!("it does not say its '{name}' as a number"))
}

/// The largest power of two that is no larger, for a number of 0 or more.
fn power(of: f64) -> i32 {
    let exponent = (of.to_bits() >> 52) as i32;
    match exponent {
        0 if of == 0.0 => LOWEST,
        0 => LOWEST.saturating_add_unsigned(of.to_bits().ilog2()),
        _ => exponent - 1023,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_limits() {
        let expert = Limits { least: 3, most: 700, planes: 19, lowest: -20 };
        for (mode, bits) in [
            (Mode::Rate(8.0), 12),
            (Mode::Rate(200.0), 64),
            (Mode::Precision(11), 12),
            (Mode::Precision(64), 64),
            (Mode::Accuracy(0.1), 12),
            (Mode::Accuracy(0.0), 64),
            (Mode::Accuracy(1e300), 64),
            (Mode::Exact, 12),
            (Mode::Expert(expert), 64),
        ] {
            let limits = mode.limits(2, 1).unwrap();
            let (word, count) = limits.to_word();
            assert_eq!(count, bits, "{mode:?}");
            let read = Limits::of_word(word & 0xfff, |more| {
                assert_eq!(more, 52);
                word >> 12
            });
            assert_eq!(read.unwrap(), limits, "{mode:?}");
        }
    }

    #[test]
    fn powers_are_no_larger() {
        for (number, found) in
            [(1.0, 0), (1.5, 0), (0.1, -4), (5e-324, -1074), (1e-310, -1030), (0.0, -1074)]
        {
            assert_eq!(power(number), found, "{number}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let expert = |least, most, planes| Limits { least, most, planes, lowest: 0 }.checked();
        for limits in
            [expert(9, 8, 1), expert(1, 8, 0), expert(1, 8, 65), expert(1 << 16, 1 << 17, 9)]
        {
            assert!(limits.is_err());
        }
        for mode in
            [Mode::Rate(0.0), Mode::Rate(1e9), Mode::Rate(f64::NAN), Mode::Accuracy(f64::INFINITY)]
        {
            assert!(mode.limits(1, 1).is_err(), "{mode:?}");
        }
    }
}
