//! Unpacking BloscLZ, the way of Blosc that is its own: runs of literals, and copies of what came
//! before, as in FastLZ.

/// How far back a copy of the short kind reaches.
const NEAR: usize = 8_191;

/// Unpacks into a buffer; how many bytes that makes.
pub(super) fn unpack(packed: &[u8], to: &mut [u8]) -> Result<usize, String> {
    expand(packed, to).ok_or_else(|| "the packed bytes are damaged".to_string())
}

fn expand(packed: &[u8], to: &mut [u8]) -> Option<usize> {
    let (mut input, mut output) = (0, 0);
    let mut next = || {
        let byte = packed.get(input).copied();
        input += 1;
        byte
    };
    let mut control = usize::from(next()? & 31);
    loop {
        if control < 32 {
            let length = control + 1;
            for place in to.get_mut(output..output + length)? {
                *place = next()?;
            }
            output += length;
        } else {
            let mut length = (control >> 5) - 1;
            let mut distance = (control & 31) << 8;
            if length == 6 {
                loop {
                    let more = next()?;
                    length += usize::from(more);
                    if more != 255 {
                        break;
                    }
                }
            }
            length += 3;
            let low = usize::from(next()?);
            distance += low;
            if low == 255 && distance == NEAR {
                distance = NEAR + (usize::from(next()?) << 8) + usize::from(next()?);
            }
            let start = output.checked_sub(distance + 1)?;
            let end = output.checked_add(length).filter(|end| *end <= to.len())?;
            // What is copied may reach into what the copy makes: as much at a time as is there.
            while output < end {
                let step = (output - start).min(end - output);
                to.copy_within(start..start + step, output);
                output += step;
            }
        }
        match next() {
            Some(byte) => control = usize::from(byte),
            None => return Some(output),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_copies() {
        // Three literals, then seven bytes from three before: "abcabcabca".
        let packed = [2, b'a', b'b', b'c', 0b1010_0000, 2];
        let mut to = [0; 10];
        assert_eq!(unpack(&packed, &mut to), Ok(10));
        assert_eq!(&to, b"abcabcabca");
        let mut short = [0; 9];
        assert!(unpack(&packed, &mut short).is_err());
        assert!(unpack(&[], &mut to).is_err());
        assert!(unpack(&[2, b'a'], &mut to).is_err());
        assert!(unpack(&[0, b'a', 0b1110_0000, 255, 255], &mut to).is_err());
    }
}
