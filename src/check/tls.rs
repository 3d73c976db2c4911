//! TLS under a check. Keepalived never asks who a server is; here it can be asked.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::exchange::{Deadline, Failure, failure};
use super::{Reason, Stage};
use crate::host::error_text;

/// Where Debian's ca-certificates has those whom everybody trusts.
const EVERYBODY: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Whom a server must have its certificate from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It may have any.
    Any,
    /// From one of those whom this machine trusts.
    System,
    /// From one of those in this file.
    File(PathBuf),
}

/// What is shown to a server that asks who checks it.
#[derive(Clone, Debug)]
pub struct Identity {
    key: Arc<SingleCertAndKey>,
    files: [PathBuf; 2],
}

impl Identity {
    /// Reads the file of a certificate, with those that lead to its authority, and the file of its
    /// key, which may be the same one.
    ///
    /// # Errors
    /// They cannot be read, the key has a password, or is not that of the certificate.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, Unusable> {
        let chain = certificates(certificate)?.collect::<Result<Vec<_>, _>>()?;
        if chain.is_empty() {
            return Err(unusable(certificate)(&"no certificate in it"));
        }
        let wrong = unusable(key);
        let text = fs::read_to_string(key).map_err(|error| wrong(&error_text(&error)))?;
        if text.contains("ENCRYPTED") {
            return Err(wrong(&"the key has a password (openssl pkey takes it off)"));
        }
        let own = PrivateKeyDer::from_pem_slice(text.as_bytes());
        let own = own.map_err(|_| wrong(&"no private key in it"))?;
        let own = CertifiedKey::from_der(chain, own, &ring::default_provider());
        let own = own.map_err(|error| wrong(&error))?;
        Ok(Identity {
            key: Arc::new(own.into()),
            files: [certificate.into(), key.into()],
        })
    }
}

/// How TLS is spoken.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    name: Option<ServerName<'static>>,
    trust: Trust,
    /// The files of the identity.
    shown: Option<[PathBuf; 2]>,
}

/// What was asked for is the same; a file of certificates may have changed since.
impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        let known = |tls: &Tls| (tls.config.enable_sni, tls.name.clone());
        (&self.trust, &self.shown) == (&other.trust, &other.shown) && known(self) == known(other)
    }
}

/// Why TLS cannot be spoken so: what is wrong, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Tls {
    /// TLS 1.2 or 1.3. With `sni` the server is told its name before it shows a certificate; the
    /// name is `name`, or what the caller of the page is told. A server that asks for a certificate
    /// is shown that of `identity`.
    ///
    /// # Errors
    /// The certificates cannot be read, or the name is none.
    pub fn new(
        trust: &Trust,
        identity: Option<&Identity>,
        sni: bool,
        name: Option<&str>,
    ) -> Result<Self, Unusable> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Unusable(error.to_string()))?;
        let builder = match trust {
            Trust::Any => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody(provider))),
            Trust::System => builder.with_root_certificates(roots(Path::new(EVERYBODY))?),
            Trust::File(path) => builder.with_root_certificates(roots(path)?),
        };
        let mut config = match identity {
            Some(identity) => builder.with_client_cert_resolver(identity.key.clone()),
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = sni;
        // Each check is to show that a new client is served.
        config.resumption = Resumption::disabled();
        let name = match name {
            Some(text) => Some(
                ServerName::try_from(text.to_owned())
                    .map_err(|_| Unusable(format!("not a name: {text}")))?,
            ),
            None => None,
        };
        Ok(Tls {
            config: Arc::new(config),
            name,
            trust: trust.clone(),
            shown: identity.map(|identity| identity.files.clone()),
        })
    }

    /// Agrees on TLS with the server at the other end, which is called `host` where no other name
    /// was given, and has the address where that is none either.
    pub(super) async fn wrap<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        host: Option<&str>,
        address: IpAddr,
        deadline: Deadline,
    ) -> Result<TlsStream<S>, Failure> {
        let named = || ServerName::try_from(host?.to_owned()).ok();
        let name = self.name.clone().or_else(named);
        let name = name.unwrap_or(ServerName::from(address));
        let handshake = TlsConnector::from(Arc::clone(&self.config)).connect(name, stream);
        let agreed = deadline.within(Stage::Handshake, handshake).await?;
        agreed.map_err(|error| {
            let ours = error.get_ref().and_then(|inner| inner.downcast_ref());
            match ours {
                Some(error) => Reason::Tls(Error::to_string(error)).into(),
                None => failure(Stage::Handshake, &error),
            }
        })
    }
}

/// Says what is wrong with a file.
fn unusable(path: &Path) -> impl Fn(&dyn fmt::Display) -> Unusable + '_ {
    move |what| Unusable(format!("{}: {what}", path.display()))
}

/// The certificates in a file.
fn certificates(
    path: &Path,
) -> Result<impl Iterator<Item = Result<CertificateDer<'static>, Unusable>> + '_, Unusable> {
    let wrong = unusable(path);
    let all = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?;
    Ok(all.map(move |one| one.map_err(|error| wrong(&error))))
}

fn roots(path: &Path) -> Result<RootCertStore, Unusable> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        // Old ones that cannot be read any more are in every collection.
        let _ = roots.add(certificate?);
    }
    match roots.is_empty() {
        true => Err(unusable(path)(&"no certificate in it")),
        false => Ok(roots),
    }
}

/// Takes any certificate: whether the server speaks TLS is all that is asked.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
