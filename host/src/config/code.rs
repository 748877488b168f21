//! Each kind of mistake has a code that never changes its meaning: something to search for, to link to and to test
//! against while the words around it get better. What is said here at length is what `jackfield explain` shows.

pub use crate::error::Code;

/// Defines the constants and [`ALL`] in one place, so that no code can be left out of the table.
macro_rules! codes {
    ($($constant:ident = $id:literal, $title:literal, $meaning:literal, $remedy:literal;)+) => {
        $(
            #[doc = concat!($id, ": ", $title, ".")]
            pub static $constant: Code = Code { id: $id, title: $title, meaning: $meaning, remedy: $remedy };
        )+

        /// Every code of the manifest layer, by rising number.
        pub static ALL: &[&Code] = &[$(&$constant),+];
    };
}

codes! {
    UNREADABLE_MANIFEST = "JF-1001", "manifest cannot be read",
        "The file that was given as a manifest does not exist, is not a file, is not UTF-8 text, or this user may not read it.",
        "Check the path (it is relative to the working directory) and the file's permissions.";
    SYNTAX = "JF-1002", "not valid TOML",
        "The text of a manifest does not follow the grammar of TOML 1.1, or a number in it does not fit into 64 bits. \
         Nothing of the manifest is looked at until it does.",
        "Correct the text at the place that is shown. Strings need quotes, every key stands once, and a table is opened once.";
    UNKNOWN_KEY = "JF-1003", "unknown key",
        "A manifest, or a `--set` option, has a key that means nothing where it stands. It is refused because a misspelled \
         option that is silently ignored is found much later, in production.",
        "Use the suggested key, or remove it. The message lists the keys that are allowed there. Options of a plugin go into \
         the `configuration` of its stage.";
    MISSING_KEY = "JF-1004", "missing key",
        "A table lacks a key that has no default.",
        "Add the key to the table that is shown.";
    WRONG_TYPE = "JF-1005", "value of the wrong type",
        "A value is of another TOML type than its key takes. Text stands for a number, boolean, duration or size only where it \
         is one whole reference to the environment, such as `\"${LIMIT:-5}\"`.",
        "Write a value of the type that the message names.";
    OUT_OF_RANGE = "JF-1006", "value out of range",
        "A number, size, duration or the length of a list lies outside the range that makes sense for its key.",
        "Choose a value within the range that the message names.";
    UNKNOWN_CHOICE = "JF-1007", "not one of the choices",
        "A key takes one of a few words, and the value is none of them. The words are matched exactly, in lower case.",
        "Use one of the words that the message lists.";
    MALFORMED_VALUE = "JF-1008", "malformed value",
        "Text that has to follow a form does not: a duration (`10s`, `1m 30s`), a size (`256 MiB`), a URL, a path, or a \
         reference to a source or port (`records`, `parse.customers`).",
        "Write the value in the form that the message shows.";
    INVALID_NAME = "JF-1009", "invalid name",
        "The name of a pipeline, source, stage, port, sink or connection begins with an ASCII letter and goes on with \
         letters, digits, `-` and `_`, at most 63 characters in all, because it becomes part of metrics, messages and stored \
         state. Names of tables and columns have no `-`, so that they need no quotes in SQL, and those that begin with \
         `sqlite_` or `jackfield_` are taken.",
        "Choose another name.";
    UNSET_VARIABLE = "JF-1010", "environment variable not set",
        "A value refers to an environment variable that is not set (or not Unicode text), and gives no default for it.",
        "Set the variable, or write a default into the reference: `${NAME:-default}`.";
    MALFORMED_REFERENCE = "JF-1011", "malformed reference to the environment",
        "After `${` comes the name of a variable (letters, digits and `_`), then `}` or `:-`, a default and `}`. References \
         do not nest, and the default ends at the first `}`.",
        "Complete the reference; where `${` is meant as text, write `$${`.";
    INVALID_OVERRIDE = "JF-1012", "invalid --set option",
        "A `--set` option is not of the form `path.to.key=value`, or its path leads through something that is not a table, \
         or to an element that an array does not have. The value is read as TOML and, failing that, as text; what begins \
         with a quote or bracket has to be TOML.",
        "Write the key as it is shown in messages, elements of arrays as numbers from 0 (`preflight.0.enabled=true`), and \
         quote the option for the shell: `--set 'sources.records.paths=[\"a.jsonl\"]'`.";
    LITERAL_SECRET = "JF-1013", "secret in the manifest",
        "A credential is written into the manifest, or interpolated into it. Manifests are committed, shown and logged, so \
         they only say where a secret is found.",
        "Name an environment variable, `{ env = \"NAME\" }`, or a file, `{ file = \"PATH\" }`. If the manifest was ever \
         shared, have the secret replaced.";
    SECRET_UNAVAILABLE = "JF-1014", "secret not available",
        "The environment variable or file that holds a secret is not there, cannot be read, is not Unicode text, or is empty.",
        "Set the variable or write the file, readable for the user that runs the pipeline. A line break at the end of the \
         file does not count.";
    UNKNOWN_REFERENCE = "JF-1015", "reference to nothing",
        "An input, a sink or a pre-flight check names a source, stage or connection that the manifest does not have.",
        "Correct the name, or add what it refers to. A source is named alone (`records`), a stage together with its port \
         (`parse.customers`).";
    DUPLICATE = "JF-1016", "used twice",
        "A name that has to be unique is given twice: a source and a stage have the same name, two pipelines of one process \
         do, a list names the same thing twice, or two columns differ only in case.",
        "Rename or remove one of the two.";
    CYCLE = "JF-1017", "stages feed each other in a cycle",
        "Following the inputs of a stage leads back to the stage itself. Records would go round for ever, and no watermark \
         could pass.",
        "Break the cycle by removing one of the inputs that the message lists.";
    UNCONNECTED = "JF-1018", "nothing is connected",
        "A source is consumed by no stage, so that its records would be read for nothing.",
        "Add the source to the inputs of a stage, or remove it.";
    SECOND_WATERMARK = "JF-1019", "watermark made twice",
        "A stage makes a watermark although what it consumes has one already. A second estimate, made of records that the \
         first one has delayed, would call records late that are not.",
        "Keep `watermark` where event time first becomes known: at the source, or at the stage that reads it from the records.";
    SHARED_TARGET = "JF-1020", "one file or table used twice",
        "Two sinks write one table or file, two pipelines one checkpoint file, a sink the checkpoint file, or a file is read \
         twice. Each would undo, on recovery, what the other has committed.",
        "Give each its own. Several ports go into one sink by listing them: `from = [\"a.out\", \"b.out\"]`.";
    INVALID_PRIMARY_KEY = "JF-1021", "primary key is not made of columns",
        "A column of the primary key is not among the columns of its table.",
        "Add the column to `columns`, or correct the name in `primary-key`.";
    CONTRADICTION = "JF-1022", "options that exclude each other",
        "Two options, each right by itself, cannot be meant together.",
        "Follow the message: change one of the two, or leave one out.";
    UNKNOWN_OPTION = "JF-1023", "unknown option of a plugin",
        "The `configuration` of a stage has an option that its plugin does not describe.",
        "Use the suggested option, or remove it. `jackfield plugin inspect` lists a plugin's options.";
    MISSING_OPTION = "JF-1024", "missing option of a plugin",
        "The plugin of a stage requires an option that its `configuration` lacks.",
        "Add the option. `jackfield plugin inspect` lists a plugin's options.";
    INVALID_OPTION = "JF-1025", "invalid option of a plugin",
        "The plugin of a stage describes an option otherwise than its `configuration` gives it: another type, range, form or \
         choice.",
        "Write what the message expects. `jackfield plugin inspect` lists a plugin's options.";
    UNUSABLE_SCHEMA = "JF-1026", "plugin describes its options wrongly",
        "What the plugin gives as the JSON Schema of its configuration is not one, so that nothing can be checked against it.",
        "Report it to the plugin's author, or use another version of the plugin.";
    UNUSABLE_PATTERN = "JF-1027", "pattern makes no sense",
        "A pattern over events, or an expression in it, cannot be read, names what is not there, or means nothing. The message \
         says where and begins with a word for the kind of mistake: `pattern-expression`, `match-recognize-syntax` and so on.",
        "Do what the message says behind its last semicolon. `jackfield pattern explain` shows how a pattern is understood.";
    UNUSABLE_CERTIFICATE = "JF-1030", "certificate or key cannot be used",
        "A file that a connection names for TLS does not exist, this user may not read it, it is not in PEM, or a key is not that \
         of its certificate.",
        "Correct the path, or convert the file: PEM is text that begins with `-----BEGIN`.";
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn codes_are_unique_and_rise() {
        assert!(ALL.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert!(ALL.iter().all(|code| code.id.len() == 7));
    }
}
