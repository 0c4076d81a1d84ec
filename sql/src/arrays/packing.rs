//! Verbs by which values take less room: several to a byte, or packed in memory.

use datafusion::execution::context::SessionContext;
use strata_connectors::Codec;
use strata_engine::{Bits, Labelled};

use super::arguments::{Bound, whole};
use super::{Value, asked};
use crate::error::{Error, Result};

/// These verbs, each with how it is written.
pub(super) const VERBS: &[(&str, &str)] = &[
    ("pack", "pack(bits => 2)"),
    ("persist", "persist(codec => 'lz4')"),
    ("unpack", "unpack(bits => 2, length => 1000)"),
];

/// What such a verb makes of an array.
pub(super) async fn call(
    session: &SessionContext,
    on: &Labelled,
    verb: &str,
    with: &mut Bound,
) -> Result<Value> {
    if !with.plain.is_empty() {
        return Err(super::misused(VERBS, verb));
    }
    if verb == "persist" {
        let codec = codec(with)?;
        with.done(&["codec"])?;
        let array = strata_connectors::persist(session, &on.array, codec).await?;
        let array = array.with_attributes(on.array.attributes().clone());
        return Ok(Value::Array(Labelled { array, ..on.clone() }));
    }
    let bits = bits(with, verb)?;
    let array = match verb {
        "pack" => {
            with.done(&["bits"])?;
            on.array.pack(bits)
        }
        _ => {
            let length = with.take("length").as_ref().map(whole).transpose()?;
            with.done(&["bits", "length"])?;
            let length = length.map(|length| {
                u64::try_from(length)
                    .map_err(|_| Error::text(format!("length => {length}: it is 0 or more")))
            });
            on.array.unpack(bits, length.transpose()?)
        }
    };
    let last = on.array.ndim().checked_sub(1);
    array.map(|made| Value::Array(on.made(made, last))).map_err(asked)
}

fn bits(with: &mut Bound, verb: &str) -> Result<Bits> {
    if !with.has("bits") {
        return Err(super::misused(VERBS, verb));
    }
    let bits = with.whole("bits", 0)?;
    Bits::of(bits).ok_or_else(|| {
        Error::text(format!("bits => {bits}: a byte is cut into values of 1, 2 or 4 bits"))
    })
}

/// How an array that stays in memory is packed there.
fn codec(with: &mut Bound) -> Result<Codec> {
    let name = match with.take("codec") {
        None => return Ok(Codec::None),
        Some(Value::Text(name)) => name,
        Some(_) => return Err(Error::text("codec => is a name, as in 'lz4'")),
    };
    let found = Codec::ALL.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(&name));
    found.ok_or_else(|| {
        Error::text(format!(
            "an array in memory is not packed by '{name}'; there are none, lz4 and zstd"
        ))
    })
}
