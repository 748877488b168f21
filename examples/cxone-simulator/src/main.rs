//! The simulator as a process: see the library for what it simulates.

mod arguments;

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use clap::Parser;
use cxone_simulator::Simulator;
use tokio::signal::unix::{SignalKind, signal};

use arguments::Arguments;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let port_file = arguments.port_file.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    let simulator = Simulator::start(arguments.into_options()).await?;
    announce(simulator.address(), port_file.as_deref())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    simulator.shutdown().await;
    Ok(())
}

/// The address is the first line of output, and flushed, so that whoever started the process can wait for it.
fn announce(address: SocketAddr, port_file: Option<&Path>) -> io::Result<()> {
    if let Some(path) = port_file {
        // Renamed into place, so that a reader never sees half a number.
        let unfinished = path.with_extension("unfinished");
        fs::write(&unfinished, format!("{}\n", address.port()))?;
        fs::rename(unfinished, path)?;
    }
    let mut output = io::stdout().lock();
    writeln!(output, "{address}")?;
    output.flush()
}
