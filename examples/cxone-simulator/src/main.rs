//! The simulator as a process: see the library for what it simulates.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use cxone_simulator::{Options, Simulator};
use jiff::SignedDuration;
use tokio::signal::unix::{SignalKind, signal};

/// Stands in for the CXone platform: OAuth tokens and data actions over HTTP.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 lets the system choose.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Writes the port into this file once the simulator listens.
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
    /// The client that the token endpoint knows.
    #[arg(long, default_value = "demo-client")]
    client_id: String,
    /// The secret of that client.
    #[arg(long, default_value = "demo-secret")]
    client_secret: String,
    /// Scopes that the client may have, separated by commas; an empty text grants none.
    #[arg(long, value_delimiter = ',', default_value = "data_actions:read")]
    scopes: Vec<String>,
    /// How long a token is accepted, such as 3600s or 1h.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "3600s")]
    token_lifetime: Duration,
    /// Requests a second beyond which 429 is answered, such as 50/s.
    #[arg(long, value_name = "N/s", value_parser = rate)]
    rate_limit: Option<NonZeroU32>,
    /// A data action that exists; may be given several times.
    #[arg(
        long = "data-action",
        value_name = "ID",
        default_value = "cxone-data-actions"
    )]
    data_actions: Vec<String>,
}

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

impl Arguments {
    fn into_options(self) -> Options {
        Options {
            listen: self.listen,
            client_id: self.client_id,
            client_secret: self.client_secret,
            scopes: self.scopes.into_iter().filter(|s| !s.is_empty()).collect(),
            token_lifetime: self.token_lifetime,
            rate_limit: self.rate_limit,
            data_actions: self.data_actions,
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: SignedDuration = text.parse().map_err(|error| format!("{error}"))?;
    Duration::try_from(parsed).map_err(|_| "expected a duration that is not negative".into())
}

fn rate(text: &str) -> Result<NonZeroU32, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    number
        .parse()
        .map_err(|_| "expected a number of requests a second from 1, such as 50/s".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn defaults_are_those_of_the_library() {
        let options = Arguments::parse_from(["cxone-simulator"]).into_options();
        assert_eq!(format!("{options:?}"), format!("{:?}", Options::default()));
    }

    #[test]
    fn a_rate_is_a_number_a_second() {
        assert_eq!(rate("50/s"), Ok(NonZeroU32::MIN.saturating_add(49)));
        assert!(rate("0/s").is_err());
        assert!(rate("50/m").is_err());
    }
}
