//! Codes: every error that a person can meet has one, and one paragraph that says what to do.

/// A stable name for a kind of error. Codes are never reused and never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// `JF-` and four digits; the first says the area.
    pub id: &'static str,
    /// What has happened, in a few words.
    pub title: &'static str,
    /// When it is reported, and why.
    pub meaning: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal, $meaning:literal, $remedy:literal;)*) => {
        impl Code {
            $(#[doc = concat!($id, ": ", $title, ".")]
            pub const $name: Self = Self { id: $id, title: $title, meaning: $meaning, remedy: $remedy };)*

            /// Every code, by rising number.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code with this identifier.
            #[must_use]
            pub fn of_id(id: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.id == id)
            }
        }
    };
}

codes! {
    PLUGIN_UNREADABLE = "JF-2001", "a plugin's file cannot be read",
        "The file that a stage's `plugin` names does not exist, is a folder, or this user may not read it.",
        "Check the path in the manifest: it is relative to the manifest's folder. Build the plugins first (`make build`).";
    PLUGIN_NOT_COMPONENT = "JF-2002", "a file is not a WebAssembly component",
        "A plugin is a WebAssembly component. The file is something else: a core module (which `wasm32-unknown-unknown` and `wasm32-wasip1` give), text, cut short, or damaged.",
        "Build the plugin with `cargo build --release --target wasm32-wasip2` and name the file that this leaves.";
    PLUGIN_OTHER_CONTRACT = "JF-2003", "a plugin is built for another version of the contract",
        "The component exports no `jackfield:plugin/stage` interface of a version that this host speaks, or one whose types differ from the contract's. It is refused before it is started: half a contract would fail in the middle of the data.",
        "Build the plugin with a version of jackfield-sdk that the host offers, or use a newer host.";
    PLUGIN_IMPORT = "JF-2004", "a plugin imports what it is not granted",
        "A stage is granted the log and nothing else; clocks, randomness and the like of the standard library are answered with fixed values. The component asks for an interface beyond that, so it could not do its work here, or would do what it may not.",
        "A stage works on records alone: sockets, HTTP and the like belong to the host. Remove the dependency that asks for it.";
    PLUGIN_CONFIGURATION = "JF-2005", "a plugin does not accept its configuration",
        "The options satisfy the schema that the plugin describes, and the plugin refused them all the same when it was started with them: it checks more than a schema can say.",
        "Correct the stage's `configuration`; `jackfield plugin inspect FILE` shows the schema.";
    PLUGIN_PORT = "JF-2006", "the manifest names a port that the plugin does not have",
        "An input of a stage or sink names a port by a name that the plugin does not describe. Ports are checked against the plugin's own description before anything starts.",
        "Use one of the plugin's ports; `jackfield plugin inspect FILE` lists them.";
    PLUGIN_KEYS = "JF-2007", "a keyed input is fed from a port without keys",
        "The input is keyed: the host sends every record to the instance that works for its key. The port which feeds it gives its records no keys, so there is nothing to send them by.",
        "Feed the input from a keyed output port, or insert a stage that gives the records their keys.";
    PLUGIN_UNCONNECTED = "JF-2008", "an input of a plugin is not connected",
        "The plugin describes an input port that the manifest feeds with nothing. A stage that waits for records which never come would hold the watermark back for ever.",
        "Give every input port of the stage a source under `inputs`.";
    WATERMARK_PLACE = "JF-2009", "a watermark is made behind a keyed exchange",
        "Whether a record is late must not depend on how threads happen to run. Only in front of the first keyed exchange do the records of a partition come in the order of the partition; behind it the same input could give another output after a restart.",
        "Make it at the source, or at a stage that reads straight from it: a watermark is made for each partition of the input.";
    PLUGIN_TRAPPED = "JF-2101", "a plugin trapped",
        "The plugin panicked, divided by zero, reached an `unreachable`, or overflowed its stack. Its instance is thrown away, the pipeline goes back to its last checkpoint and feeds the suspect batch record by record, so that only the one record which the plugin fails on is set aside.",
        "If a record is to blame, it is in the dead-letter queue (`jackfield dlq list`): correct the plugin, then `jackfield dlq replay`. If the pipeline stopped, it goes on from its last checkpoint when it is run again with a corrected plugin.";
    PLUGIN_CPU_TIME = "JF-2102", "a plugin used more CPU time in one call than it may",
        "One call took longer than `limits.cpu-time` of the stage, counted in CPU time and not in time on the wall. It was interrupted, because a loop without end would stop the whole pipeline; it is then treated as a trap.",
        "Correct the plugin, or raise `limits.cpu-time` of the stage if its work is honest.";
    PLUGIN_MEMORY = "JF-2103", "a plugin reached its memory limit",
        "An instance asked for more linear memory than `limits.memory` of the stage and broke off when it did not get it. It is then treated as a trap.",
        "Correct the plugin, or raise `limits.memory` of the stage. Keyed state that is never forgotten grows with the number of keys.";
    PLUGIN_CONTRACT = "JF-2104", "a plugin returned what the contract does not allow",
        "What a call returned cannot be true: columns of different lengths, ends that do not fit their data, an index beyond the batch, or records on a port that the plugin does not describe. Nothing of it is used.",
        "Build the plugin with jackfield-sdk, which keeps the contract, or correct its own use of `wit/stage.wit`.";
    PLUGIN_REFUSAL = "JF-2105", "a plugin refused its configuration or its state",
        "`configure` or `load` returned an error, which the contract lets them: the plugin says that it cannot work with this configuration or this state.",
        "Read its reason. State of a version that it cannot load needs a version of the plugin which can.";
    PLUGIN_OUTPUT_BYTES = "JF-2106", "a plugin returned more at once than it may",
        "What one call of `process` returned (values, keys, times and rejections together) was larger than `limits.output-bytes` of the stage, half of `limits.memory` by default. It was refused before it was copied out of the sandbox, and is then treated as a trap.",
        "Raise `limits.output-bytes` of the stage if its work is honest: windows that all close at once, at the end of the input above all, are written by one call. Else correct the plugin.";
    PLUGIN_STATE_BYTES = "JF-2107", "a plugin wants to remember more than it may",
        "The keys and values that one instance of a stage remembers came to more bytes than `limits.state-bytes`, by default as many as `limits.memory`. It shows when state is flushed for a checkpoint or loaded from one, so no record is to blame: after the usual restarts the pipeline stops at its last checkpoint, and nothing is lost.",
        "Raise `limits.state-bytes` of the stage, or `parallelism`, by which keys are shared among more instances; then run it again. If state grows without end, let the plugin forget keys that are done.";
    PLUGIN_HOST_CALLS = "JF-2108", "a plugin called the host more often than it may",
        "An instance wrote to its log, or called what it imports of WASI, more often within a second than `limits.host-calls` says, 100,000 times by default. It is then treated as a trap. Requests and other steps of a job do not count here: `limits.steps` is for them.",
        "Correct the plugin: it calls the host in a loop. Raise `limits.host-calls` if its work is honest.";
    SOURCE_UNREADABLE = "JF-3001", "an input cannot be read",
        "A file of a source cannot be opened, reading it failed, or what should be gzip is not, or is cut short.",
        "Check that the file exists, is readable and is what the manifest says (plain lines or gzip).";
    SOURCE_CHANGED = "JF-3002", "an input is not the one that the checkpoint was taken on",
        "A checkpoint remembers a position in each file, and the file's size and beginning. The file that is there now is another one, has gone, or one was added after all had been read: a position in it would mean nothing, and records would be lost or counted twice.",
        "Run with the input of before, or start afresh with another `checkpoint.path` (or remove the old file and what the sinks wrote).";
    RECORD_TOO_LARGE = "JF-3003", "a record is larger than a source may take",
        "A line was longer than `maximum-record-bytes` of its source. The bound keeps one broken line from taking all memory. The beginning of the record is kept in the dead-letter queue and the stream goes on.",
        "It is in the dead-letter queue, cut short. Raise `maximum-record-bytes` of the source if such records are expected.";
    NULL_VALUE = "JF-3010", "a record of a topic has no value",
        "A message of Kafka has a key and no value, which is how a compacted topic says that a key is deleted. Stages work on values. The record is set aside, the stream goes on.",
        "It is in the dead-letter queue. If such records are expected and mean nothing to the pipeline, say `null-values = \"skip\"` at the source.";
    OFFSET_OUT_OF_RANGE = "JF-3011", "a partition does not have the offset to be read next",
        "The checkpoint (or the consumer group, at a first start) says from which offset a partition is to be read, and the brokers have it no longer: retention deleted it, or the topic was deleted and made again. To jump to where there is something would lose records without a word.",
        "Nothing was skipped. Keep records longer (`retention.ms`) than the pipeline may stand still. To go on without what was lost, start afresh with another `checkpoint.path` and a `start` of the source.";
    EXCHANGE_UNREADABLE = "JF-3020", "a message between two tasks cannot be read",
        "The tasks of a distributed pipeline hand each other records through topics that nobody else may write to. A message there is not in the form that this host reads: a newer host wrote it, or something else did.",
        "Run the same version of the host everywhere. If another program writes to the topic, keep it from doing so; then start the pipeline afresh.";
    EXCHANGE_PARTITIONS = "JF-3021", "a topic between tasks has another number of partitions",
        "The topic through which the tasks of a distributed pipeline hand each other records exists already, and not with as many partitions as `exchange-partitions` says. Each partition is a task with the state of its keys, so their number cannot change under a pipeline.",
        "Set `exchange-partitions` to the number that the topic has. For another number start the pipeline afresh: another name, or without its checkpoints and topics.";
    STATE_VERSION = "JF-4002", "stored state is of a version that the plugin cannot load",
        "The plugin describes the oldest version of its state that it can load. What the last checkpoint holds was written by an older or newer plugin than that. It is found out before the plugin sees any of it.",
        "Use a version of the plugin that can load it, or start afresh with another `checkpoint.path`.";
    STATE_WITHOUT_KEY = "JF-4003", "a stage without keys wants to remember something",
        "A stage that has no keyed input handed state to the host. State is kept by the key of the records it belongs to; without a key nobody could say which instance it goes back to.",
        "State belongs to a key: give the stage a keyed input.";
    THREAD_FAILED = "JF-4004", "a worker of the host broke off",
        "A thread of the host could not be started, panicked, or went away without a reason. What was committed is intact.",
        "This is a fault of the host. The pipeline goes on from its last checkpoint when it is run again; please report it.";
    ENGINE_FAILED = "JF-4005", "the WebAssembly engine does not start",
        "Wasmtime could not be set up. It reserves several gibibytes of address space (not memory) for the plugins' linear memories, and starts one thread of its own.",
        "The machine or its limits lack what the engine needs; the message says what. Address space (`ulimit -v`) is the usual reason.";
    BREAKER_OPEN = "JF-4006", "the breaker of a stage has opened",
        "The plugin of a stage failed too often: `recovery.breaker-failures` times within `recovery.breaker-window`, or more than `recovery.maximum-restarts` times in a row with no record to blame. Each failure goes back to the last checkpoint, so the stage is left alone for a while, as `recovery.on-breaker` says: `pause` reads nothing, `bypass-to-dlq` puts the records of the stage into the dead-letter queue (`breaker-open`) and leaves its state as it is. Then it is tried again, with pauses from one second to five minutes; the first checkpoint closes the breaker.",
        "The message says what the plugin did: correct it. What was bypassed goes through the stage by `jackfield dlq replay --code breaker-open` when the pipeline stands still.";
    ENGINE_FULL = "JF-4007", "there is no room for another instance of a plugin",
        "The host keeps a pool of 1,000 instances, and allocates further ones each by itself. That failed too: the machine, or its limits, has no more address space or memory for them. A stage has `parallelism` instances, a job one for each that runs.",
        "Lower `parallelism` or the `concurrency` of jobs, divide the pipelines among processes, or raise the limit that the message names (`ulimit -v`, `vm.max_map_count`). Jobs wait until there is room; a pipeline goes on from its last checkpoint when it is run again.";
    CHECKPOINT_UNUSABLE = "JF-5001", "the checkpoints cannot be used",
        "Everything that is kept is stored with a checksum. One does not match, an object is missing or cut short, or SQLite finds its file damaged. Rather than to go on from something half right, the pipeline does not start.",
        "Restore the file or folder from a copy, or move it away to start afresh. Nothing of it was used.";
    CHECKPOINT_FOREIGN = "JF-5002", "the checkpoints belong to something else",
        "The file at `checkpoint.path` is not an SQLite database, is one of another program, of another pipeline, or of another version of the format.",
        "Give the pipeline its own file with `checkpoint.path`.";
    CHECKPOINT_MISMATCH = "JF-5003", "the checkpoint does not fit the manifest",
        "The manifest was changed so that the checkpoint cannot be gone on from: a source that was read, or a stage that remembers something, is no longer there, or a sink is of another kind.",
        "Undo the change of the manifest, or start afresh with another `checkpoint.path`.";
    CHECKPOINT_LOCKED = "JF-5004", "another process runs the pipeline",
        "A pipeline's database is locked for as long as a process runs the pipeline; the lock goes when that process ends, however it ends. Looking at it (`dlq list`, `state list`, `checkpoint list`) is possible all the while.",
        "Stop the other process first. One pipeline is run by one process at a time.";
    CHECKPOINT_WRITE = "JF-5005", "a checkpoint cannot be written",
        "SQLite could not write or read the database: the disk is full, the folder is not writable, or another program holds a lock on it. Nothing of the epoch that was to be committed has happened.",
        "Check the disk that holds `checkpoint.path`. The pipeline goes on from the last one that was written.";
    CHECKPOINT_MISSING = "JF-5006", "there are no checkpoints",
        "A command asked what a pipeline remembers or refused, and there is nothing at `checkpoint.path` or `checkpoint.url`: the pipeline has not run yet, or it ran with another path.",
        "Run the pipeline first. If it has run: use the `--set` options and environment variables (`${NAME}` in the manifest) of that run.";
    CHECKPOINT_FENCED = "JF-5007", "another process has taken over the pipeline",
        "Whoever begins to run a pipeline claims it, and from then on those who ran it before can commit nothing any more: two of them would write everything twice. This process was slow, cut off or stopped for a time, or the pipeline was started a second time. What it had not committed has not happened; the other process does it.",
        "If the other process was meant to take over, nothing is to be done. Else stop one of the two: a pipeline whose checkpoints are in an object store is not locked, the last one that is started has it.";
    CHECKPOINT_UNAVAILABLE = "JF-5008", "the object store of the checkpoints does not answer",
        "Requests to the object store failed on the way or on its side, also when they were tried again for some seconds. The pipeline goes back to its last checkpoint and tries again with growing pauses.",
        "Check that the object store is well and that the network, proxy and `endpoint` of `[checkpoint]` let this machine through. Nothing is lost; the pipeline goes on by itself.";
    CHECKPOINT_REFUSED = "JF-5009", "the object store of the checkpoints refuses what it is asked for",
        "The object store answered, and will not do what the pipeline needs: the credentials are wrong or lack a right, the bucket or folder does not exist, or it does not know a conditional put (`If-None-Match`), by which one process alone can write each checkpoint.",
        "Check `url`, `region`, `endpoint` and the credentials of `[checkpoint]`; they need the rights to read, write, list and delete objects below the URL.";
    JOBS_UNUSABLE = "JF-5020", "the jobs cannot be read or written",
        "Jobs are kept in an SQLite database beside that of the checkpoints. It cannot be opened, read or written: the disk is full or broken, the file is damaged, or this user may not write it. What could not be written did not happen: a job goes on from what was.",
        "The message says what SQLite found. Make room, or restore the file from a copy; moved away, all jobs in it are forgotten.";
    SINK_UNWRITABLE = "JF-6001", "a sink cannot be written",
        "The table or file of a sink cannot be made or written.",
        "Check the path or table in the manifest, permissions and free space.";
    SINK_TABLE = "JF-6002", "a sink's table has other columns than the manifest says",
        "The table exists already, and not with the columns which `columns` of the sink describes. It is not altered, because it may hold data.",
        "Make the manifest and the table agree, or name another table.";
    SINK_RECORD = "JF-6003", "a record does not fit its sink",
        "What reached the sink is not a JSON object with a value of the right type for each column. The record is set aside, the others are written.",
        "It is in the dead-letter queue. Correct the plugin's output or the sink's `columns`.";
    SINK_SHORTER = "JF-6004", "a file that a sink has written is shorter than its checkpoint says",
        "A sink that writes a file cuts it back, after a crash, to the length that the checkpoint says. The file is shorter than that, so what was committed has been lost from it since.",
        "Restore the file, or start afresh: with another `checkpoint.path`, and without the file.";
    SINK_EXISTS = "JF-6005", "a file that a sink would write holds something already",
        "The pipeline starts without a checkpoint, and the file is there already and not empty. To append could double what it holds, to overwrite could destroy it.",
        "Move the file away, or name another one. If it is left from a pipeline that shall start afresh, remove it.";
    TRANSACTION_FENCED = "JF-6010", "another process has taken over the transactions of this pipeline",
        "Kafka lets one process at a time commit under a transactional id. Another process has started the same pipeline since, and what this one would still write is refused, so that nothing is doubled.",
        "Nothing needs to be done if the other process was meant to take over. Two pipelines that write to one cluster need different names.";
    TRANSACTION_FAILED = "JF-6011", "a transaction of Kafka came to nothing",
        "What an epoch wrote to Kafka could not be committed: the brokers went away for longer than `transaction-timeout`, or gave up a partition in between. Readers of committed records have seen nothing of it.",
        "The pipeline goes back to its last checkpoint and tries again by itself. If it happens again and again, look at the brokers, or give the connection a longer `transaction-timeout`.";
    MESSAGE_TOO_LARGE = "JF-6012", "a record is larger than a broker takes",
        "A record (or a batch of them, packed) is larger than `max.message.bytes` of the topic or `message.max.bytes` of the broker. It cannot be told apart from those it was sent with, so the epoch cannot be committed.",
        "Raise the limit of the topic, or lower `message.max.bytes` in the `settings` of the connection to what the topic takes: what is larger then goes to the dead-letter queue.";
    CASSANDRA_KEYSPACE = "JF-6020", "a keyspace does not exist",
        "A sink writes to a table of a keyspace that the Cassandra cluster does not have, and is not told to make it.",
        "Correct `keyspace` of the sink, have the keyspace made by whoever runs the cluster, or set `create-tables = true`.";
    CASSANDRA_TABLE = "JF-6021", "a table of Cassandra does not exist",
        "A sink writes to a table that its keyspace does not have, and is not told to make it.",
        "Correct `table` of the sink, have the table made, or set `create-tables = true`. Names are taken as they are written: Cassandra turns those \
         that were not quoted when the table was made into lower case.";
    CASSANDRA_COLUMNS = "JF-6022", "a table of Cassandra has other columns than the manifest says",
        "The table lacks a column, has it with another type, has another primary key, or its primary key has a column that the sink does not write. It is \
         not altered, because it may hold data.",
        "Make `columns` and `primary-key` of the sink agree with the table, or name another table.";
    CASSANDRA_REFUSED = "JF-6023", "Cassandra refuses a write",
        "The cluster said that a write is invalid, so that to try again would change nothing: the table was altered or dropped since the sink was opened, or \
         a row is larger than the cluster takes.",
        "Read the cluster's reason. If the table was changed, make it and the manifest agree and run again; if a row is too large, raise \
         `max_mutation_size` of the nodes, or have the plugin set such records aside.";
    CASSANDRA_TIMESTAMPS = "JF-6024", "an epoch has more rows than write timestamps",
        "Every row of an epoch has a write timestamp of its own, by which a later row wins over an earlier one. An epoch has 268,435,456 of them for each \
         sink, and the sink was given more rows than that between two checkpoints.",
        "Shorten `checkpoint.interval`, so that fewer rows come between two checkpoints.";
    AUDIT_BROKEN = "JF-6030", "an audit log is not what was written",
        "Each line of an audit log holds the SHA-256 of the line before it, and the last checkpoint knows the end. A line was changed, taken out, put in or moved, or a file is missing or cannot be read.",
        "The message names the first place. Compare with a copy of the log; nothing in front of that place is in doubt.";
    SINK_OBJECTS_REFUSED = "JF-6040", "an object store refuses what a sink would write",
        "The object store answered, and will not do what the sink needs: the credentials are wrong or lack a right, or the bucket does not exist. A store that does not answer is waited for, and is no error.",
        "Check `url`, `region`, `endpoint` and the credentials of the sink; they need the rights to write objects below the URL, and where the records of an epoch are one object also to list and delete them.";
    WEBHOOK_REFUSED = "JF-6041", "a service refuses a record that is posted to it",
        "A sink posts records, and the service answered one with a status that says that the same request would be refused again, or did not take it for as long as `give-up-after` says. The record is set aside under the code `webhook-refused`, the next one is posted.",
        "It is in the dead-letter queue, with the status and the reason that the service gave. Put right what the reason names; `jackfield dlq replay` puts the record into the outbox again, from where the next run delivers it under another `Idempotency-Key`.";
    CONNECTION_OPTIONS = "JF-7001", "a connection is described in a way that cannot be used",
        "The options of a connection cannot be made into requests. It is found out before any request is sent.",
        "Correct the connection in the manifest: `base-url` is an http or https URL without credentials, query or fragment, `token-path` a path.";
    CONNECTION_UNREACHABLE = "JF-7002", "a service cannot be reached",
        "Name resolution or connecting failed, also when it was tried again with growing pauses. No request has been sent.",
        "Check `base-url` of the connection, that the service runs, and that name resolution, proxy and firewall let this machine through.";
    CONNECTION_TIMEOUT = "JF-7003", "a service did not answer in time",
        "The service took longer than `timeout` of the connection, each time it was tried.",
        "Check that the service is well. If it is honestly slow, raise `timeout` of the connection.";
    CONNECTION_TLS = "JF-7004", "no secure connection to a service came about",
        "The handshake failed: the port does not speak TLS, or the certificate is not trusted, has run out or is for another name.",
        "Check that `base-url` speaks TLS at that port, that its certificate is for that host name and in date, and that this machine trusts who issued it.";
    CONNECTION_INTERRUPTED = "JF-7005", "an answer broke off or was not HTTP",
        "The connection was made, and then closed before the answer was complete; or what came back does not follow HTTP.",
        "Check that `base-url` names an HTTP service and what lies between: a proxy or load balancer may close connections. Then run again.";
    CONNECTION_SERVER_ERROR = "JF-7006", "a service failed on its side",
        "The service answered with a status of 500 to 599, also when it was tried again with growing pauses.",
        "Nothing is wrong with the request. Look at the service's status, and run again when it is well.";
    CONNECTION_RATE_LIMITED = "JF-7007", "a service refused because of too many requests (429)",
        "The service answered 429 Too Many Requests, and went on doing so after the waits which it asked for by `Retry-After`.",
        "Run again later, when the wait that the service asked for is over; find who else uses the same client, or have its limit raised.";
    CONNECTION_TOO_LARGE = "JF-7008", "an answer is larger than the host takes",
        "Answers are read up to a bound, so that none can take all memory. This one went beyond it and was not read further.",
        "Ask for less at once, or raise `maximum-response-bytes` of the connection. If the size is a surprise, check that `base-url` names the API.";
    CONNECTION_UNEXPECTED = "JF-7009", "a service gave an answer that its API does not have",
        "The service answered with a status that has no meaning for this request, such as a redirect.",
        "Check `base-url` and the paths of the connection: a gateway or a login page may stand in front of the API.";
    TOKEN_CREDENTIALS = "JF-7010", "a service does not accept the client credentials (401)",
        "The token endpoint refused the client identifier and secret that it was given by HTTP Basic authentication. To try again would change nothing.",
        "Check `client-id` and `client-secret` of the connection: both of the same client, not rotated since, without a blank or line break around them.";
    TOKEN_DENIED = "JF-7011", "a service issues no token to the client",
        "The token endpoint knows the client and gave it no token: the grant type or the scope is not allowed to it.",
        "Allow the client, where it is registered, the grant type `client_credentials` and the connection's `scope`; check the spelling of the scope.";
    TOKEN_MALFORMED = "JF-7012", "the answer of a token endpoint cannot be read",
        "What the token endpoint sent with a success is not the JSON object that OAuth 2.0 (RFC 6749) prescribes.",
        "Check `base-url` and `token-path` of the connection: what answered is not an OAuth token endpoint.";
    TOKEN_MISSING = "JF-7013", "the answer of a token endpoint holds no token",
        "The token endpoint answered with JSON that has no usable `access_token`.",
        "Check `token-path` of the connection: what answered speaks JSON, but is not an OAuth token endpoint.";
    TOKEN_REFUSED = "JF-7014", "a service refuses the token that was just issued for it (401)",
        "The API answered 401 to a token that had been issued a moment before; a new one was refused too.",
        "Check that token endpoint and API belong to the same tenant and region, and that the clocks of both sides agree.";
    CONNECTION_PRIVATE_ADDRESS = "JF-7015", "a service is at an address that is not public",
        "The base URL of a connection, or what its name resolves to at the moment, is an address of a private network (RFC 1918, link-local, unique local and the like). Such addresses are refused unless the manifest allows them, so that neither a manifest nor a name server can turn the host against what stands behind its own firewall.",
        "If the service is meant to be there, say `private-addresses = true` at the connection. A `base-url` of `localhost` or a loopback address needs no leave.";
    CONNECTION_CIRCUIT_OPEN = "JF-7016", "a service that failed again and again is left alone for a while",
        "As many requests in a row as the `circuit-breaker` of the connection allows have failed. For the time that it says none is made; then one is, and decides whether the others follow.",
        "Look after the service. Jobs can wait for it: the failure says for how long.";
    CONNECTION_NOT_PERMITTED = "JF-7017", "a plugin asked for what its connection does not grant",
        "The method, the path or a header of a request is not among those that the connection grants, or its target leads elsewhere. The request was not made.",
        "If the plugin is right to ask, add it to `methods`, `paths` or `headers` of the connection. Credentials and `Host` are never granted.";
    CONNECTION_REQUEST_TOO_LARGE = "JF-7018", "a request is larger than its connection allows",
        "The body of a request of a plugin has more bytes than `maximum-request-bytes` of the connection. The request was not made.",
        "Send less at once, or raise `maximum-request-bytes`.";
    PREFLIGHT_FORBIDDEN = "JF-7020", "the client may not read the data action (403)",
        "The token is valid, and what it allows does not include to read data actions. Nothing has been read from any source.",
        "Add the scope `data_actions:read` to the client where it is registered and to `scope` of the connection; check that the client belongs to the data action's organisation.";
    PREFLIGHT_NOT_FOUND = "JF-7021", "the data action does not exist (404)",
        "The platform has no data action of this identifier that the client may see. Nothing has been read from any source.",
        "Check `action` of the pre-flight check against the platform's list of data actions, and that `base-url` is that of the right tenant.";
    PREFLIGHT_MALFORMED = "JF-7022", "the description of the data action cannot be read",
        "The platform answered the request for the data action with success, and not with the JSON that describes one.",
        "Check `base-url` of the connection: what answered is not the data actions API.";
    PREFLIGHT_OTHER_ACTION = "JF-7023", "the service described another data action than the one asked for",
        "The description that came back carries another identifier than the one asked for, so it cannot vouch for it.",
        "Check `action` of the pre-flight check: write the identifier exactly as the platform shows it.";
    PREFLIGHT_OPTIONS = "JF-7024", "a pre-flight check is described in a way that cannot be used",
        "The options of a check cannot be made into a request. It is found out before any request is sent.",
        "Correct the check in the manifest: `connection` is the name of one of its connections, `action` the identifier of a data action.";
    KAFKA_SETTINGS = "JF-7030", "the settings of a Kafka connection cannot be used",
        "librdkafka makes no client of the settings: one of them has a value it does not take, a file that is named does not exist, or two do not go together.",
        "Correct `settings` and `secrets` of the connection; librdkafka's CONFIGURATION.md describes each.";
    KAFKA_DENIED = "JF-7031", "Kafka brokers do not let the host in",
        "Name and password, certificate or mechanism were refused, or this user may not do what the pipeline needs. To try again would change nothing.",
        "Check `settings` and `secrets` of the connection. A source needs to read and describe its topic and its group; a sink to write its topic and the transactional id `jackfield-PIPELINE`, and to read the group of that name.";
    KAFKA_REFUSED = "JF-7032", "Kafka brokers refuse a request",
        "The brokers answered with an error that does not pass by itself.",
        "The message says what was asked and what they answered.";
    KAFKA_INTERRUPTED = "JF-7033", "Kafka brokers did not get through with a request",
        "The brokers went away, or changed leaders, in the middle of a request that cannot simply be made again.",
        "The pipeline goes back to its last checkpoint and tries again by itself.";
    KAFKA_TOPIC = "JF-7034", "a Kafka topic does not exist",
        "A source, a sink or the dead-letter queue names a topic that the brokers do not have. It is not made unasked: with how many partitions is a decision.",
        "Correct the name, make the topic, or have a sink make it: `create-topic = { partitions = 4, replication-factor = 1 }`.";
    TRANSACTION_FORGOTTEN = "JF-7035", "Kafka has forgotten which epoch was committed",
        "The last run ended between writing a checkpoint and hearing that its transaction was committed. Whether it was stands as an offset in a group of the pipeline's own, and that is gone: the brokers drop the offsets of \
         a group that has been idle for `offsets.retention.minutes` (7 days by default), or the manifest's first Kafka sink writes to another topic now. To guess would lose records or write them twice.",
        "If the topic was changed, run once with the old one. Else look at the last records of the topics (read committed): if they hold what the checkpoint counts, run `jackfield checkpoint settle MANIFEST --committed`, else with `--not-committed`.";
    CASSANDRA_UNANSWERED = "JF-7040", "a Cassandra cluster does not answer",
        "No node can be reached, or those that can be do not have what the consistency level asks for, or did not answer in time. It is tried again \
         with growing pauses, without end; meanwhile the sources stand still, and nothing is lost.",
        "Check `nodes` of the connection and that the nodes are up (`nodetool status`). If they are honestly slow, raise `timeout` of the connection.";
    CASSANDRA_CREDENTIALS = "JF-7041", "a Cassandra cluster does not let the host in",
        "The cluster refused the user and password of the connection, or asks for them and the connection has none.",
        "Check `username` and `password` of the connection.";
    CASSANDRA_TLS = "JF-7042", "no secure connection to a Cassandra node came about",
        "The handshake failed: the node's certificate is not vouched for by `tls.authorities`, has run out or is for another name than `tls.name`, the node \
         asks for a certificate of the host, or it does not speak TLS at that port.",
        "Check `tls` of the connection against the node's `client_encryption_options`, and that the port is the right one.";
    CASSANDRA_DATACENTER = "JF-7043", "a data centre does not exist",
        "The connection says which data centre is written to, and no node of the cluster is in one of that name.",
        "Correct `datacenter` of the connection (`nodetool status` shows the names; case matters), or leave it out.";
    CASSANDRA_FORBIDDEN = "JF-7044", "a Cassandra cluster does not permit a request",
        "The user of the connection may not write to the table, or may not make the keyspace or table that `create-tables` asks for.",
        "Grant the user `MODIFY` on the table, and `CREATE` where tables are to be made.";
    TRIGGER_LISTEN = "JF-7050", "the server of the triggers cannot listen",
        "The address of `[server]` is taken by another process, is none of this machine's, or its port needs more rights.",
        "Choose another `listen`, or end the process that has it. Two pipelines need two addresses.";
    TRIGGER_LEDGER = "JF-7051", "the record of scheduled runs cannot be used",
        "The file in which a pipeline keeps what its `cron` triggers have started cannot be read, or is something else. To go on without it could start runs twice or leave some out.",
        "Check the permissions of the file that the message names. Without the file, runs begin anew from now on, and none counts as missed.";
    TRIGGER_TABLE = "JF-7052", "a table cannot be served",
        "A trigger of `type = \"pages\"` could not read the database in which the pipeline keeps its checkpoints and tables, or found in a column what its sink does not write there. The caller was told to come again.",
        "Check the disk and the permissions of the database that the message names, and that nobody else writes to its tables.";
    NOT_FOUND = "JF-8001", "what the command line names does not exist",
        "A stage, key, dead letter or error code was asked for by a name that nothing has. An empty answer would hide a typing error.",
        "Use one of the names that the message or the command's `list` shows.";
    OUTPUT_UNWRITABLE = "JF-8002", "the result cannot be written",
        "Standard output refused what the command wrote: usually the disk behind it is full. A pipe that is closed early, as by `head`, is no error.",
        "Write the result somewhere else.";
    HOST_ABSENT = "JF-8010", "no process runs the pipeline",
        "`jackfield status` found nobody at the control socket that a host opens for every pipeline it runs, beside its checkpoint database. What it shows is what the last checkpoint says.",
        "Run the pipeline. If it runs: use the manifest, `--set` options and environment variables of that run, and look as the user who runs it and on the same machine.";
    HOST_SILENT = "JF-8011", "the process that runs a pipeline does not answer",
        "There is a process at the control socket, and it gave no answer, or only half of one, within 5 s: it is stopped (SIGSTOP), ending, or the machine is overloaded. Nothing is said about its work by that.",
        "Look again. If it stays so, look at the state of the process and at its log.";
    CONTROL_SOCKET = "JF-8012", "a control socket cannot be used",
        "The Unix socket at which a host can be asked how its pipeline fares cannot be opened, or belongs to another user. A pipeline runs without it all the same.",
        "Check the permissions of the folder of `checkpoint.path` and of the user's runtime folder (`XDG_RUNTIME_DIR`), and that the file named in the message is not something else. Only the user who runs a pipeline, and root, may ask.";
    CONTROL_PROTOCOL = "JF-8013", "a host and who asks it do not understand each other",
        "What came through the control socket is not what this version of Jackfield understands: the host is of another version, or what asks it is no Jackfield.",
        "Use the `jackfield` of the version that runs the pipeline.";
    JOB_DIVERGED = "JF-9001", "a job asked for something else than in an earlier run",
        "After a crash and after each long wait a job is run again, and is answered from its journal. This one asked for another step than the journal holds: what it asks for depends on something else than what it was answered. It is stopped before anything is sent twice.",
        "The message shows the first step that differs, from both sides. Start the job anew. In a plugin take time and chance from the workflow only.";
    JOB_EXCEEDED = "JF-9002", "a job went over a limit",
        "A job may use so much memory and CPU time, make so many steps between two savepoints, take so long, and return so much. This one wanted more, and was ended where it stood; what it had done stands.",
        "The message names the limit and what the job was doing. Raise it under `limits` of the job if the work is honest, and `jackfield job retry`.";
    JOB_TRAPPED = "JF-9003", "the plugin of a job broke off",
        "The plugin panicked, or did what the contract does not allow. Steps are decided once, so that to run it again would bring it to the same place.",
        "Correct the plugin and start the job anew. Where it was for want of something outside of the plugin, `jackfield job retry` lets it go on where it was, with the version that it was started with.";
    JOB_DOUBT = "JF-9004", "nobody knows whether a request of a job arrived",
        "The host stopped while a request was under way that is not idempotent, and its connection says not to send such a request again by itself. The job waits for a decision.",
        "Find out at the service whether it arrived. `jackfield job retry` sends it again, with the same idempotency key; `jackfield job cancel` gives the job up.";
    JOB_FAILED = "JF-9005", "a job failed by its own word",
        "The plugin gave a failure instead of an output: a service answered otherwise than it can work with, or not at all.",
        "The failure has a code and a message of the plugin. When its reason is gone, `jackfield job retry` makes the last request that failed again.";
    JOB_INPUT = "JF-9010", "a job refuses its input",
        "A plugin looks at an input before a job is made of it, and says everything that is wrong with it. No job was made, nothing was sent.",
        "Correct the input: each problem names the field, what is wrong with it and, where it is one of a few, what may stand there.";
    JOB_BUSY = "JF-9011", "there are as many unfinished jobs as there may be",
        "A job of the manifest may have only so many unfinished ones at a time (`queue`), so that whoever submits them faster than they end is told.",
        "Submit it again later, or raise `queue` of the job.";
    JOB_KEY = "JF-9012", "an idempotency key was used for another input",
        "With an idempotency key, a repeated submission is the job that there is already. The one that has this key was started with another input, so that it cannot be meant.",
        "Use a key of its own for each job.";
    JOB_NOT_RETRYABLE = "JF-9013", "a job cannot be retried",
        "Only a job that failed, was cancelled, or asks about a request in doubt can be retried. This one is under way, or has succeeded.",
        "Look at it with `jackfield job show`. To do the work once more, start another job.";
    JOBS_STOPPING = "JF-9014", "the host is stopping",
        "The host was told to stop, and takes no more jobs and callbacks. What it took before is kept, and goes on at the next start.",
        "Try again when it runs.";
    JOB_VERSION = "JF-9015", "a job waits for its version, which the host has not got",
        "A job ends on the version that it was started with: the component, the configuration and the ports that are read. The host runs with others and was not given that one, so that the job stands still. Nothing of it is lost.",
        "Run the host with the plugin and the configuration that the job was started with, or bring them back by `jackfield rollback`: it goes on. `jackfield job migrate` moves one that stands at a savepoint to the version that runs; `jackfield job cancel` gives it up.";
    RELOAD_BUSY = "JF-9101", "another reload is under way",
        "A pipeline takes in one version at a time.",
        "Wait for it (`jackfield status`), or leave it off with `jackfield rollback`.";
    RELOAD_MANIFEST = "JF-9102", "the new version is wrong",
        "The manifest or a plugin that it names cannot be used. The running version has not noticed.",
        "The message says what is wrong, as `jackfield check` does. Correct it and reload again.";
    RELOAD_NOTHING = "JF-9103", "there is nothing to reload",
        "Manifest and plugins mean the same as what runs, or there is no version before it to go back to.",
        "If something should differ, look at whether the host reads the file that you have changed: `jackfield status` names its version. To be rid of the first version, change the manifest and reload.";
    RELOAD_AGAIN = "JF-9104", "the version was sent away before",
        "This very version was refused, rolled back, or taken back by somebody, and is not tried again by itself.",
        "Change it; or ask for it by `jackfield reload`, which tries it once more.";
    RELOAD_BEYOND = "JF-9105", "this cannot be changed while the pipeline runs",
        "What the message names belongs to the process or to all that was ever committed: it cannot be exchanged and, if need be, undone between two records.",
        "Stop the pipeline in order (SIGTERM) and start it with the new manifest: it goes on from its last checkpoint.";
    RELOAD_STATE_LOSS = "JF-9106", "a reload would forget something",
        "The new version lacks a stage that remembers something, or a source whose position is known. Nobody can bring that back later.",
        "If it may be forgotten, reload with `--accept-state-loss`.";
    RELOAD_GRANTS = "JF-9107", "a reload would allow plugins more",
        "The new version gives plugins more memory or CPU time, or connections that they could not use. Whoever changes a rule is not always the one who decides about that.",
        "If they may, reload with `--accept-grants`.";
    RELOAD_STATE = "JF-9108", "the new version cannot take over the state",
        "A plugin of the new version cannot load what its stage remembers. This is looked at before it takes over, so that nothing has happened.",
        "Give the plugin the steps from the older version of its state (`Versioned` of the SDK), or reload with an earlier version of the plugin that has them.";
    RELOAD_ARCHIVE = "JF-9109", "a version cannot be kept or found",
        "Versions are kept, manifest and plugins, so that the pipeline can go back to them, also after a crash in the middle of a reload. The message names what is missing, or cannot be written.",
        "Check the folder `reload.versions` (beside the database of the checkpoints by default) and its permissions. Where checkpoints are in an object store, the manifest has to name a folder.";
    RELOAD_SENT_AWAY = "JF-9110", "a new version was refused or rolled back",
        "The new version failed, made something else than the running one where that is not allowed, or did worse on probation. The former version goes on, and nothing of what the new one did has happened.",
        "The message says why. Correct the version and reload again; `jackfield status --format json` has the whole report.";
    RELOAD_DONE = "JF-9111", "a new version had taken over already",
        "The reload that was to be left off had come to its end: what the new version has done is committed.",
        "To go back, say `jackfield rollback` again: the version before comes back by the steps of a reload.";
    CAPTURE = "JF-9120", "batches cannot be captured or replayed",
        "A capture holds batches of a running pipeline and the state that they met. It could not be taken, or the file is none, or the plugin fails on it.",
        "The message says which. Captures are taken while no reload is under way, and read by the version of Jackfield that wrote them.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_rise_and_none_is_used_twice() {
        assert!(Code::ALL.is_sorted_by(|one, next| one.id < next.id));
    }
}
