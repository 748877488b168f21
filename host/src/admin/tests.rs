//! A host and who asks it, over a real socket.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{AdminError, Meeting, Observed, ObservedTask, ObservedTasks, Server, status};
use crate::pipeline::progress::Progress;

/// A host with a pipeline `orders`, in a folder of its own.
struct Host {
    folder: TempDir,
    runtime: tokio::runtime::Runtime,
    progress: Arc<Progress>,
}

impl Host {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
            progress: Arc::new(Progress::new(
                ["parse".to_owned()],
                1,
                ["alerts".to_owned()],
            )),
        }
    }

    fn meeting(&self) -> Meeting {
        Meeting::Database(self.database())
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("orders.db")
    }

    fn open(&self) -> Result<Server, AdminError> {
        let observed = Observed {
            pipeline: "orders".to_owned(),
            started: Instant::now(),
            tasks: ObservedTasks::One(ObservedTask {
                name: "orders".to_owned(),
                progress: Arc::clone(&self.progress),
                database: Some(self.database()),
            }),
            jobs: None,
            reloader: None,
        };
        Server::open(&self.meeting(), observed, self.runtime.handle())
    }
}

/// What a host answers to these bytes; nothing if it hangs up.
fn answer(server: &Server, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(server.path()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    // A host may hang up before it has read all.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn a_host_says_how_its_pipeline_fares() {
    let host = Host::new();
    let _server = host.open().unwrap();
    host.progress.waits.begin("sink alerts", "the disk");
    let status = status(&host.meeting()).unwrap().remove(0);
    assert_eq!(status.pipeline, "orders");
    assert_eq!(status.host.unwrap().process, std::process::id());
    let task = &status.tasks[0];
    assert_eq!((task.stages.len(), task.waits.len()), (1, 1));
    assert_eq!(task.sinks[0].waits_for.as_deref(), Some("the disk"));
    assert_eq!(task.checkpoint, None);
}

#[test]
fn where_no_host_is_nobody_answers() {
    let host = Host::new();
    assert!(status(&host.meeting()).unwrap().is_empty());
    drop(host.open().unwrap());
    assert!(status(&host.meeting()).unwrap().is_empty());
}

#[test]
fn only_its_user_may_ask() {
    let host = Host::new();
    let server = host.open().unwrap();
    let mode = fs::metadata(server.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_socket_that_a_dead_process_left_is_replaced_and_nobody_answers_at_it() {
    let host = Host::new();
    let socket = host.folder.path().join("orders.db.sock");
    drop(UnixListener::bind(&socket).unwrap());
    assert!(socket.exists() && status(&host.meeting()).unwrap().is_empty());
    let _server = host.open().unwrap();
    assert!(!status(&host.meeting()).unwrap().is_empty());
}

#[test]
fn a_file_in_the_place_of_the_socket_is_left_alone() {
    let host = Host::new();
    let notes = host.folder.path().join("orders.db.sock");
    fs::write(&notes, "somebody's notes").unwrap();
    let server = host.open().unwrap();
    assert_ne!(server.path(), notes);
    assert_eq!(fs::read(&notes).unwrap(), b"somebody's notes");
}

#[test]
fn what_is_no_request_is_answered_with_a_code() {
    let host = Host::new();
    let server = host.open().unwrap();
    for request in [
        &b"\n"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"{\"version\":1,\"command\":\"rm\\u001b\"}\n",
        b"{\"version\":9,\"command\":\"status\"}\n",
        b"\xff\xfe\n",
    ] {
        let answer = answer(&server, request);
        assert!(answer.contains("JF-8013"), "{answer}");
    }
    assert!(!status(&host.meeting()).unwrap().is_empty());
}

#[test]
fn a_line_without_end_is_refused_before_it_takes_memory() {
    let host = Host::new();
    let server = host.open().unwrap();
    let answer = answer(&server, &vec![b'x'; 1 << 20]);
    assert!(answer.is_empty() || answer.contains("JF-8013"), "{answer}");
    assert!(!status(&host.meeting()).unwrap().is_empty());
}

#[test]
fn those_who_connect_and_say_nothing_do_not_keep_others_out_for_ever() {
    let host = Host::new();
    let server = host.open().unwrap();
    let silent: Vec<_> = (0..20)
        .map(|_| UnixStream::connect(server.path()).unwrap())
        .collect();
    // Each try is given up after a while; the silent ones are hung up on in turns.
    let deadline = Instant::now() + Duration::from_secs(120);
    while !status(&host.meeting()).is_ok_and(|found| !found.is_empty()) {
        assert!(Instant::now() < deadline, "nobody answers any more");
    }
    drop(silent);
}

#[test]
fn a_process_that_says_nothing_is_told_from_none() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("orders.db");
    let _mute = UnixListener::bind(folder.path().join("orders.db.sock")).unwrap();
    let error = status(&Meeting::Database(database)).unwrap_err();
    assert_eq!(error.code().id, "JF-8011");
}

#[test]
fn an_answer_of_another_version_is_not_guessed_at() {
    for answer in [
        &b"{\"version\":2,\"status\":{\"pipeline\":\"orders\",\"host\":null,\"tasks\":[]}}\n"[..],
        b"{\"version\":1,\"error\":{\"code\":\"JF-8013\",\"problem\":\"what?\"}}\n",
        b"hello\n",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let error = ask_impostor(folder.path(), answer);
        assert_eq!(error.code().id, "JF-8013", "{error}");
    }
}

/// Asks somebody who answers with these bytes whatever is asked.
fn ask_impostor(folder: &Path, answer: &'static [u8]) -> AdminError {
    let impostor = UnixListener::bind(folder.join("orders.db.sock")).unwrap();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = impostor.accept().unwrap();
        stream.write_all(answer).unwrap();
        // Until the other side hangs up.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let error = status(&Meeting::Database(folder.join("orders.db"))).unwrap_err();
    answering.join().unwrap();
    error
}
