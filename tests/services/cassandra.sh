#!/usr/bin/env bash
# A real Apache Cassandra for tests: one node on the loopback interface.
#
#   cassandra.sh start FOLDER [PORT]      starts it, waits until it serves and prints HOST:PORT
#   cassandra.sh stop FOLDER              lets it end in good order
#   cassandra.sh kill FOLDER              ends it as a crash does (SIGKILL)
#   cassandra.sh guard FOLDER [remove]    kills it as soon as the standard input ends, and removes the folder if told to
#
# FOLDER has all of it: tables, log, configuration, process identifier. A start on the same folder finds its tables again, on
# the same port unless another is given. What is acknowledged is on the disk. CASSANDRA_HEAP is its Java heap, 256m by default.
# With CASSANDRA_SECURE=1 it lets in who comes by TLS (FOLDER/node.pem is to be trusted) as user cassandra with the password cassandra.
#
# Java 17 (no later one), for a secure node openssl, and Maven are needed; Maven only the first time, to fetch 67 MB into
# ~/.cache/jackfield.

name=cassandra
version=5.0.9
artifacts=("org.apache.cassandra:cassandra-all:$version")
source "$(dirname "${BASH_SOURCE[0]}")/node.sh"
[[ $# -ge 2 ]] || usage
folder=$(realpath -m "$2")
mark=-Dcassandra.storagedir=$folder
secure=${CASSANDRA_SECURE:-0}

configure() {
    # Native libraries are unpacked there, and a killed node does not clear them away.
    rm -rf "$folder/unpacked"
    mkdir "$folder/unpacked"
    cat >"$folder/cassandra.yaml" <<YAML
cluster_name: jackfield-tests
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
num_tokens: 1
initial_token: "0"
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{seeds: "127.0.0.1:$((port + 1))"}]
listen_address: 127.0.0.1
storage_port: $((port + 1))
rpc_address: 127.0.0.1
native_transport_port: $port
start_native_transport: true
commitlog_sync: batch
commitlog_segment_size: 8MiB
commitlog_total_space: 128MiB
memtable_heap_space: 48MiB
memtable_offheap_space: 16MiB
file_cache_size: 16MiB
key_cache_size: 4MiB
counter_cache_size: 0MiB
auto_snapshot: false
YAML
    configure_log
    [[ $secure == 0 ]] || configure_security
}

configure_security() {
    cat >>"$folder/cassandra.yaml" <<YAML
authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
client_encryption_options:
  enabled: true
  optional: false
  store_type: PKCS12
  keystore: $folder/node.p12
  keystore_password: jackfield
YAML
    certify
}

# The exports and opens are what Cassandra 5 asks of Java 17.
launch() {
    local java=(java -Xms64m -Xmx"${CASSANDRA_HEAP:-256m}" -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError -XX:-UsePerfData
        --add-exports java.base/jdk.internal.ref=ALL-UNNAMED
        --add-opens java.base/sun.nio.ch=ALL-UNNAMED --add-opens java.base/java.io=ALL-UNNAMED
        -Djava.io.tmpdir="$folder/unpacked" -Dlogback.configurationFile="$folder/logback.xml"
        -Dcassandra.config="file://$folder/cassandra.yaml" "$mark" -Dcassandra.logdir="$folder"
        -Dcassandra.ring_delay_ms=0 -Dcassandra.skip_wait_for_gossip_to_settle=0
        -Dcassandra.superuser_setup_delay_ms=0 -Dcassandra-foreground=yes -cp "$jars/*")
    configure
    setsid "${java[@]}" org.apache.cassandra.service.CassandraDaemon >>"$folder/log" 2>&1 </dev/null &
}

# It answers the request for its options (opcode 5 of protocol 4). A secure node is ready only when it knows its user, which
# comes a moment after it accepts connections: it has to let that user in.
ready() {
    if [[ $secure == 0 ]]; then
        [[ $(ask '\x04\0\0\0\x05\0\0\0\0' 5) == 8400000006 ]]
    else
        [[ $(log_in) == *8400000010* ]]
    fi
}

log_in() {
    {
        printf '%b' '\x04\0\0\0\x01\0\0\0\x16\0\x01\0\x0bCQL_VERSION\0\x053.0.0'
        sleep 0.3
        printf '%b' '\x04\0\0\0\x0f\0\0\0\x18\0\0\0\x14\0cassandra\0cassandra'
        sleep 0.5
    } 2>/dev/null | timeout 3 openssl s_client -quiet -no_ign_eof -connect "127.0.0.1:$port" 2>/dev/null | hexadecimal
}

main "$1" "$folder" "${3:-}"
