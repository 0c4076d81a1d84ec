//! JSON as Python writes it: with `NaN` and infinities, which JSON does not have. They are read as
//! the strings that Zarr has for them.

use serde_json::{Map, Value};

/// Reads an object.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    let read = |bytes: &[u8]| serde_json::from_slice::<Map<String, Value>>(bytes);
    let parsed = read(bytes).or_else(|error| match quoted(bytes) {
        Some(quoted) => read(&quoted),
        None => Err(error),
    });
    parsed.map_err(|error| format!("it is no JSON object: {error}"))
}

/// The same with quotes around the numbers that JSON does not have; none where it has none of them.
fn quoted(bytes: &[u8]) -> Option<Vec<u8>> {
    const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
    let mut out = Vec::with_capacity(bytes.len() + 16);
    let (mut at, mut inside, mut changed) = (0, false, false);
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        match (inside, byte) {
            (true, b'\\') => {
                out.extend(rest.iter().take(2));
                at += 2;
                continue;
            }
            (_, b'"') => inside = !inside,
            (false, _) => {
                if let Some(word) = WORDS.into_iter().find(|word| rest.starts_with(word)) {
                    out.push(b'"');
                    out.extend(word);
                    out.push(b'"');
                    at += word.len();
                    changed = true;
                    continue;
                }
            }
            _ => {}
        }
        out.push(*byte);
        at += 1;
    }
    changed.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_json_does_not_have() {
        let text = br#"{"a": NaN, "b": [-Infinity, Infinity, 1], "c": "NaN \" NaN"}"#;
        let read = object(text).unwrap();
        assert_eq!(read["a"], "NaN");
        assert_eq!(read["b"], serde_json::json!(["-Infinity", "Infinity", 1]));
        assert_eq!(read["c"], "NaN \" NaN");
        assert!(object(b"{\"a\": Nope}").is_err());
        assert!(object(b"[1]").is_err());
        assert!(object(b"").is_err());
        assert!(object("[".repeat(100_000).as_bytes()).is_err());
    }
}
