//! Numbers as people read them.

/// A value in full, to six digits: beside a bar, in a tooltip.
pub(super) fn value(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 {
        return "0".to_string();
    }
    if !(1e-4..1e15).contains(&size) {
        return format!("{number:.3e}");
    }
    let decimals = if number.fract() == 0.0 { 0 } else { (5 - magnitude(size)).clamp(0, 9) };
    let text = grouped(number, decimals as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}

/// A mark on an axis whose marks are `step` apart and reach to `most`.
pub(super) fn tick(number: f64, step: f64, most: f64) -> String {
    // What should be zero is often not quite.
    let number = if number.abs() < step * 1e-6 { 0.0 } else { number };
    if most >= 1e16 || step < 1e-6 {
        return if number == 0.0 { "0".to_string() } else { format!("{number:.1e}") };
    }
    let units = [(1e12, "T"), (1e9, "B"), (1e6, "M")];
    let (unit, name) = units.into_iter().find(|(unit, _)| most >= *unit).unwrap_or((1.0, ""));
    let decimals = (-magnitude(step / unit * 1.000_001)).clamp(0, 9) as usize;
    match number == 0.0 {
        true => "0".to_string(),
        false => format!("{}{name}", grouped(number / unit, decimals)),
    }
}

/// The power of ten of a number's first digit.
pub(super) fn magnitude(size: f64) -> i32 {
    size.log10().floor() as i32
}

/// A number with commas between thousands, from 10,000 on: 2024 is more often a year.
fn grouped(number: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", number.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    if number < 0.0 && text.chars().any(|c| ('1'..='9').contains(&c)) {
        grouped.push('-');
    }
    match whole.parse::<u64>() {
        Ok(whole) if whole >= 10_000 => {
            grouped.push_str(&crate::shell::output::thousands(whole));
        }
        _ => grouped.push_str(whole),
    }
    if !fraction.is_empty() {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_well() {
        let cases = [
            (0.0, "0"),
            (1.0, "1"),
            (-2024.0, "-2024"),
            (1_234_567.0, "1,234,567"),
            (0.1 + 0.2, "0.3"),
            (12.345_678_9, "12.3457"),
            (123_456.789, "123,457"),
            (1e-9, "1.000e-9"),
            (-1.5e20, "-1.500e20"),
        ];
        for (number, text) in cases {
            assert_eq!(value(number), text);
        }
    }

    #[test]
    fn ticks_have_the_digits_they_need() {
        assert_eq!(tick(0.5, 0.5, 2.0), "0.5");
        assert_eq!(tick(1.0, 0.5, 2.0), "1.0");
        assert_eq!(tick(2020.0, 5.0, 2024.0), "2020");
        assert_eq!(tick(20_000.0, 10_000.0, 50_000.0), "20,000");
        assert_eq!(tick(1_500_000.0, 500_000.0, 2e6), "1.5M");
        assert_eq!(tick(1e-17, 0.1, 1.0), "0");
        assert_eq!(tick(3e9, 1e9, 5e9), "3B");
        assert_eq!(tick(2e-8, 1e-8, 5e-8), "2.0e-8");
    }
}
