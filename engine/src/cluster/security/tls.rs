//! Encryption between processes of a pool, and certificates that say who belongs to it.

use std::path::Path;

use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

use crate::error::{EngineError, Result};

/// The name that certificates made by `strata certs` are for: they say who belongs to the pool, and not
/// on which machine it runs.
const NAME: &str = "strata";

/// The certificates of a process.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Whose certificates are believed.
    authority: Option<Certificate>,
    /// What this process shows.
    identity: Option<Identity>,
    /// The name that peers' certificates must be for, where it is not the usual one.
    name: Option<String>,
}

impl Tls {
    /// Reads certificates in PEM form.
    ///
    /// With an authority and an identity, both sides show certificates, and who has none of this
    /// authority's is not let in.
    pub fn from_files(
        authority: Option<&Path>,
        identity: Option<(&Path, &Path)>,
        name: Option<&str>,
    ) -> Result<Self> {
        let read = |path: &Path| {
            let text = std::fs::read(path).map_err(|error| {
                EngineError::Pool(format!("certificate file '{}': {error}", path.display()))
            })?;
            if text.windows(11).any(|window| window == b"-----BEGIN ") {
                return Ok(text);
            }
            Err(EngineError::Pool(format!(
                "certificate file '{}' is not in PEM form: it has no line -----BEGIN …-----",
                path.display()
            )))
        };
        Ok(Self {
            authority: authority.map(read).transpose()?.map(Certificate::from_pem),
            identity: match identity {
                Some((certificate, key)) => {
                    Some(Identity::from_pem(read(certificate)?, read(key)?))
                }
                None => None,
            },
            name: name.map(str::to_string),
        })
    }

    /// Whether callers must show a certificate.
    pub(crate) fn is_mutual(&self) -> bool {
        self.authority.is_some() && self.identity.is_some()
    }

    /// What a server is told.
    pub fn for_server(&self) -> Result<ServerTlsConfig> {
        let Some(identity) = &self.identity else {
            return Err(EngineError::Pool(
                "who serves with TLS needs a certificate: give --tls-cert and --tls-key"
                    .to_string(),
            ));
        };
        let config = ServerTlsConfig::new().identity(identity.clone());
        Ok(match &self.authority {
            Some(authority) => config.client_ca_root(authority.clone()),
            None => config,
        })
    }

    pub(in crate::cluster) fn for_client(&self) -> ClientTlsConfig {
        self.to(self.name.as_deref().unwrap_or(NAME))
    }

    /// What a client is told that calls a server by its host: the certificate is for that, unless another name was
    /// given, and of an authority that the system believes, unless one was given.
    pub fn for_client_of(&self, host: &str) -> ClientTlsConfig {
        let config = self.to(self.name.as_deref().unwrap_or(host));
        match self.authority {
            Some(_) => config,
            None => config.with_native_roots(),
        }
    }

    fn to(&self, name: &str) -> ClientTlsConfig {
        let mut config = ClientTlsConfig::new().domain_name(name);
        if let Some(authority) = &self.authority {
            config = config.ca_certificate(authority.clone());
        }
        if let Some(identity) = &self.identity {
            config = config.identity(identity.clone());
        }
        config
    }
}
