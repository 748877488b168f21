//! The simulator as a process: how it says where it listens, and how it ends.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps fails where the surprise is"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A running simulator; killed at the end of the test whatever happens.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(arguments: &[&str]) -> (Process, SocketAddr) {
    let child = Command::new(env!("CARGO_BIN_EXE_cxone-simulator"))
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut process = Process(child);
    let output = process.0.stdout.take().unwrap();
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).unwrap();
    (process, line.trim().parse().unwrap())
}

#[test]
fn the_first_line_is_the_address_it_listens_on() {
    let (_process, address) = start(&["--listen", "127.0.0.1:0"]);
    assert!(TcpStream::connect(address).is_ok());
}

#[test]
fn the_port_file_holds_the_port() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("port");
    let (_process, address) = start(&["--port-file", file.to_str().unwrap()]);
    let port = fs::read_to_string(file).unwrap();
    assert_eq!(port, format!("{}\n", address.port()));
}

#[test]
fn a_request_to_terminate_ends_it_well() {
    let (mut process, _) = start(&[]);
    let kill = Command::new("kill")
        .args(["-TERM", &process.0.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    assert!(process.0.wait().unwrap().success());
}

#[test]
fn an_address_in_use_is_an_error() {
    let (_process, address) = start(&[]);
    let second = Command::new(env!("CARGO_BIN_EXE_cxone-simulator"))
        .args(["--listen", &address.to_string()])
        .stderr(Stdio::null())
        .status();
    assert!(!second.unwrap().success());
}
