//! Certificates for https on loopback: a right one under a test authority, and the usual wrong ones.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

/// Which certificate a server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Right: signed by the authority, for localhost and 127.0.0.1, of these years.
    Right,
    /// Signed by itself.
    SelfSigned,
    /// Signed by the authority, but its time is over.
    Expired,
    /// Signed by the authority, but for another host.
    WrongHost,
}

/// A test authority. Its certificate lies in a file as long as this lives.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    dir: TempDir,
}

impl Authority {
    /// Makes a new authority and writes its certificate down.
    pub fn new() -> io::Result<Self> {
        let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "loopback test authority");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2099, 1, 1);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let pem = params.self_signed(&key).map_err(io::Error::other)?.pem();
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join("ca.pem"), &pem)?;
        Ok(Self { issuer: Issuer::new(params, key), pem, dir })
    }

    /// The file with the authority's certificate, e.g. for `SSL_CERT_FILE`.
    pub fn pem_path(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// The authority's certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for these names and its key, both as PEM: for servers that are programs of their own.
    pub fn leaf(&self, names: &[&str]) -> io::Result<(String, String)> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2099, 1, 1);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    /// What a server needs to show this certificate: for `WebOptions::tls` and `S3Options::tls`.
    pub fn acceptor(&self, shown: Shown) -> io::Result<TlsAcceptor> {
        let names: &[&str] = match shown {
            Shown::Right | Shown::SelfSigned | Shown::Expired => {
                &["localhost", "127.0.0.1", "*.s3.localhost"]
            }
            Shown::WrongHost => &["elsewhere.example"],
        };
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = match shown {
            Shown::Right | Shown::SelfSigned | Shown::WrongHost => date_time_ymd(2099, 1, 1),
            Shown::Expired => date_time_ymd(2021, 1, 1),
        };
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = match shown {
            Shown::SelfSigned => params.self_signed(&key),
            Shown::Right | Shown::Expired | Shown::WrongHost => params.signed_by(&key, &self.issuer),
        }
        .map_err(io::Error::other)?;
        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let secret = PrivateKeyDer::try_from(key.serialize_der()).map_err(io::Error::other)?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(chain, secret)
            .map_err(io::Error::other)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
