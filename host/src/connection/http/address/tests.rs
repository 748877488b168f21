use std::str::FromStr;
use std::sync::Mutex;

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// A resolver for `api.example.com` that gives one answer after the other.
fn resolver(reach: Reach, answers: &[&[&str]]) -> GuardedResolver {
    let mut answers: Vec<Vec<SocketAddr>> = answers
        .iter()
        .map(|answer| {
            let addresses = answer.iter().map(|address| address.parse().unwrap());
            addresses.map(|ip| SocketAddr::new(ip, 0)).collect()
        })
        .collect();
    answers.reverse();
    let answers = Mutex::new(answers);
    GuardedResolver::new(&url("https://api.example.com"), reach).with_lookup(Arc::new(move |_| {
        let answer = answers.lock().unwrap().pop().unwrap();
        Box::pin(async move { Ok(answer) })
    }))
}

async fn resolve(resolver: &GuardedResolver, name: &str) -> Result<Vec<String>, String> {
    let found = resolver.resolve(Name::from_str(name).unwrap()).await;
    found
        .map(|found| found.map(|address| address.ip().to_string()).collect())
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_refused() {
    let resolver = resolver(Reach::Public, &[&["10.0.0.8"]]);
    assert_eq!(
        resolve(&resolver, "api.example.com").await,
        Err("`api.example.com` leads to 10.0.0.8, which is not a public address".into())
    );
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_the_second_time_is_refused_then() {
    let resolver = resolver(Reach::Public, &[&["93.184.215.14"], &["169.254.169.254"]]);
    assert!(resolve(&resolver, "api.example.com").await.is_ok());
    assert!(resolve(&resolver, "api.example.com").await.is_err());
}

#[tokio::test]
async fn of_several_addresses_the_public_ones_are_used() {
    let resolver = resolver(Reach::Public, &[&["192.168.1.1", "93.184.215.14"]]);
    assert_eq!(
        resolve(&resolver, "api.example.com").await,
        Ok(vec!["93.184.215.14".into()])
    );
}

#[tokio::test]
async fn a_connection_may_allow_private_addresses() {
    let resolver = resolver(Reach::Everywhere, &[&["10.0.0.8"]]);
    assert!(resolve(&resolver, "api.example.com").await.is_ok());
}

#[tokio::test]
async fn the_name_of_this_machine_leads_to_this_machine_alone() {
    let lookup: Lookup = Arc::new(|_| {
        let elsewhere = "10.0.0.8:0".parse().unwrap();
        Box::pin(async move { Ok(vec![elsewhere]) })
    });
    let localhost = url("http://localhost:8080");
    let resolver =
        GuardedResolver::new(&localhost, Reach::of(&localhost, false)).with_lookup(lookup);
    assert!(resolve(&resolver, "localhost").await.is_err());
}

#[tokio::test]
async fn the_name_of_a_proxy_may_lead_anywhere() {
    let resolver = resolver(Reach::Public, &[&["10.0.0.1"]]);
    assert!(resolve(&resolver, "proxy.internal").await.is_ok());
}

#[test]
fn an_address_in_the_url_itself_needs_leave_unless_it_is_this_machine() {
    for (base_url, refused) in [
        ("http://10.0.0.1", true),
        ("http://169.254.169.254", true),
        ("http://[fd00::1]:8080", true),
        ("http://0.0.0.0", true),
        ("http://0x7f.1", false),
        ("http://127.0.0.2", false),
        ("http://[::1]:8080", false),
        ("http://8.8.8.8", false),
        ("https://example.com", false),
    ] {
        let base_url = url(base_url);
        let reach = Reach::of(&base_url, false);
        assert_eq!(
            refused_literal(&base_url, reach).is_some(),
            refused,
            "{base_url}"
        );
        assert_eq!(refused_literal(&base_url, Reach::Everywhere), None);
    }
}

#[test]
fn only_this_machine_is_local() {
    for (text, local) in [
        ("http://localhost:8080", true),
        ("http://127.0.0.2", true),
        ("http://[::1]:8080", true),
        ("http://example.com", false),
        ("http://10.0.0.1", false),
    ] {
        assert_eq!(is_local(&url(text)), local, "{text}");
    }
}

#[test]
fn special_addresses_are_not_public() {
    for address in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "2001:db8::1",
        "2002:a00:1::1",
        "fd00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn the_others_are() {
    for address in [
        "8.8.8.8",
        "93.184.215.14",
        "172.32.0.1",
        "100.128.0.1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ] {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
}
