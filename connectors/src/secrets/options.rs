//! The options a secret may have, by its kind. Those that are not secret may be listed.

use super::{Secret, SecretKind};
use crate::error::{ConnectorError, Result};

const S3: &[&str] = &[
    "key_id",
    "secret",
    "session_token",
    "region",
    "endpoint",
    "url_style",
    "use_ssl",
    "allow_http",
    "anonymous",
];
const GCS: &[&str] = &[
    "service_account_path",
    "service_account_key",
    "application_credentials",
    "bearer_token",
    "endpoint",
    "use_ssl",
    "allow_http",
    "anonymous",
];
const AZURE: &[&str] = &[
    "account_name",
    "account_key",
    "sas_token",
    "bearer_token",
    "tenant_id",
    "client_id",
    "client_secret",
    "endpoint",
    "use_ssl",
    "allow_http",
    "use_emulator",
    "anonymous",
];
const HTTP: &[&str] = &["bearer_token", "username", "password", "allow_http"];

/// What may be shown. Everything else is hidden, also options that come later.
const PUBLIC: &[&str] = &[
    "region",
    "endpoint",
    "url_style",
    "use_ssl",
    "allow_http",
    "anonymous",
    "account_name",
    "tenant_id",
    "use_emulator",
    "service_account_path",
    "application_credentials",
];

/// The names of the options that secrets of this kind take.
fn known(kind: SecretKind) -> &'static [&'static str] {
    match kind {
        SecretKind::S3 => S3,
        SecretKind::Gcs => GCS,
        SecretKind::Azure => AZURE,
        SecretKind::Http => HTTP,
    }
}

pub(super) fn is_public(name: &str) -> bool {
    PUBLIC.contains(&name)
}

/// Refuses an option nobody reads, and a flag that is neither true nor false.
pub(super) fn validate(secret: &Secret) -> Result<()> {
    for (name, value) in &secret.options {
        if !known(secret.kind).contains(&name.as_str()) {
            let hint = strata_engine::nearest(name, known(secret.kind).iter().copied())
                .map(|close| format!(": did you mean '{close}'?"))
                .unwrap_or_else(|| format!("; there are {}", known(secret.kind).join(", ")));
            return Err(ConnectorError::UnknownOption {
                what: format!("{} secrets", secret.kind),
                option: name.clone(),
                hint,
            });
        }
        match name.as_str() {
            "use_ssl" | "allow_http" | "anonymous" | "use_emulator" => {
                flag(name, value)?;
            }
            "url_style" if !matches!(value.as_str(), "path" | "vhost") => {
                return Err(ConnectorError::Option {
                    option: name.clone(),
                    reason: format!("'{value}' is neither 'path' nor 'vhost'"),
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads a yes or no.
pub(crate) fn flag(name: &str, value: &str) -> Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Ok(true),
        "false" | "0" | "off" | "no" => Ok(false),
        _ => Err(ConnectorError::Option {
            option: name.to_string(),
            reason: format!("'{value}' is neither 'true' nor 'false'"),
        }),
    }
}
