//! Tables that are not what the manifest says.

use jackfield_tests::services::Cassandra;

use crate::scenario::{READINGS, Scenario, assert_failed, readings};

fn keyspace(cassandra: &Cassandra, name: &str) {
    let replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}";
    let statement = format!("CREATE KEYSPACE {name} WITH replication = {replication}");
    cassandra.execute(&statement).unwrap();
}

#[test]
fn a_table_that_exists_is_written_to() {
    let cassandra = Cassandra::shared();
    keyspace(cassandra, "existing");
    let columns = "value int, at bigint, sensor text, more text";
    let statement = format!("CREATE TABLE existing.readings ({columns}, PRIMARY KEY (sensor, at))");
    cassandra.execute(&statement).unwrap();
    let columns = r#"columns = { sensor = "text", at = "bigint", value = "int" }"#;
    let scenario = Scenario::new(cassandra, "existing", &readings(100)).sink(columns);
    scenario.run().expect_success();
    assert_eq!(cassandra.rows(&scenario.table()).unwrap().len(), 100);
}

#[test]
fn a_missing_keyspace_is_not_made_unasked() {
    let scenario = Scenario::new(Cassandra::shared(), "absent", &readings(1)).sink(READINGS);
    assert_failed(
        &scenario.run(),
        &["JF-6020", "the cluster `tables` has no keyspace `absent`"],
    );
}

#[test]
fn a_missing_table_is_not_made_unasked() {
    let cassandra = Cassandra::shared();
    keyspace(cassandra, "tableless");
    cassandra
        .execute("CREATE TABLE tableless.reading (sensor text PRIMARY KEY)")
        .unwrap();
    let scenario = Scenario::new(cassandra, "tableless", &readings(1)).sink(READINGS);
    let words = "the keyspace `tableless` has no table `readings`; it has `reading`";
    assert_failed(&scenario.run(), &["JF-6021", words]);
}

#[test]
fn everything_that_differs_in_a_table_is_said_at_once() {
    let cassandra = Cassandra::shared();
    keyspace(cassandra, "different");
    cassandra
        .execute("CREATE TABLE different.readings (sensor text, site text, value text, PRIMARY KEY ((sensor, site), value))")
        .unwrap();
    let scenario = Scenario::new(cassandra, "different", &readings(1));
    assert_failed(
        &scenario.run(),
        &[
            "JF-6022",
            "it has no column `at`, only `sensor`, `site`, `value`",
            "its column `value` is of the type text, not int",
            "its primary key has the column `site`, which the manifest does not write",
            "its primary key is ((\"sensor\", \"site\"), \"value\"), not ((\"sensor\"), \"at\")",
        ],
    );
}

#[test]
fn a_data_centre_that_does_not_exist_is_not_waited_for() {
    let cassandra = Cassandra::shared();
    let connection = format!(
        "nodes = [\"{}\"]\ndatacenter = \"north\"",
        cassandra.address()
    );
    let scenario = Scenario::new(cassandra, "elsewhere", &readings(1)).connection(&connection);
    assert_failed(
        &scenario.run(),
        &[
            "JF-7043",
            "are in the data centres datacenter1; none is in `north`",
        ],
    );
}
