//! A node that takes encrypted connections of those who have a password.

use jackfield_tests::services::{Cassandra, CassandraClient};
use tempfile::tempdir;

use crate::scenario::{Scenario, assert_failed, assert_rows, readings};

/// One node for all that is to be said of it: it takes longer to start than they do together.
#[test]
fn only_who_is_let_in_by_a_node_that_is_trusted_writes() {
    let folder = tempdir().unwrap();
    let cassandra = Cassandra::start_secure(folder.path()).unwrap();
    let certificate = cassandra.certificate();
    let options = |tls: &str| {
        format!(
            "nodes = [\"{}\"]\nusername = {{ env = \"WHO\" }}\npassword = {{ env = \"WORD\" }}\ntls = {{ {tls} }}",
            cassandra.address()
        )
    };
    let run = |connection: &str, password: &str| {
        let scenario = Scenario::new(&cassandra, "secure", &readings(100)).connection(connection);
        let pipeline = scenario
            .pipeline()
            .environment("WHO", CassandraClient::USER)
            .environment("WORD", password);
        pipeline.run().unwrap()
    };
    let trusting = options(&format!(
        "authorities = {certificate:?}, name = \"localhost\""
    ));
    run(&trusting, CassandraClient::PASSWORD).expect_success();
    assert_rows(&cassandra, "secure.readings", &readings(100));

    assert_failed(
        &run(&trusting, "wrong"),
        &["JF-7041", "`tables` do not let the host in"],
    );
    let untrusting = options("");
    assert_failed(
        &run(&untrusting, CassandraClient::PASSWORD),
        &["JF-7042", "certificate verify failed"],
    );
    let other = options(&format!(
        "authorities = {certificate:?}, name = \"other.example.com\""
    ));
    assert_failed(&run(&other, CassandraClient::PASSWORD), &["JF-7042"]);
    run(&options("verify = false"), CassandraClient::PASSWORD).expect_success();
}
