//! Commands that the documentation shows are run here: a block that begins with three backticks and `sh test`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use jackfield_tests::harness::{binary, repository};

const BEGIN: &str = "```sh test\n";
const END: &str = "```\n";

fn blocks(text: &str) -> Vec<String> {
    text.split(BEGIN)
        .skip(1)
        .map(|rest| rest.split_once(END).unwrap().0.to_owned())
        .collect()
}

/// The documents work with the same example, and one pipeline is run by one process at a time.
static ONE_READER: Mutex<()> = Mutex::new(());

/// What cargo and make tell the programs that they start; a reader's shell has none of it, and cargo would build anew for it.
fn is_of_a_build(name: &str) -> bool {
    let kept = ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"].contains(&name);
    let of_a_tool = ["CARGO", "RUST", "MAKE", "MFLAGS", "LD_LIBRARY_PATH"];
    !kept && of_a_tool.iter().any(|tool| name.starts_with(tool))
}

/// Runs every block of the file as a reader would, from the repository's folder; answers how many there were.
fn run_blocks(file: &str) -> usize {
    let _reading = ONE_READER.lock().unwrap_or_else(PoisonError::into_inner);
    let text = std::fs::read_to_string(repository().join(file))
        .unwrap_or_else(|error| panic!("{file}: {error}"));
    let built = binary("jackfield");
    let mut path = vec![built.parent().map(Path::to_path_buf).unwrap()];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap()));
    let blocks = blocks(&text);
    for block in &blocks {
        let mut shell = Command::new("sh");
        for (name, _) in env::vars().filter(|(name, _)| is_of_a_build(name)) {
            shell.env_remove(name);
        }
        let output = shell
            .args(["-euc", block])
            .current_dir(repository())
            .env("PATH", env::join_paths(&path).unwrap())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (stdout, stderr) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(
            output.status.success(),
            "{file}: {}\n{block}\n{stdout}{stderr}",
            output.status
        );
    }
    blocks.len()
}

#[test]
fn the_commands_of_the_readme_work() {
    assert!(
        run_blocks("README.md") > 0,
        "README.md has no command that is tested"
    );
}

/// Ends the servers that the example starts, also where one of its commands failed before it came to that.
struct ExampleServers;

impl Drop for ExampleServers {
    fn drop(&mut self) {
        let script = repository().join("examples/data-actions/services");
        _ = Command::new(script).arg("stop").status();
    }
}

#[test]
fn the_commands_of_the_data_actions_example_work() {
    let _servers = ExampleServers;
    assert!(run_blocks("examples/data-actions/README.md") > 0);
}

#[test]
fn the_commands_of_the_simulator_work() {
    run_blocks("examples/cxone-simulator/README.md");
}
