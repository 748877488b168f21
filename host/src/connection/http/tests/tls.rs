//! Who vouches for a service.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;

use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

use super::*;

/// A certificate for this machine that vouches for itself.
fn certificate() -> (X509, PKey<Private>) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder
        .set_not_before(&Asn1Time::days_from_now(0).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::days_from_now(2).unwrap())
        .unwrap();
    let mut alternative = SubjectAlternativeName::new();
    let context = builder.x509v3_context(None, None);
    let names = alternative
        .dns("localhost")
        .ip("127.0.0.1")
        .build(&context)
        .unwrap();
    builder.append_extension(names).unwrap();
    builder
        .append_extension(BasicConstraints::new().build().unwrap())
        .unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}

/// A service with TLS that answers every request; its URL, and the file of its certificate.
fn service(folder: &tempfile::TempDir) -> (String, PathBuf) {
    let (certificate, key) = certificate();
    let path = folder.path().join("authorities.pem");
    std::fs::write(&path, certificate.to_pem().unwrap()).unwrap();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    acceptor.set_private_key(&key).unwrap();
    acceptor.set_certificate(&certificate).unwrap();
    let acceptor = acceptor.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that trusts nobody breaks off.
            let Ok(mut stream) = acceptor.accept(stream.unwrap()) else {
                continue;
            };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
        }
    });
    (url, path)
}

fn connection(url: &str, authorities: Option<PathBuf>) -> Result<Connection, ConnectionError> {
    Connection::open(ConnectionOptions {
        authentication: Authentication::None,
        authorities,
        ..options(url)
    })
}

#[tokio::test]
async fn the_manifest_may_say_who_vouches_for_a_service() {
    let folder = tempfile::tempdir().unwrap();
    let (url, authorities) = service(&folder);
    let connection = connection(&url, Some(authorities)).unwrap();
    let answer = connection
        .send(&Request::new(Method::GET, "/"))
        .await
        .unwrap();
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn otherwise_the_system_says_who() {
    let folder = tempfile::tempdir().unwrap();
    let (url, _) = service(&folder);
    let connection = connection(&url, None).unwrap();
    let outcome = connection.send(&Request::new(Method::GET, "/")).await;
    let error = outcome.unwrap_err();
    assert_eq!(
        (error.code(), error.tries),
        (Code::CONNECTION_TLS, 1),
        "{error}"
    );
}

#[test]
fn certificates_that_are_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.pem");
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate").unwrap();
    for path in [missing, empty] {
        let error = connection("https://localhost", Some(path)).unwrap_err();
        assert_eq!(error.code(), Code::CONNECTION_TLS);
    }
}
