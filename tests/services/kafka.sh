#!/usr/bin/env bash
# A real Apache Kafka for tests: broker and controller in one process on the loopback interface.
#
#   kafka.sh start FOLDER [PORT]      starts it, waits until it serves and prints HOST:PORT
#   kafka.sh stop FOLDER              lets it end in good order
#   kafka.sh kill FOLDER              ends it as a crash does (SIGKILL)
#   kafka.sh guard FOLDER [remove]    kills it as soon as the standard input ends, and removes the folder if told to
#
# FOLDER has all of it: topics, log, configuration, process identifier. A start on the same folder finds its topics again, on
# the same port unless another is given. KAFKA_HEAP is its Java heap, 512m by default.
# With KAFKA_SECURE=1 it lets in who comes by TLS (FOLDER/node.pem is to be trusted) and SCRAM-SHA-512 as user kafka with the password kafka.
#
# Java 17, for a secure broker openssl, and Maven are needed; Maven only the first time, to fetch 45 MB into ~/.cache/jackfield.

name=kafka
# Not 4.3.1: after a crash it can drop the markers that end a transaction.
version=4.2.1
artifacts=("org.apache.kafka:kafka_2.13:$version" "org.slf4j:slf4j-simple:1.7.36")
source "$(dirname "${BASH_SOURCE[0]}")/node.sh"
[[ $# -ge 2 ]] || usage
folder=$(realpath -m "$2")
mark=$folder/server.properties
secure=${KAFKA_SECURE:-0}
protocol=PLAINTEXT
format=(format --config "$mark" --cluster-id amFja2ZpZWxkLXRlc3RzLQ)
if [[ $secure == 1 ]]; then
    protocol=SASL_SSL
    format+=(--add-scram 'SCRAM-SHA-512=[name=kafka,password=kafka]')
fi

configure() {
    cat >"$folder/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
controller.listener.names=CONTROLLER
listeners=$protocol://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
listener.security.protocol.map=$protocol:$protocol,CONTROLLER:PLAINTEXT
inter.broker.listener.name=$protocol
log.dirs=$folder/data
# A topic that is missing is to be noticed.
auto.create.topics.enable=false
# There is one broker to hold everything.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
log.cleaner.dedupe.buffer.size=8388608
# Records of tests happened whenever they say.
log.retention.ms=-1
log.message.timestamp.before.max.ms=9223372036854775807
log.message.timestamp.after.max.ms=9223372036854775807
# That somebody died is to be known in seconds.
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=2000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.heartbeat.interval.ms=500
group.consumer.min.heartbeat.interval.ms=100
group.consumer.min.session.timeout.ms=1000
group.consumer.session.timeout.ms=6000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
PROPERTIES
    [[ $secure == 0 ]] || configure_security
}

# The broker is a client of its own too: it has to trust itself and to say who it is.
configure_security() {
    certify
    [[ -s $folder/trust.p12 ]] ||
        keytool -importcert -noprompt -alias node -file "$folder/node.pem" -keystore "$folder/trust.p12" -storetype PKCS12 \
            -storepass jackfield >>"$folder/log" 2>&1 || fail "keytool could not write $folder/trust.p12"
    cat >>"$folder/server.properties" <<PROPERTIES
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="kafka" password="kafka";
ssl.keystore.type=PKCS12
ssl.keystore.location=$folder/node.p12
ssl.keystore.password=jackfield
ssl.truststore.type=PKCS12
ssl.truststore.location=$folder/trust.p12
ssl.truststore.password=jackfield
PROPERTIES
}

launch() {
    local java=(java -Xmx"${KAFKA_HEAP:-512m}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData
        -Dorg.slf4j.simpleLogger.showDateTime=true -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS -cp "$jars/*")
    configure
    if [[ ! -s $folder/data/meta.properties ]]; then
        "${java[@]}" kafka.tools.StorageTool "${format[@]}" >>"$folder/log" 2>&1 || fail "its folder could not be prepared; see $folder/log"
    fi
    setsid "${java[@]}" kafka.Kafka "$mark" >>"$folder/log" 2>&1 </dev/null &
}

# It answers the request for metadata (number 3, version 1) with one broker; a secure one shakes hands, which it does when it serves.
ready() {
    if [[ $secure == 1 ]]; then
        timeout 3 openssl s_client -brief -CAfile "$folder/node.pem" -verify_return_error -connect "127.0.0.1:$port" \
            </dev/null >>"$folder/handshake" 2>&1
        return
    fi
    [[ $(ask '\0\0\0\016\0\03\0\01\0\0\0\01\0377\0377\0\0\0\0' 12) == ????????0000000100000001 ]]
}

main "$1" "$folder" "${3:-}"
