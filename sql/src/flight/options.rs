//! The options of a session, as Flight has them: `catalog` and `schema`, and every setting by its name, as `SET`
//! takes it. The messages are those of
//! [Flight.proto](https://github.com/apache/arrow/blob/main/format/Flight.proto), which the crate does not have yet.

use std::collections::HashMap;

use prost::Message;
use strata_engine::SessionSettings;

use super::locks::needs::check_setting;
use super::sessions::FlightSession;
use super::statements::may_change;

/// The settings behind the names that Flight gives.
const NAMES: [(&str, &str); 2] = [
    ("catalog", "datafusion.catalog.default_catalog"),
    ("schema", "datafusion.catalog.default_schema"),
];

/// `SetSessionOptionsRequest`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SetOptions {
    #[prost(map = "string, message", tag = "1")]
    session_options: HashMap<String, OptionValue>,
}

/// `SetSessionOptionsResult`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SetResult {
    #[prost(map = "string, message", tag = "1")]
    errors: HashMap<String, OptionError>,
}

/// `SetSessionOptionsResult.Error`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OptionError {
    #[prost(enumeration = "Wrong", tag = "1")]
    value: i32,
}

/// `SetSessionOptionsResult.ErrorValue`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Wrong {
    /// Never sent.
    Unspecified = 0,
    /// There is no such option.
    InvalidName = 1,
    /// It does not take this value.
    InvalidValue = 2,
    /// It cannot be set here.
    Error = 3,
}

/// `GetSessionOptionsResult`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Options {
    #[prost(map = "string, message", tag = "1")]
    session_options: HashMap<String, OptionValue>,
}

/// `CloseSessionResult`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Closed {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// `SessionOptionValue`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OptionValue {
    #[prost(oneof = "Value", tags = "1, 2, 3, 4, 5")]
    option_value: Option<Value>,
}

/// What an option may be.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum Value {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Truth(bool),
    #[prost(sfixed64, tag = "3")]
    Whole(i64),
    #[prost(double, tag = "4")]
    Number(f64),
    #[prost(message, tag = "5")]
    Texts(Texts),
}

/// `SessionOptionValue.StringListValue`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Texts {
    #[prost(string, repeated, tag = "1")]
    values: Vec<String>,
}

/// Sets options; what could not be set.
pub(super) fn set(session: &FlightSession, asked: SetOptions) -> SetResult {
    let mut errors = HashMap::new();
    for (name, value) in asked.session_options {
        if let Some(wrong) = set_one(session, &name, value.option_value) {
            errors.insert(name, OptionError { value: wrong as i32 });
        }
    }
    SetResult { errors }
}

fn set_one(session: &FlightSession, name: &str, value: Option<Value>) -> Option<Wrong> {
    let known = NAMES.iter().find(|(own, _)| *own == name);
    let setting = known.map_or(name, |(_, setting)| setting);
    if may_change(setting).is_err() || check_setting(&session.caller, setting).is_err() {
        return Some(Wrong::Error);
    }
    let text = match value {
        // An option without a value is put back.
        None => {
            return session.context.reset_setting(setting).err().map(|_| Wrong::InvalidName);
        }
        Some(Value::Text(text)) => text,
        Some(Value::Truth(truth)) => truth.to_string(),
        Some(Value::Whole(whole)) => whole.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Texts(texts)) => texts.values.join(","),
    };
    let is_place = |catalog: Option<&str>, schema: Option<&str>| is_there(session, catalog, schema);
    let there = match name {
        "catalog" => is_place(Some(&text), None),
        "schema" => is_place(None, Some(&text)),
        _ => true,
    };
    if !there {
        return Some(Wrong::InvalidValue);
    }
    match session.context.change_setting(setting, &text) {
        Ok(()) => None,
        Err(strata_engine::EngineError::UnknownSetting { .. }) => Some(Wrong::InvalidName),
        Err(_) => Some(Wrong::InvalidValue),
    }
}

/// Whether there is such a catalog, or such a schema in the session's own.
fn is_there(session: &FlightSession, catalog: Option<&str>, schema: Option<&str>) -> bool {
    let state = session.context.state_ref();
    let state = state.read();
    let own = &state.config_options().catalog;
    let catalog = state.catalog_list().catalog(catalog.unwrap_or(&own.default_catalog));
    match (catalog, schema) {
        (Some(catalog), Some(schema)) => catalog.schema(schema).is_some(),
        (catalog, _) => catalog.is_some(),
    }
}

/// All options of a session.
pub(super) fn get(session: &FlightSession) -> Options {
    let settings = session.context.settings().list();
    let value = |name: &str| {
        settings.iter().find(|setting| setting.name == name).and_then(|found| found.value.clone())
    };
    let text = |text: String| OptionValue { option_value: Some(Value::Text(text)) };
    let named = NAMES.iter().filter_map(|(own, setting)| Some((own.to_string(), value(setting)?)));
    let ours = settings.iter().filter(|setting| setting.name.starts_with("flight."));
    let ours = ours.filter_map(|setting| Some((setting.name.clone(), setting.value.clone()?)));
    Options {
        session_options: named.chain(ours).map(|(name, value)| (name, text(value))).collect(),
    }
}

/// The catalog and the schema in which names are looked for, as the options of a session tell them.
pub(crate) fn places(options: &[u8]) -> Option<(String, String)> {
    let mut options = Options::decode(options).ok()?.session_options;
    let mut text = |name: &str| match options.remove(name)?.option_value? {
        Value::Text(text) => Some(text),
        _ => None,
    };
    Some((text("catalog")?, text("schema")?))
}

/// The session is closed.
pub(super) fn closed() -> Closed {
    const CLOSED: i32 = 1;
    Closed { status: CLOSED }
}
