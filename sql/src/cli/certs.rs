//! `strata certs`: what a pool needs to speak TLS and to know its own.
//!
//! One certificate is for all processes of a pool, as one token is. The authority's key is not kept:
//! nobody can make another certificate that the pool would believe.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::args::CertsArgs;
use crate::Error;
use crate::shell::{Ran, Stop};

/// Nobody keeps a secret for longer.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);
/// The name that pools ask for.
const NAME: &str = "strata";

/// Writes an authority's certificate, and one of it with its key.
pub(crate) fn run(args: &CertsArgs) -> Ran {
    let made =
        make(args).map_err(|error| Error::text(format!("cannot make certificates: {error}")))?;
    fs::create_dir_all(&args.out).map_err(|error| Stop::file(&shown(&args.out), error))?;
    for (name, text, secret) in [
        ("ca.pem", &made.authority, false),
        ("cert.pem", &made.certificate, false),
        ("key.pem", &made.key, true),
    ] {
        let path = args.out.join(name);
        let written =
            open(&path, secret, args.force).and_then(|mut f| f.write_all(text.as_bytes()));
        written.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Stop::usage(
                format!("'{}' is there already", path.display()),
                Some("choose another --out, or replace it with --force".to_string()),
            ),
            _ => Stop::file(&shown(&path), error),
        })?;
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}

struct Made {
    authority: String,
    certificate: String,
    key: String,
}

fn make(args: &CertsArgs) -> Result<Made, rcgen::Error> {
    let authority_key = KeyPair::generate()?;
    let mut authority = params(Vec::new(), args)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, "Strata pool authority");
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let names = [NAME.to_string(), "localhost".to_string()].into_iter().chain(args.host.clone());
    let mut own = params(names.collect(), args)?;
    own.distinguished_name.push(DnType::CommonName, NAME);
    own.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate()?;
    let certificate = own.signed_by(&key, &issuer)?;
    Ok(Made {
        authority: authority_certificate.pem(),
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

fn params(names: Vec<String>, args: &CertsArgs) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    // Clocks of other machines may be a little behind.
    let began = std::time::SystemTime::now() - Duration::from_secs(3600);
    params.not_before = began.into();
    let valid = args.valid.min(LONGEST);
    params.not_after = (std::time::SystemTime::now() + valid).into();
    Ok(params)
}

/// A new file, which nobody else reads if it is secret.
fn open(path: &Path, secret: bool, force: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        // What is replaced may be readable by others.
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    options.create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if secret { 0o600 } else { 0o644 });
    }
    options.open(path)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
