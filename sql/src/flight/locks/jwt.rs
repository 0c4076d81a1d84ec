//! Tokens of an identity provider: JSON Web Tokens ([RFC 7519](https://www.rfc-editor.org/rfc/rfc7519)), checked as
//! [RFC 8725](https://www.rfc-editor.org/rfc/rfc8725) advises. The key says how a token is signed, and not the token:
//! one signed by a shared secret, or not at all, is no token.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};
use tonic::Status;

use super::config::{OidcConfig, ServeConfig, refuse};
use super::jwks::{Jwks, Signed};
use super::users::{Grade, Users};
use crate::error::Result;
use crate::flight::caller::Caller;

/// Longer ones are not looked at.
const LONGEST: usize = 16 << 10;
const LONGEST_NAME: usize = 256;

/// Whose tokens are believed, and who their callers are.
#[derive(Debug)]
pub(super) struct Jwts {
    issuer: String,
    audience: String,
    keys: Jwks,
    name: String,
    roles: String,
    grants: Vec<(String, Grade)>,
    leeway: Duration,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// Whether a bearer token may be one of these.
pub(super) fn looks_like_one(token: &str) -> bool {
    token.len() <= LONGEST && token.split('.').count() == 3
}

impl Jwts {
    pub(super) fn new(config: &ServeConfig, oidc: &OidcConfig, users: &Users) -> Result<Self> {
        let wrong = |reason: String| refuse(&config.path, format!("[oidc]: {reason}"));
        if oidc.issuer.is_empty() || oidc.audience.is_empty() {
            return Err(wrong(
                "issuer and audience say whose tokens are good, and for whom: give both"
                    .to_string(),
            ));
        }
        if oidc.grants.is_empty() {
            return Err(wrong(
                "nobody would be let in: write [[oidc.grant]] with a value of the claim and a role"
                    .to_string(),
            ));
        }
        let keys = Jwks::open(&oidc.jwks, |path| config.at(path.as_ref()))
            .map_err(|reason| wrong(format!("jwks: {reason}")))?;
        let grant = |grant: &super::config::GrantConfig| {
            let grade = users.grade(grant.role.get_ref(), &None, &None);
            let grade = grade
                .map_err(|reason| config.wrong(&grant.role, format!("[[oidc.grant]]: {reason}")))?;
            Ok((grant.value.clone(), grade))
        };
        Ok(Self {
            issuer: oidc.issuer.clone(),
            audience: oidc.audience.clone(),
            keys,
            name: oidc.name_claim.clone(),
            roles: oidc.role_claim.clone(),
            grants: oidc.grants.iter().map(grant).collect::<Result<_>>()?,
            leeway: oidc.leeway,
        })
    }

    /// Whose token it is.
    pub(super) async fn caller(&self, token: &str) -> Result<Caller, Status> {
        let refused =
            |reason: &str| Status::unauthenticated(format!("the token is not accepted: {reason}"));
        let claims = self.claims(token).await.map_err(|reason| refused(&reason))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.check(&claims, now).map_err(refused)?;
        let name = claim(&claims, &self.name).and_then(Value::as_str);
        let name = name.filter(|name| !name.is_empty() && name.len() <= LONGEST_NAME);
        let name = name.ok_or_else(|| refused(&format!("its claim '{}' is no name", self.name)))?;
        let held = claim(&claims, &self.roles);
        let holds = |value: &str| match held {
            Some(Value::String(own)) => own == value,
            Some(Value::Array(all)) => all.iter().any(|own| own.as_str() == Some(value)),
            _ => false,
        };
        let grant = self.grants.iter().find(|(value, _)| holds(value));
        let (_, grade) = grant.ok_or_else(|| {
            Status::permission_denied(format!(
                "{name} has no role here: nothing that the claim '{}' has is granted one",
                self.roles
            ))
        })?;
        Ok(Caller { session: format!("jwt {name}"), ..grade.caller(name) })
    }

    /// What a token says, if it is signed by one of the keys.
    async fn claims(&self, token: &str) -> Result<Map<String, Value>, String> {
        let unclear = || "it cannot be read".to_string();
        let (text, signature) = token.rsplit_once('.').ok_or_else(unclear)?;
        let (header, claims) = text.split_once('.').ok_or_else(unclear)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| unclear());
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| unclear())?;
        if header.crit.is_some() {
            return Err("it asks for extensions that are not known".to_string());
        }
        let signed = Signed::from_name(&header.alg)
            .ok_or("it is signed otherwise than by RS256, ES256 or EdDSA")?;
        let key = self.keys.find(header.kid.as_deref(), signed).await;
        let key = key.map_err(|why| {
            // The way to the keys is nobody's business but the server's.
            eprintln!("the keys of {} cannot be read: {why}", self.issuer);
            "the keys of its issuer cannot be had now".to_string()
        })?;
        let key = key.ok_or("no key of its issuer fits")?;
        if !key.has_signed(text.as_bytes(), &decode(signature)?) {
            return Err("its signature is wrong".to_string());
        }
        serde_json::from_slice(&decode(claims)?).map_err(|_| unclear())
    }

    fn check(&self, claims: &Map<String, Value>, now: Duration) -> Result<(), &'static str> {
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err("it is another issuer's");
        }
        let is_ours = |value: &Value| value.as_str() == Some(&self.audience);
        let for_us = match claims.get("aud") {
            Some(Value::Array(all)) => all.iter().any(is_ours),
            Some(one) => is_ours(one),
            None => false,
        };
        if !for_us {
            return Err("it is for another audience");
        }
        let (now, leeway) = (now.as_secs_f64(), self.leeway.as_secs_f64());
        let at = |name: &str| {
            claims.get(name).map(|value| value.as_f64().ok_or("its times are no numbers"))
        };
        match at("exp").transpose()? {
            None => return Err("it does not say when it expires"),
            Some(end) if now >= end + leeway => return Err("it has expired"),
            Some(_) => {}
        }
        match at("nbf").transpose()? {
            Some(start) if now + leeway < start => Err("it is not good yet"),
            _ => Ok(()),
        }
    }
}

/// A claim by its name, or by the names on the way to it with dots between them.
fn claim<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(found) = claims.get(name) {
        return Some(found);
    }
    let (first, rest) = name.split_once('.')?;
    claim(claims.get(first)?.as_object()?, rest)
}

#[cfg(test)]
mod tests;
