#!/usr/bin/env bash
# A real server of the S3 API for tests: S3Proxy before a folder, on the loopback interface.
#
#   s3.sh start FOLDER [PORT]      starts it, waits until it serves and prints HOST:PORT
#   s3.sh stop FOLDER              lets it end in good order
#   s3.sh kill FOLDER              ends it as a crash does (SIGKILL)
#   s3.sh guard FOLDER [remove]    kills it as soon as the standard input ends, and removes the folder if told to
#
# FOLDER has all of it: the bucket `tests`, log, configuration, process identifier. Who signs requests as `jackfield` with the
# secret `jackfield-secret` may do everything. It looks whether an object exists and then writes it, which is two steps: who shall be
# fenced by a conditional put cannot be tested with it, since two writers at once may both be told that they were first. An object
# is written as OBJECT-UUID before it gets its name; after a crash such a file is listed as an object, unlike in a real store, so
# those are removed before the server starts again.
#
# Java 17 and Maven are needed; Maven only the first time, to fetch 94 MB into ~/.cache/jackfield.

name=s3proxy
version=3.1.0
artifacts=("org.gaul:s3proxy:$version")
source "$(dirname "${BASH_SOURCE[0]}")/node.sh"
[[ $# -ge 2 ]] || usage
folder=$(realpath -m "$2")
mark=$folder/s3proxy.properties
uuid='[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'

configure() {
    # A bucket is a folder.
    mkdir -p "$folder/data/tests"
    find "$folder/data" -type f -regextype posix-extended -regex ".*-$uuid" -delete
    cat >"$mark" <<PROPERTIES
s3proxy.endpoint=http://127.0.0.1:$port
s3proxy.authorization=aws-v4
s3proxy.identity=jackfield
s3proxy.credential=jackfield-secret
jclouds.provider=filesystem-nio2
jclouds.filesystem.basedir=$folder/data
PROPERTIES
    configure_log
}

launch() {
    local java=(java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData
        -Dlogback.configurationFile="$folder/logback.xml" -cp "$jars/*")
    configure
    setsid "${java[@]}" org.gaul.s3proxy.Main --properties "$mark" >>"$folder/log" 2>&1 </dev/null &
}

# It answers, in the words of HTTP.
ready() {
    [[ $(ask "GET /tests HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" 9) == "$(printf 'HTTP/1.1 ' | hexadecimal)" ]]
}

main "$1" "$folder" "${3:-}"
