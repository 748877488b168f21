# What the scripts of this folder have in common: a server that is one Java process, with everything of it in one folder.
#
# The script that reads this file sets `name`, `version`, `artifacts` (as Maven writes them), `mark` (what stands in the
# command line of the folder's own server and in no other) and has the functions `ready` and `launch`, of which the latter
# starts the server with its process identifier in `$!`.

set -euo pipefail

# Below the ports that the kernel lends to clients: with those, a client that connects to itself is taken for the server.
lowest_port=20000
highest_port=31998
start_patience=150
end_patience=60

fail() {
    echo "$name: $*" >&2
    exit 1
}

# Jars are fetched once a machine. They get their place by a rename, so that what is there is whole.
jars=${XDG_CACHE_HOME:-$HOME/.cache}/jackfield/$name-$version
fetch() {
    [[ ! -d $jars ]] || return 0
    command -v mvn >/dev/null || fail "Maven is not installed: 'mvn' fetches what $name $version consists of"
    mkdir -p "$(dirname "$jars")"
    local scratch
    scratch=$(mktemp -d "$jars.XXXXXX")
    {
        echo '<project><modelVersion>4.0.0</modelVersion><groupId>jackfield</groupId>'
        echo "<artifactId>$name</artifactId><version>1</version><packaging>pom</packaging><dependencies>"
        local artifact
        for artifact in "${artifacts[@]}"; do
            IFS=: read -r group id number <<<"$artifact"
            echo "<dependency><groupId>$group</groupId><artifactId>$id</artifactId><version>$number</version></dependency>"
        done
        echo '</dependencies></project>'
    } >"$scratch/pom.xml"
    mvn --batch-mode --quiet --file "$scratch/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$scratch/jars" >&2 || {
        rm -r "$scratch"
        fail "Maven could not fetch $name $version"
    }
    # Another process may have been faster; what it has put there is the same.
    mv --no-target-directory "$scratch/jars" "$jars" 2>/dev/null || [[ -d $jars ]] || fail "cannot write $jars"
    rm -r "$scratch"
}

# The identifier in the file may have been given to another process since.
running() {
    [[ -s $folder/pid ]] && tr '\0' '\n' <"/proc/$(<"$folder/pid")/cmdline" 2>/dev/null | grep -qF -- "$mark"
}

# Has what logs by Logback write a line an event to the standard output, by FOLDER/logback.xml.
configure_log() {
    cat >"$folder/logback.xml" <<XML
<configuration>
  <appender name="log" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%date{HH:mm:ss.SSS} %level %logger{0} %message%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="log"/></root>
</configuration>
XML
}

# Makes a key for this machine in FOLDER/node.p12, and the certificate that those who connect are to trust in FOLDER/node.pem.
certify() {
    [[ ! -s $folder/node.pem ]] || return 0
    local store=(-alias node -keystore "$folder/node.p12" -storetype PKCS12 -storepass jackfield)
    keytool -genkeypair "${store[@]}" -keyalg EC -validity 30 \
        -dname CN=localhost -ext san=dns:localhost,ip:127.0.0.1 >>"$folder/log" 2>&1 &&
        keytool -exportcert -rfc "${store[@]}" -file "$folder/node.pem" >>"$folder/log" 2>&1 ||
        fail "keytool made no certificate; see $folder/log"
}

accepts() { # PORT
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Sends bytes, as `printf` writes them, and prints the first ones of the answer in hexadecimal digits.
ask() ( # BYTES COUNT
    exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
    printf '%b' "$1" >&3
    timeout 2 head -c "$2" <&3 | hexadecimal
) 2>/dev/null

hexadecimal() {
    od -An -v -tx1 | tr -d ' \n'
}

# A server takes two ports that follow each other: clients have the first.
taken() { # PORT
    accepts "$1" || accepts $(($1 + 1))
}

free_port() {
    local candidate attempt
    for ((attempt = 0; attempt < 100; attempt++)); do
        candidate=$((lowest_port + 2 * (RANDOM % ((highest_port - lowest_port) / 2))))
        taken "$candidate" || {
            echo "$candidate"
            return
        }
    done
    fail "no pair of free ports from $lowest_port to $highest_port"
}

choose_port() { # PORT or nothing
    if [[ -n $1 ]]; then
        port=$1
    elif [[ -s $folder/port ]]; then
        port=$(<"$folder/port")
    else
        port=$(free_port)
    fi
    taken "$port" && fail "something listens on port $port or $((port + 1)) already"
    echo "$port" >"$folder/port"
}

give_up() { # WHY
    tail -n 20 "$folder/log" >&2
    fail "$1; all that it said is in $folder/log"
}

start() { # PORT or nothing
    running && fail "it runs in $folder already"
    command -v java >/dev/null || fail "Java is not installed: 'java' 17 runs $name"
    fetch
    mkdir -p "$folder"
    choose_port "$1"
    launch
    local process=$! deadline=$((SECONDS + start_patience))
    echo "$process" >"$folder/pid"
    until ready; do
        kill -0 "$process" 2>/dev/null || give_up "it ended while it started"
        ((SECONDS < deadline)) || give_up "it does not serve after $start_patience s"
        sleep 0.1
    done
    echo "127.0.0.1:$port"
}

end() { # SIGNAL
    running || fail "it does not run in $folder"
    port=$(<"$folder/port")
    kill -s "$1" "$(<"$folder/pid")"
    local deadline=$((SECONDS + end_patience))
    # A process is gone from the list a moment before its ports are free.
    while running || taken "$port"; do
        ((SECONDS < deadline)) || fail "it still runs $end_patience s after SIG$1"
        sleep 0.05
    done
    rm "$folder/pid"
}

# Processes whose command line has the mark. The folder may be gone when this is asked, and the file in it with it. The mark is
# not an argument here, where it would mark the search itself.
marked() {
    grep -lsF -f - /proc/[0-9]*/cmdline <<<"$mark" | cut -d/ -f3
}

# The server must not outlive a program that started it, however that ends: its end closes the other end of our input.
guard() { # `remove` or nothing
    trap '' HUP INT TERM
    while read -r _; do :; done
    local processes
    while mapfile -t processes < <(marked) && ((${#processes[@]} > 0)); do
        kill -s KILL "${processes[@]}" 2>/dev/null || true
        sleep 0.05
    done
    if [[ $1 == remove ]]; then rm -rf "$folder"; fi
}

usage() {
    sed -n '/^#!/d; /^#/!q; s/^# \{0,1\}//p' "$0"
    exit 2
}

main() { # COMMAND FOLDER ARGUMENT
    case $1 in
    start) start "$3" ;;
    stop) end TERM ;;
    kill) end KILL ;;
    guard) guard "$3" ;;
    *) usage ;;
    esac
}
