//! What a plugin can do to itself and to its world.

use std::hint::black_box;
use std::io::{Read, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use crate::appearance::not_utf_8;
use crate::contract::jackfield::plugin::log::{self, Level};

/// Named in the configuration in kebab case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Misdeed {
    /// Panics.
    Trap,
    /// Never comes back.
    Loop,
    /// Takes memory until there is none.
    AllocateWithoutEnd,
    /// Takes so many bytes more, keeps them and goes on.
    Allocate,
    /// Asks for more than there is, gets nothing, and panics for another reason.
    AskForTooMuch,
    /// Calls itself until the stack is used up.
    Recurse,
    /// Puts more on its own stack, in linear memory, than that has room for.
    OverflowStack,
    Sleep,
    Exit,
    /// Writes so many bytes to its standard error.
    WriteStderr,
    WriteStdout,
    /// Logs as long as it may.
    LogWithoutEnd,
    /// Logs one line of so many bytes.
    LogLongLine,
    /// Logs what would clear the terminal of whoever reads it, and says it again as it panics.
    LogEscapes,
    /// Makes things that the host has to remember, and keeps them.
    HoardResources,
    /// Has the host write so many zeroes for it.
    WriteZeroes,
    /// Asks for so many random bytes.
    TakeRandomness,
    /// Asks for a random number, so many times.
    AskOften,
    /// Logs a text that is none.
    LogNotUtf8,
    /// Reads its standard input to the end.
    ReadStdin,
    /// Waits until there is something to read.
    BlockOnStdin,
}

pub fn commit(misdeed: Misdeed, bytes: u64) {
    match misdeed {
        Misdeed::Trap => panic!("a trap was asked for"),
        Misdeed::Loop => loop {
            black_box(0);
        },
        Misdeed::AllocateWithoutEnd => loop {
            allocate(1 << 20);
        },
        Misdeed::Allocate => allocate(bytes),
        Misdeed::AskForTooMuch => {
            let refused = Vec::<u8>::new().try_reserve_exact(1 << 30).is_err();
            log::write(Level::Info, &format!("refused: {refused}"));
        }
        Misdeed::Recurse => _ = recurse(0),
        Misdeed::OverflowStack => _ = overflow(0),
        Misdeed::Sleep => std::thread::sleep(Duration::from_secs(24 * 60 * 60)),
        Misdeed::Exit => std::process::exit(0),
        Misdeed::WriteStderr => write(&mut std::io::stderr(), bytes),
        Misdeed::WriteStdout => write(&mut std::io::stdout(), bytes),
        Misdeed::LogWithoutEnd => loop {
            log::write(Level::Info, "and another thing");
        },
        Misdeed::LogLongLine => log::write(Level::Info, &"x".repeat(bytes as usize)),
        Misdeed::LogEscapes => {
            log::write(Level::Error, "\u{1b}[2Jnothing to see\nERROR forged: line");
            panic!("\u{1b}[2Jnothing to see here");
        }
        Misdeed::HoardResources => loop {
            std::mem::forget(wasip2::clocks::monotonic_clock::subscribe_duration(1));
        },
        Misdeed::WriteZeroes => {
            let stdout = wasip2::cli::stdout::get_stdout();
            let written = stdout.write_zeroes(bytes);
            log::write(Level::Info, &format!("zeroes: {written:?}"));
        }
        Misdeed::TakeRandomness => drop(wasip2::random::random::get_random_bytes(bytes)),
        Misdeed::AskOften => (0..bytes).for_each(|_| {
            black_box(wasip2::random::random::get_random_u64());
        }),
        Misdeed::LogNotUtf8 => log::write(Level::Info, &not_utf_8()),
        Misdeed::ReadStdin => {
            let mut input = Vec::new();
            let read = std::io::stdin().read_to_end(&mut input);
            assert_eq!(read.ok(), Some(0), "there was something to read");
        }
        Misdeed::BlockOnStdin => wasip2::cli::stdin::get_stdin().subscribe().block(),
    }
}

fn allocate(bytes: u64) {
    std::mem::forget(black_box(vec![1_u8; bytes as usize]));
}

#[expect(unconditional_recursion, reason = "this is the point")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth) + 1)) + 1
}

#[expect(unconditional_recursion, reason = "this is the point")]
fn overflow(depth: u8) -> u8 {
    let frame = black_box([depth; 1 << 16]);
    overflow(frame[0].wrapping_add(1)) ^ black_box(frame)[1]
}

fn write(to: &mut dyn Write, bytes: u64) {
    for _ in 0..bytes / 1024 {
        if let Err(error) = to.write_all(&[b'x'; 1024]) {
            panic!("cannot write: {error}");
        }
    }
}

/// Clocks, randomness, arguments, environment and files, as far as they can be seen.
pub fn observation() -> String {
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let (first, second) = (Instant::now(), Instant::now());
    let random = wasip2::random::random::get_random_u64();
    let arguments = std::env::args().count();
    let variables = std::env::vars().count();
    let file = std::fs::read("/etc/hostname").is_ok();
    let folder = std::fs::read_dir(".").is_ok();
    format!(
        r#"{{"wall":{},"elapsed":{},"random":"{random:016x}","arguments":{arguments},"variables":{variables},"file":{file},"folder":{folder}}}"#,
        wall.as_millis(),
        (second - first).as_nanos(),
    )
}
