//! What the nodes of a cluster are recognised by, and what the host shows them.

use std::net::IpAddr;

use openssl::error::ErrorStack;
use openssl::ssl::{SslConnector, SslConnectorBuilder, SslFiletype, SslMethod, SslVerifyMode};
use openssl::x509::store::X509StoreBuilder;
use scylla::client::session::OpenSsl010Config;

use crate::config::{Diagnostic, Located, Place, Tls, code};

/// The context of all encrypted connections to a cluster.
pub(super) fn context(options: &Located<Tls>) -> Result<OpenSsl010Config, Box<Diagnostic>> {
    let mut builder =
        prepared(options).map_err(|error| unusable(&options.place, "what TLS needs", &error))?;
    if let Some(path) = &options.authorities {
        builder
            .set_ca_file(&path.value)
            .map_err(|error| unusable(&path.place, "certificates of authorities", &error))?;
    }
    if let Some(path) = &options.certificate {
        builder
            .set_certificate_chain_file(&path.value)
            .map_err(|error| unusable(&path.place, "a certificate", &error))?;
    }
    if let Some(path) = &options.key {
        builder
            .set_private_key_file(&path.value, SslFiletype::PEM)
            .and_then(|()| builder.check_private_key())
            .map_err(|error| unusable(&path.place, "the key of the certificate", &error))?;
    }
    Ok(OpenSsl010Config::new(builder))
}

fn prepared(options: &Tls) -> Result<SslConnectorBuilder, ErrorStack> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    if !options.verify {
        builder.set_verify(SslVerifyMode::NONE);
        return Ok(builder);
    }
    if options.authorities.is_some() {
        // Nobody else is to vouch for a node.
        builder.set_cert_store(X509StoreBuilder::new()?.build());
    } else {
        // The library that is linked in knows the folders of the machine that it was built for, not of this one.
        let system = openssl_probe::probe();
        if system.cert_file.is_some() || !system.cert_dir.is_empty() {
            let folder = system.cert_dir.first();
            builder.load_verify_locations(
                system.cert_file.as_deref(),
                folder.map(|path| path.as_path()),
            )?;
        }
    }
    if let Some(name) = &options.name {
        let parameters = builder.verify_param_mut();
        match name.parse::<IpAddr>() {
            Ok(address) => parameters.set_ip(address)?,
            Err(_) => parameters.set_host(name)?,
        }
    }
    Ok(builder)
}

fn unusable(place: &Place, what: &str, error: &ErrorStack) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::new(
            &code::UNUSABLE_CERTIFICATE,
            place.clone(),
            format!("`{}` does not give {what}", place.key()),
        )
        .found(error.to_string()),
    )
}
