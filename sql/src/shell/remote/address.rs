//! Where a server is: `grpc+tls://host:port`, as other clients of Flight write it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use tonic::transport::Uri;

/// Where servers listen, if nobody says otherwise.
const PORT: u16 = 31337;

/// The address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Whether it speaks TLS.
    pub(crate) tls: bool,
    /// The host, an address of IPv6 in brackets.
    host: String,
    port: u16,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |reason: &str| {
            format!(
                "'{text}' {reason}; write grpc+tls://host:port, or grpc://host:port without TLS"
            )
        };
        let uri: Uri = text.parse().map_err(|_| wrong("is not an address"))?;
        let tls = match uri.scheme_str() {
            Some("grpc+tls") => true,
            Some("grpc" | "grpc+tcp") => false,
            Some(_) => return Err(wrong("is not how servers are called")),
            None => return Err(wrong("does not say how the server is called")),
        };
        // It would show in the list of processes, and in histories.
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("who you are does not belong into the address: give --user, and the password when it is \
                        asked for, in STRATA_PASSWORD, or with --password-file"
                .to_string());
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong("has more than a host and a port"));
        }
        let host =
            uri.host().filter(|host| !host.is_empty()).ok_or_else(|| wrong("has no host"))?;
        let has_port = uri.authority().is_some_and(|authority| authority.as_str() != host);
        let port = match uri.port_u16() {
            Some(port) => port,
            None if has_port => return Err(wrong("has no port that could be")),
            None => PORT,
        };
        Ok(Self { tls, host: host.to_string(), port })
    }
}

impl Address {
    /// The address as the transport has it.
    pub(super) fn uri(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    /// The name that the server's certificate is for.
    pub(super) fn name(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Whether what is sent stays on this machine.
    pub(crate) fn is_here(&self) -> bool {
        let name = self.name();
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "grpc+tls" } else { "grpc" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_other_clients_write_them() {
        for (text, tls, here, shown) in [
            ("grpc+tls://example.org:50060", true, false, "grpc+tls://example.org:50060"),
            ("grpc+tcp://127.0.0.1:1/", false, true, "grpc://127.0.0.1:1"),
            ("grpc://localhost", false, true, "grpc://localhost:31337"),
            ("grpc://[::1]:7", false, true, "grpc://[::1]:7"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.tls, address.is_here()), (tls, here), "{text}");
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse(), Ok(address));
        }
        for (text, says) in [
            ("localhost:31337", "does not say how"),
            ("http://localhost", "is not how"),
            ("grpc://ann:secret@host", "--user"),
            ("grpc://host/path", "more than"),
            ("grpc://", "not an address"),
            ("", "not an address"),
            ("grpc://host:99999999", "that could be"),
        ] {
            let why = text.parse::<Address>().unwrap_err();
            assert!(why.contains(says) && !why.contains("secret"), "{text}: {why}");
        }
    }
}
