//! `array.save('store.zarr')`: the end of a statement, which computes and writes.

use datafusion::execution::context::SessionContext;
use strata_connectors::zarr::{self, Existing, Lengths, Mode, Saved, Saves, Saving, Start};
use strata_connectors::{numpy, tensors};
use strata_engine::{ByteSize, counted};

use super::Value;
use super::arguments::{Bound, whole};
use super::bind::{bind, bind_arguments};
use super::compression::compression;
use crate::error::{Error, Result};
use crate::parse::{Term, What};

/// The options, for those who mistype one.
const OPTIONS: &[&str] = &[
    "overwrite",
    "append",
    "region",
    "chunks",
    "shards",
    "compression",
    "level",
    "tolerance",
    "rate",
    "precision",
    "attributes",
];

/// Saves, if that is what the term asks for; says what was written.
pub(crate) async fn save(session: &SessionContext, term: &Term) -> Result<Option<String>> {
    let What::Verb(on, verb, arguments) = &term.what else { return Ok(None) };
    if !verb.eq_ignore_ascii_case("save") {
        return Ok(None);
    }
    let about = |error: Error| error.about("save").at(term.at);
    let what = bind(session, on).await?;
    let with = bind_arguments(session, arguments, true).await.map_err(about)?;
    saved(session, what, with).await.map(Some).map_err(about)
}

async fn saved(session: &SessionContext, what: Value, mut with: Bound) -> Result<String> {
    let [Value::Text(path)] = &with.plain[..] else {
        return Err(Error::text("it takes the folder of a store, or a .npy or .arrow file").hint(
            "write save('anomaly.zarr') or save('anomaly.npy'), with overwrite => true where it is there",
        ));
    };
    let path = path.clone();
    let ending = path.to_ascii_lowercase().rsplit_once('.').map(|(_, ending)| ending.to_string());
    let saved = match ending.as_deref() {
        Some(file @ ("npy" | "arrow")) => {
            let existing = existing(&mut with)?;
            with.done(&["overwrite"])?;
            let array = what.array()?;
            match file {
                "npy" => numpy::save(session, &array.array, &path, existing).await,
                _ => tensors::save(session, &array, &path, existing).await,
            }
        }
        Some(file @ ("nc" | "nc4" | "h5" | "hdf5")) => {
            return Err(Error::text(format!("files as '.{file}' are not written"))
                .hint("save a Zarr store, as in save('x.zarr'): Xarray makes NetCDF of it"));
        }
        _ => {
            let saving = saving(&mut with)?;
            with.done(OPTIONS)?;
            match what.group() {
                Ok(group) => zarr::save(session, Saves::Group(&group), &path, &saving).await,
                Err(one) => zarr::save(session, Saves::Array(&one.array()?), &path, &saving).await,
            }
        }
    };
    let Saved { chunks, bytes } = saved?;
    Ok(format!("{path}: {}, {} of values", counted(chunks, "chunk"), ByteSize(bytes)))
}

fn existing(with: &mut Bound) -> Result<Existing> {
    Ok(if with.flag("overwrite")? { Existing::Overwrite } else { Existing::Refuse })
}

fn saving(with: &mut Bound) -> Result<Saving> {
    let existing = existing(with)?;
    let mode = match (with.take("append"), with.take("region")) {
        (None, None) => Mode::New(existing),
        _ if existing == Existing::Overwrite => {
            return Err(Error::text(
                "overwrite => true puts a new store in the place of the old one, and nothing \
                 into it: leave it out",
            ));
        }
        (Some(Value::Text(dim)), None) => Mode::Append(dim),
        (Some(Value::Number(number)), None) => {
            Mode::Append(whole(&Value::Number(number))?.to_string())
        }
        (None, Some(region)) => Mode::Region(start(&region)?),
        (Some(_), None) => {
            return Err(Error::text("append => is a dimension, as in append => time"));
        }
        (Some(_), Some(_)) => return Err(Error::text("append => or region =>, not both")),
    };
    let attributes = match with.take("attributes") {
        None => Default::default(),
        Some(Value::Text(text)) => serde_json::from_str(&text)
            .map_err(|error| Error::text(format!("attributes => is no object of JSON: {error}")))?,
        Some(_) => {
            return Err(Error::text("attributes => is a text in JSON")
                .hint("write attributes => '{\"units\": \"K\"}'"));
        }
    };
    Ok(Saving {
        mode,
        chunks: lengths(with, "chunks")?,
        shards: lengths(with, "shards")?,
        compression: compression(with)?,
        attributes,
    })
}

fn start(region: &Value) -> Result<Start> {
    let place = |value: &Value| {
        let at = whole(value)?;
        u64::try_from(at).map_err(|_| Error::text(format!("{at} is no place to write to")))
    };
    match region {
        Value::Text(text) if text == "auto" => Ok(Start::ByLabels),
        Value::List(all) => Ok(Start::At(all.iter().map(place).collect::<Result<_>>()?)),
        one @ Value::Number(_) => Ok(Start::At(vec![place(one)?])),
        _ => Err(Error::text("region => says where the first value goes")
            .hint("write region => (0, 10, 0), or region => auto to find it by coordinates")),
    }
}

fn lengths(with: &mut Bound, name: &str) -> Result<Option<Lengths>> {
    Ok(match with.take(name) {
        None => None,
        Some(Value::List(all)) => {
            Some(Lengths::Each(all.iter().map(whole).collect::<Result<_>>()?))
        }
        Some(one) => Some(Lengths::All(whole(&one)?)),
    })
}
