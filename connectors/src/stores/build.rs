//! Building the store a URL names: from the usual environment variables, then from the secret that
//! fits. Nothing is contacted yet. Timeouts are short: a server that is not there is an error
//! within a second or two, not after minutes of retries.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::ClientConfigKey;
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::{
    BackoffConfig, ClientOptions, HeaderMap, HeaderValue, ObjectStore, RetryConfig,
    StaticCredentialProvider,
};

use crate::error::{ConnectorError, Result, innermost};
use crate::secrets::{Secret, SecretKind, flag};

/// The store of a bucket, container or host, opened with `secret`.
pub(super) fn build(
    kind: SecretKind,
    root: &str,
    secret: Option<&Secret>,
) -> Result<Arc<dyn ObjectStore>> {
    match kind {
        SecretKind::S3 => s3(root, secret),
        SecretKind::Gcs => gcs(root, secret),
        SecretKind::Azure => azure(root, secret),
        SecretKind::Http => http(root, secret),
    }
}

fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(2),
            base: 2.,
        },
        max_retries: 3,
        retry_timeout: Duration::from_secs(30),
    }
}

fn client() -> ClientOptions {
    ClientOptions::new()
        .with_connect_timeout(Duration::from_secs(3))
        // Of one request, of at most some tens of megabytes.
        .with_timeout(Duration::from_secs(120))
}

fn options(secret: Option<&Secret>) -> impl Iterator<Item = (&str, &str)> {
    secret
        .into_iter()
        .flat_map(|secret| &secret.options)
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

/// Whether plain HTTP is allowed, and the endpoint with a scheme in front.
fn endpoint(secret: Option<&Secret>) -> Result<(Option<bool>, Option<String>)> {
    let mut plain = None;
    let mut address = None;
    for (name, value) in options(secret) {
        match name {
            "use_ssl" => plain = Some(!flag(name, value)?),
            "allow_http" => plain = Some(flag(name, value)?),
            "endpoint" => address = Some(value.trim_end_matches('/').to_string()),
            _ => {}
        }
    }
    if let Some(address) = &mut address {
        if address.starts_with("http://") {
            plain = plain.or(Some(true));
        } else if !address.contains("://") {
            let scheme = if plain == Some(true) { "http" } else { "https" };
            *address = format!("{scheme}://{address}");
        }
    }
    Ok((plain, address))
}

fn refuse(root: &str, error: &object_store::Error, remedy: &str) -> ConnectorError {
    ConnectorError::Store {
        url: root.to_string(),
        reason: innermost(error),
        remedy: remedy.to_string(),
    }
}

fn s3(root: &str, secret: Option<&Secret>) -> Result<Arc<dyn ObjectStore>> {
    use AmazonS3ConfigKey as Key;
    let mut builder = AmazonS3Builder::from_env().with_url(root).with_retry(retry());
    let (plain, address) = endpoint(secret)?;
    // An endpoint from the environment may be plain HTTP, too: whoever writes http:// means it.
    let address = address.or_else(|| builder.get_config_value(&Key::Endpoint));
    let plain = plain.unwrap_or_else(|| {
        address.as_deref().is_some_and(|address| address.starts_with("http://"))
            || builder
                .get_config_value(&Key::Client(ClientConfigKey::AllowHttp))
                .is_some_and(|value| value == "true")
    });
    builder = builder.with_client_options(client().with_allow_http(plain));
    if let Some(address) = address {
        builder = builder.with_endpoint(address);
    }
    for (name, value) in options(secret) {
        builder = match name {
            "key_id" => builder.with_config(Key::AccessKeyId, value),
            "secret" => builder.with_config(Key::SecretAccessKey, value),
            "session_token" => builder.with_config(Key::Token, value),
            "region" => builder.with_config(Key::Region, value),
            "url_style" => builder.with_virtual_hosted_style_request(value == "vhost"),
            "anonymous" => builder.with_skip_signature(flag(name, value)?),
            _ => builder,
        };
    }
    let store = builder.build().map_err(|error| {
        refuse(root, &error, "check the AWS_ variables or the s3 secret that applies")
    })?;
    Ok(Arc::new(store))
}

fn gcs(root: &str, secret: Option<&Secret>) -> Result<Arc<dyn ObjectStore>> {
    use GoogleConfigKey as Key;
    let (plain, address) = endpoint(secret)?;
    let root = root.replacen("gcs://", "gs://", 1);
    let mut builder = GoogleCloudStorageBuilder::from_env()
        .with_url(root.as_str())
        .with_retry(retry())
        .with_client_options(client().with_allow_http(plain.unwrap_or_default()));
    if let Some(address) = address {
        builder = builder.with_config(Key::BaseUrl, address);
    }
    for (name, value) in options(secret) {
        builder = match name {
            "service_account_path" => builder.with_service_account_path(value),
            "service_account_key" => builder.with_service_account_key(value),
            "application_credentials" => builder.with_application_credentials(value),
            "bearer_token" => {
                builder.with_credentials(Arc::new(StaticCredentialProvider::new(GcpCredential {
                    bearer: value.to_string(),
                })))
            }
            "anonymous" => builder.with_config(Key::SkipSignature, flag(name, value)?.to_string()),
            _ => builder,
        };
    }
    let store = builder.build().map_err(|error| {
        refuse(&root, &error, "check the GOOGLE_ variables or the gcs secret that applies")
    })?;
    Ok(Arc::new(store))
}

fn azure(root: &str, secret: Option<&Secret>) -> Result<Arc<dyn ObjectStore>> {
    use AzureConfigKey as Key;
    let (plain, address) = endpoint(secret)?;
    let mut builder = MicrosoftAzureBuilder::from_env()
        .with_url(root)
        .with_retry(retry())
        .with_client_options(client().with_allow_http(plain.unwrap_or_default()));
    if let Some(address) = address {
        builder = builder.with_endpoint(address);
    }
    for (name, value) in options(secret) {
        let key = match name {
            "account_name" => Key::AccountName,
            "account_key" => Key::AccessKey,
            "sas_token" => Key::SasKey,
            "bearer_token" => Key::Token,
            "tenant_id" => Key::AuthorityId,
            "client_id" => Key::ClientId,
            "client_secret" => Key::ClientSecret,
            "use_emulator" => Key::UseEmulator,
            "anonymous" => Key::SkipSignature,
            _ => continue,
        };
        builder = builder.with_config(key, value);
    }
    let store = builder.build().map_err(|error| {
        refuse(
            root,
            &error,
            "set AZURE_STORAGE_ACCOUNT_NAME and a key, or CREATE SECRET with type azure",
        )
    })?;
    Ok(Arc::new(store))
}

fn http(root: &str, secret: Option<&Secret>) -> Result<Arc<dyn ObjectStore>> {
    // The scheme is written out by the user, who thereby decides for or against encryption.
    let mut options_ = client().with_allow_http(true);
    let option = |name: &str| secret.and_then(|secret| secret.options.get(name));
    let authorization = match (option("bearer_token"), option("username")) {
        (Some(token), _) => Some(format!("Bearer {token}")),
        (None, Some(user)) => {
            let password = option("password").map(String::as_str).unwrap_or_default();
            Some(format!("Basic {}", base64(format!("{user}:{password}").as_bytes())))
        }
        (None, None) => None,
    };
    if let Some(value) = authorization {
        let mut value = HeaderValue::from_str(&value).map_err(|_| ConnectorError::Option {
            option: "bearer_token".to_string(),
            reason: "it has characters that no HTTP header may have".to_string(),
        })?;
        value.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert("authorization", value);
        options_ = options_.with_default_headers(headers);
    }
    let store = HttpBuilder::new()
        .with_url(root)
        .with_retry(retry())
        .with_client_options(options_)
        .build()
        .map_err(|error| refuse(root, &error, "check the URL"))?;
    Ok(Arc::new(store))
}

/// Base64 for one header; the alphabet of RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word = group.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for place in 0..4 {
            let index = (word >> (18 - 6 * place) & 63) as usize;
            match ALPHABET.get(index) {
                Some(letter) if place <= group.len() => text.push(char::from(*letter)),
                _ => text.push('='),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads() {
        assert_eq!(base64(b"user:pass"), "dXNlcjpwYXNz");
        assert_eq!(base64(b"a"), "YQ==");
        assert_eq!(base64(b"ab"), "YWI=");
    }

    #[test]
    fn a_plain_endpoint_allows_http() {
        let secret = |options: &[(&str, &str)]| Secret {
            name: "x".to_string(),
            kind: SecretKind::S3,
            scope: None,
            options: options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        };
        let both = endpoint(Some(&secret(&[("endpoint", "http://localhost:9000/")]))).unwrap();
        assert_eq!(both, (Some(true), Some("http://localhost:9000".to_string())));
        let both = endpoint(Some(&secret(&[("endpoint", "localhost:9000"), ("use_ssl", "false")])))
            .unwrap();
        assert_eq!(both, (Some(true), Some("http://localhost:9000".to_string())));
        let both = endpoint(Some(&secret(&[("endpoint", "store.example")]))).unwrap();
        assert_eq!(both, (None, Some("https://store.example".to_string())));
    }
}
