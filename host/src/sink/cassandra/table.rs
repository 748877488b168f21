//! The table as the cluster describes it, held against the manifest; and how a missing one is made.

use scylla::client::session::Session;
use scylla::cluster::ClusterState;
use scylla::cluster::metadata::{ColumnType, NativeType, Table};

use super::error::TableError;
use super::row::Layout;
use crate::config;
use crate::config::{Creation, PrimaryKey};
use crate::connection::cassandra::{CassandraError, Cluster};
use crate::sink::SinkError;
use crate::sink::patience::Patience;

/// The name of the table with its keyspace, for people.
pub(super) fn name(options: &config::CassandraSink) -> String {
    format!("{}.{}", options.keyspace, options.table)
}

/// Compares the table with the manifest, made before if it is missing and is to be. Gives how records become its rows.
pub(super) async fn open(
    cluster: &Cluster,
    session: &Session,
    options: &config::CassandraSink,
    patience: &Patience,
) -> Result<Layout, SinkError> {
    refresh(session, options, patience).await?;
    if let (Some(creation), Some(key)) = (&options.creation, &options.primary_key)
        && find(&session.get_cluster_state(), options).is_err()
    {
        let _alone = cluster.creation().lock().await;
        // Whoever was first may have made it.
        refresh(session, options, patience).await?;
        if find(&session.get_cluster_state(), options).is_err() {
            create(session, options, creation, key, patience).await?;
            refresh(session, options, patience).await?;
        }
    }
    let state = session.get_cluster_state();
    Ok(compare(find(&state, options)?, options)?)
}

/// What was seen when the session began may have changed since.
async fn refresh(
    session: &Session,
    options: &config::CassandraSink,
    patience: &Patience,
) -> Result<(), SinkError> {
    let connection = &options.connection;
    let refreshed = || async {
        let refreshed = session.refresh_metadata().await;
        refreshed.map_err(|error| CassandraError::looking(connection, &error))
    };
    patience.insist(refreshed).await
}

async fn create(
    session: &Session,
    options: &config::CassandraSink,
    creation: &Creation,
    key: &PrimaryKey,
    patience: &Patience,
) -> Result<(), SinkError> {
    let connection = &options.connection;
    let mut statements = Vec::new();
    if session
        .get_cluster_state()
        .get_keyspace(&**options.keyspace)
        .is_none()
    {
        statements.push(keyspace_statement(&options.keyspace, creation));
    }
    statements.push(table_statement(options, key));
    for statement in &statements {
        tracing::info!(connection = connection.value, "{statement}");
        let made = || async {
            let made = session.query_unpaged(statement.as_str(), ()).await;
            made.map(drop)
                .map_err(|error| CassandraError::requesting(connection, &error))
        };
        patience.insist(made).await?;
    }
    Ok(())
}

fn find<'a>(
    state: &'a ClusterState,
    options: &config::CassandraSink,
) -> Result<&'a Table, TableError> {
    let keyspace = options.keyspace.to_string();
    let Some(found) = state.get_keyspace(&keyspace) else {
        let names = state.keyspaces_iter().map(|(name, _)| name);
        return Err(TableError::Keyspace {
            connection: options.connection.value.clone(),
            keyspace,
            found: list(names.filter(|name| !name.starts_with("system"))),
        });
    };
    let table = options.table.to_string();
    found.tables.get(&table).ok_or_else(|| TableError::Table {
        keyspace,
        table,
        found: list(found.tables.keys().map(String::as_str)),
    })
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.sort_unstable();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn compare(table: &Table, options: &config::CassandraSink) -> Result<Layout, TableError> {
    let mut differences = Vec::new();
    for column in &options.columns {
        let expected = column.kind.cql();
        match table.columns.get(&**column.name) {
            None => differences.push(format!(
                "it has no column `{}`, only {}",
                column.name,
                list(table.columns.keys().map(String::as_str))
            )),
            Some(found) if type_name(&found.typ) != expected => differences.push(format!(
                "its column `{}` is of the type {}, not {expected}",
                column.name,
                type_name(&found.typ)
            )),
            Some(_) => {}
        }
    }
    let written = |name: &String| options.columns.iter().any(|column| **column.name == **name);
    for key in table.partition_key.iter().chain(&table.clustering_key) {
        if !written(key) {
            differences.push(format!(
                "its primary key has the column `{key}`, which the manifest does not write"
            ));
        }
    }
    if let Some(expected) = &options.primary_key {
        let expected = key_text(
            expected.partition.iter().map(|column| &column.value),
            expected.clustering.iter().map(|column| &column.value),
        );
        let found = key_text(table.partition_key.iter(), table.clustering_key.iter());
        if found != expected {
            differences.push(format!("its primary key is {found}, not {expected}"));
        }
    }
    if differences.is_empty() {
        return Ok(Layout::new(
            &options.columns,
            &table.partition_key,
            &table.clustering_key,
        ));
    }
    Err(TableError::Columns {
        table: name(options),
        differences,
    })
}

/// A primary key as CQL writes it.
fn key_text<'a>(
    partition: impl Iterator<Item = &'a String>,
    clustering: impl Iterator<Item = &'a String>,
) -> String {
    let partition: Vec<_> = partition.map(|name| quoted(name)).collect();
    let partition = format!("({})", partition.join(", "));
    let all: Vec<_> = std::iter::once(partition)
        .chain(clustering.map(|name| quoted(name)))
        .collect();
    format!("({})", all.join(", "))
}

/// The type as CQL writes it, as far as the manifest has a word for it.
fn type_name(found: &ColumnType<'_>) -> String {
    let name = match found {
        ColumnType::Native(native) => match native {
            NativeType::Ascii => "ascii",
            NativeType::Boolean => "boolean",
            NativeType::Blob => "blob",
            NativeType::Counter => "counter",
            NativeType::Date => "date",
            NativeType::Decimal => "decimal",
            NativeType::Double => "double",
            NativeType::Duration => "duration",
            NativeType::Float => "float",
            NativeType::Int => "int",
            NativeType::BigInt => "bigint",
            NativeType::Text => "text",
            NativeType::Timestamp => "timestamp",
            NativeType::Inet => "inet",
            NativeType::SmallInt => "smallint",
            NativeType::TinyInt => "tinyint",
            NativeType::Time => "time",
            NativeType::Timeuuid => "timeuuid",
            NativeType::Uuid => "uuid",
            NativeType::Varint => "varint",
            _ => "unknown",
        },
        ColumnType::Collection { .. } => "collection",
        ColumnType::Vector { .. } => "vector",
        ColumnType::UserDefinedType { .. } => "user-defined",
        ColumnType::Tuple(_) => "tuple",
        _ => "unknown",
    };
    name.to_owned()
}

/// A name between double quotes, so that it is taken as it is written.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The statement by which every row is written.
pub(super) fn insert_statement(options: &config::CassandraSink) -> String {
    let columns: Vec<_> = options
        .columns
        .iter()
        .map(|column| quoted(&column.name))
        .collect();
    let places = vec!["?"; columns.len()].join(", ");
    format!(
        "INSERT INTO {}.{} ({}) VALUES ({places}) USING TIMESTAMP ?",
        quoted(&options.keyspace),
        quoted(&options.table),
        columns.join(", ")
    )
}

fn keyspace_statement(keyspace: &str, creation: &Creation) -> String {
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let replication: Vec<_> = creation
        .replication
        .iter()
        .map(|(key, value)| format!("{}: {}", text(key), text(value)))
        .collect();
    format!(
        "CREATE KEYSPACE IF NOT EXISTS {} WITH replication = {{{}}}",
        quoted(keyspace),
        replication.join(", ")
    )
}

fn table_statement(options: &config::CassandraSink, key: &PrimaryKey) -> String {
    let columns: Vec<_> = options
        .columns
        .iter()
        .map(|column| format!("{} {}", quoted(&column.name), column.kind.cql()))
        .collect();
    format!(
        "CREATE TABLE IF NOT EXISTS {}.{} ({}, PRIMARY KEY {})",
        quoted(&options.keyspace),
        quoted(&options.table),
        columns.join(", "),
        key_text(
            key.partition.iter().map(|column| &column.value),
            key.clustering.iter().map(|column| &column.value)
        )
    )
}
