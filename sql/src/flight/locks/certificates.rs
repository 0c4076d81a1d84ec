//! Callers by the certificate of their connection. TLS has checked that it is the authority's; whose it is, is told
//! by its DNS names.

use rustls_pki_types::{CertificateDer, DnsName, ServerName};
use webpki::EndEntityCert;

use super::config::ServeConfig;
use super::users::Users;
use crate::error::Result;
use crate::flight::caller::Caller;

#[derive(Debug)]
pub(super) struct Certificates(Vec<(DnsName<'static>, Caller)>);

impl Certificates {
    pub(super) fn new(config: &ServeConfig, users: &Users) -> Result<Self> {
        let mut all = Vec::new();
        for own in &config.certificates {
            let name = own.name.get_ref();
            let wrong =
                |reason: &str| config.wrong(&own.name, format!("certificate '{name}': {reason}"));
            if config.tls.as_ref().is_none_or(|tls| tls.client_ca.is_none()) {
                return Err(wrong("nobody is asked for one: [tls] has no client_ca"));
            }
            let dns = DnsName::try_from(name.clone()).map_err(|_| wrong("it is no DNS name"))?;
            let grade = users.grade(own.role.get_ref(), &own.schemas, &own.locations);
            let grade = grade.map_err(|reason| {
                config.wrong(&own.role, format!("certificate '{name}': {reason}"))
            })?;
            let caller = Caller { session: format!("certificate {name}"), ..grade.caller(name) };
            all.push((dns, caller));
        }
        Ok(Self(all))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose certificate it is: the first of the file for whose name it is.
    pub(super) fn find(&self, shown: Option<&[u8]>) -> Option<Caller> {
        let der = CertificateDer::from(shown?);
        let certificate = EndEntityCert::try_from(&der).ok()?;
        let is_for = |name: &DnsName<'static>| {
            let name = ServerName::DnsName(name.borrow());
            certificate.verify_is_valid_for_subject_name(&name).is_ok()
        };
        self.0.iter().find(|(name, _)| is_for(name)).map(|(_, caller)| caller.clone())
    }
}
