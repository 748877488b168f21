//! Codes: every error that a person can meet has one, and one paragraph that says what to do.

/// A stable name for a kind of error. Codes are never reused and never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// `JF-` and four digits; the first says the area.
    pub id: &'static str,
    /// What has happened, in a few words.
    pub title: &'static str,
    /// When it is reported, and why; empty where the title says it all.
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
    ($($name:ident = $id:literal, $title:literal, $remedy:literal;)*) => {
        impl Code {
            $(#[doc = concat!($id, ": ", $title, ".")]
            pub const $name: Self = Self { id: $id, title: $title, meaning: "", remedy: $remedy };)*

            /// Every code, by rising number.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

codes! {
    PLUGIN_UNREADABLE = "JF-2001", "a plugin's file cannot be read",
        "Check the path in the manifest: it is relative to the manifest's folder. Build the plugins first (`make build`).";
    PLUGIN_NOT_COMPONENT = "JF-2002", "a file is not a WebAssembly component",
        "Build the plugin with `cargo build --release --target wasm32-wasip2` and name the file that this leaves.";
    PLUGIN_OTHER_CONTRACT = "JF-2003", "a plugin is built for another version of the contract",
        "Build the plugin with a version of jackfield-sdk that the host offers, or use a newer host.";
    PLUGIN_IMPORT = "JF-2004", "a plugin imports what it is not granted",
        "A stage works on records alone: sockets, HTTP and the like belong to the host. Remove the dependency that asks for it.";
    PLUGIN_CONFIGURATION = "JF-2005", "a plugin does not accept its configuration",
        "Correct the stage's `configuration`; `jackfield plugin inspect FILE` shows the schema.";
    PLUGIN_PORT = "JF-2006", "the manifest names a port that the plugin does not have",
        "Use one of the plugin's ports; `jackfield plugin inspect FILE` lists them.";
    PLUGIN_KEYS = "JF-2007", "a keyed input is fed from a port without keys",
        "Feed the input from a keyed output port, or insert a stage that gives the records their keys.";
    PLUGIN_UNCONNECTED = "JF-2008", "an input of a plugin is not connected",
        "Give every input port of the stage a source under `inputs`.";
    WATERMARK_PLACE = "JF-2009", "a watermark is made behind a keyed exchange",
        "Make it at the source, or at a stage that reads straight from it: a watermark is made for each partition of the input.";
    PLUGIN_TRAPPED = "JF-2101", "a plugin trapped",
        "The record that it trapped on is in the dead-letter queue (`jackfield dlq list`). Correct the plugin, then `jackfield dlq replay`.";
    PLUGIN_CPU_TIME = "JF-2102", "a plugin used more CPU time in one call than it may",
        "Correct the plugin, or raise `limits.cpu-time` of the stage if its work is honest.";
    PLUGIN_MEMORY = "JF-2103", "a plugin reached its memory limit",
        "Correct the plugin, or raise `limits.memory` of the stage. Keyed state that is never forgotten grows with the number of keys.";
    PLUGIN_CONTRACT = "JF-2104", "a plugin returned what the contract does not allow",
        "Build the plugin with jackfield-sdk, which keeps the contract, or correct its own use of `wit/stage.wit`.";
    PLUGIN_REFUSAL = "JF-2105", "a plugin refused its configuration or its state",
        "Read its reason. State of a version that it cannot load needs a version of the plugin which can.";
    SOURCE_UNREADABLE = "JF-3001", "an input cannot be read",
        "Check that the file exists, is readable and is what the manifest says (plain lines or gzip).";
    SOURCE_CHANGED = "JF-3002", "an input is not the one that the checkpoint was taken on",
        "Run with the input of before, or start afresh with another `checkpoint.path` (or remove the old file and what the sinks wrote).";
    RECORD_TOO_LARGE = "JF-3003", "a record is larger than a source may take",
        "It is in the dead-letter queue, cut short. Raise `maximum-record-bytes` of the source if such records are expected.";
    STAGE_FAILED = "JF-4001", "a stage fails again and again",
        "The pipeline stopped at its last checkpoint. Correct the plugin that the message names and run again: it goes on from there.";
    STATE_VERSION = "JF-4002", "stored state is of a version that the plugin cannot load",
        "Use a version of the plugin that can load it, or start afresh with another `checkpoint.path`.";
    STATE_WITHOUT_KEY = "JF-4003", "a stage without keys wants to remember something",
        "State belongs to a key: give the stage a keyed input.";
    THREAD_FAILED = "JF-4004", "a worker of the host broke off",
        "This is a fault of the host. The pipeline goes on from its last checkpoint when it is run again; please report it.";
    ENGINE_FAILED = "JF-4005", "the WebAssembly engine does not start",
        "The machine or its limits lack what the engine needs; the message says what. Address space (`ulimit -v`) is the usual reason.";
    CHECKPOINT_UNUSABLE = "JF-5001", "the checkpoint database cannot be used",
        "Restore the file from a copy, or move it away to start afresh. Nothing of it was used.";
    CHECKPOINT_FOREIGN = "JF-5002", "the database belongs to something else",
        "Give the pipeline its own file with `checkpoint.path`.";
    CHECKPOINT_MISMATCH = "JF-5003", "the checkpoint does not fit the manifest",
        "Undo the change of the manifest, or start afresh with another `checkpoint.path`.";
    CHECKPOINT_LOCKED = "JF-5004", "another process runs the pipeline",
        "Stop the other process first. One pipeline is run by one process at a time.";
    CHECKPOINT_WRITE = "JF-5005", "a checkpoint cannot be written",
        "Check the disk that holds `checkpoint.path`. The pipeline goes on from the last one that was written.";
    SINK_UNWRITABLE = "JF-6001", "a sink cannot be written",
        "Check the path or table in the manifest, permissions and free space.";
    SINK_TABLE = "JF-6002", "a sink's table has other columns than the manifest says",
        "Make the manifest and the table agree, or name another table.";
    SINK_RECORD = "JF-6003", "a record does not fit its sink",
        "It is in the dead-letter queue. Correct the plugin's output or the sink's `columns`.";
    SINK_SHORTER = "JF-6004", "a file that a sink has written is shorter than its checkpoint says",
        "Restore the file, or start afresh: with another `checkpoint.path`, and without the file.";
    SINK_EXISTS = "JF-6005", "a file that a sink would write holds something already",
        "Move the file away, or name another one. If it is left from a pipeline that shall start afresh, remove it.";
    CONNECTION_OPTIONS = "JF-7001", "a connection is described in a way that cannot be used",
        "Correct the connection in the manifest: `base-url` is an http or https URL without credentials, query or fragment, `token-path` a path.";
    CONNECTION_UNREACHABLE = "JF-7002", "a service cannot be reached",
        "Check `base-url` of the connection, that the service runs, and that name resolution, proxy and firewall let this machine through.";
    CONNECTION_TIMEOUT = "JF-7003", "a service did not answer in time",
        "Check that the service is well. If it is honestly slow, raise `timeout` of the connection.";
    CONNECTION_TLS = "JF-7004", "no secure connection to a service came about",
        "Check that `base-url` speaks TLS at that port, that its certificate is for that host name and in date, and that this machine trusts who issued it.";
    CONNECTION_INTERRUPTED = "JF-7005", "an answer broke off or was not HTTP",
        "Check that `base-url` names an HTTP service and what lies between: a proxy or load balancer may close connections. Then run again.";
    CONNECTION_SERVER_ERROR = "JF-7006", "a service failed on its side",
        "Nothing is wrong with the request. Look at the service's status, and run again when it is well.";
    CONNECTION_RATE_LIMITED = "JF-7007", "a service refused because of too many requests (429)",
        "Run again later, when the wait that the service asked for is over; find who else uses the same client, or have its limit raised.";
    CONNECTION_TOO_LARGE = "JF-7008", "an answer is larger than the host takes",
        "Check that `base-url` names the API: an answer of this size is not one of its own.";
    CONNECTION_UNEXPECTED = "JF-7009", "a service gave an answer that its API does not have",
        "Check `base-url` and the paths of the connection: a gateway or a login page may stand in front of the API.";
    TOKEN_CREDENTIALS = "JF-7010", "a service does not accept the client credentials (401)",
        "Check `client-id` and `client-secret` of the connection: both of the same client, not rotated since, without a blank or line break around them.";
    TOKEN_DENIED = "JF-7011", "a service issues no token to the client",
        "Allow the client, where it is registered, the grant type `client_credentials` and the connection's `scope`; check the spelling of the scope.";
    TOKEN_MALFORMED = "JF-7012", "the answer of a token endpoint cannot be read",
        "Check `base-url` and `token-path` of the connection: what answered is not an OAuth token endpoint.";
    TOKEN_MISSING = "JF-7013", "the answer of a token endpoint holds no token",
        "Check `token-path` of the connection: what answered speaks JSON, but is not an OAuth token endpoint.";
    TOKEN_REFUSED = "JF-7014", "a service refuses the token that was just issued for it (401)",
        "Check that token endpoint and API belong to the same tenant and region, and that the clocks of both sides agree.";
    PREFLIGHT_FORBIDDEN = "JF-7020", "the client may not read the data action (403)",
        "Add the scope `data_actions:read` to the client where it is registered and to `scope` of the connection; check that the client belongs to the data action's organisation.";
    PREFLIGHT_NOT_FOUND = "JF-7021", "the data action does not exist (404)",
        "Check `action` of the pre-flight check against the platform's list of data actions, and that `base-url` is that of the right tenant.";
    PREFLIGHT_MALFORMED = "JF-7022", "the description of the data action cannot be read",
        "Check `base-url` of the connection: what answered is not the data actions API.";
    PREFLIGHT_OTHER_ACTION = "JF-7023", "the service described another data action than the one asked for",
        "Check `action` of the pre-flight check: write the identifier exactly as the platform shows it.";
    PREFLIGHT_OPTIONS = "JF-7024", "a pre-flight check is described in a way that cannot be used",
        "Correct the check in the manifest: `connection` is the name of one of its connections, `action` the identifier of a data action.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_rise_and_none_is_used_twice() {
        assert!(Code::ALL.is_sorted_by(|one, next| one.id < next.id));
    }
}
