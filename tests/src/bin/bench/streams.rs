//! What a WebSocket carries of the stream-export example, with and without compression.

use std::fs;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use jackfield_tests::chart::grouped;
use jackfield_tests::harness::{Pipeline, Simulator};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use super::{Measured, output};

const MIB: f64 = (1 << 20) as f64;

#[derive(clap::Args)]
pub struct Options {
    /// Records of the export.
    #[arg(long, default_value_t = 200_000)]
    records: u64,
    /// Records of a message.
    #[arg(long, default_value_t = 1_000)]
    chunk: u64,
}

/// What came of a stream.
struct Streamed {
    frames: u64,
    records: u64,
    bytes: u64,
    uncompressed: u64,
    took: Duration,
}

pub fn measure(options: &Options) -> Measured {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    println!("compression  messages/s  records/s  on the wire    of records");
    for compression in ["none", "gzip"] {
        let streamed = runtime.block_on(stream(options, compression))?;
        if streamed.records != options.records {
            return Err(format!("{} records came", streamed.records).into());
        }
        let seconds = streamed.took.as_secs_f64();
        println!(
            "{compression:11}  {:10.1}  {:>9}  {:6.1} MiB/s  {:6.1} MiB/s",
            streamed.frames as f64 / seconds,
            grouped((streamed.records as f64 / seconds) as u64),
            streamed.bytes as f64 / seconds / MIB,
            streamed.uncompressed as f64 / seconds / MIB,
        );
    }
    Ok(())
}

async fn stream(
    options: &Options,
    compression: &str,
) -> Result<Streamed, Box<dyn std::error::Error>> {
    let rows = options.records.to_string();
    let simulator = Simulator::start(&["--export-rows", &rows])?;
    let folder = output("streams")?;
    let pipeline = Pipeline::new("examples/stream-export/pipeline.toml", &folder)
        .environment("JACKFIELD_DATA", &folder.display().to_string())
        .environment("JACKFIELD_LISTEN", "127.0.0.1:0")
        .environment("CXONE_URL", &simulator.url())
        .environment("CXONE_PRIVATE", "true")
        .environment("CXONE_CLIENT_ID", Simulator::CLIENT_ID)
        .environment("CXONE_CLIENT_SECRET", Simulator::CLIENT_SECRET);
    let mut host = pipeline.start()?;
    let address = || super::listening(&folder);
    if !host.wait_until(|_| address().is_some())? {
        return Err(format!("the host ended: {:?}", host.wait()?).into());
    }
    let address = address().unwrap_or_default();
    let socket = TcpStream::connect(&address).await?;
    let (mut socket, _) = client_async(format!("ws://{address}/stream"), socket).await?;
    let first = json!({
        "export_job_id": "", "chunk_size_matrix": [options.chunk], "compression_format": compression,
        "max_payload_size": 10_485_760, "schema_version": "v1", "drift_policy": "warn",
    });
    socket.send(Message::text(first.to_string())).await?;
    let mut streamed = Streamed {
        frames: 0,
        records: 0,
        bytes: 0,
        uncompressed: 0,
        took: Duration::ZERO,
    };
    let mut begun = None;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else {
            continue;
        };
        // From the first message on: what comes before it is the export being made.
        let begun = *begun.get_or_insert_with(Instant::now);
        let said: Value = serde_json::from_str(&text)?;
        if let Some(records) = said["records"].as_u64() {
            streamed.frames += 1;
            streamed.records += records;
            streamed.bytes += text.len() as u64;
        }
        if let Some(bytes) = said["metrics"]["uncompressed_bytes"].as_u64() {
            streamed.uncompressed = bytes;
            streamed.took = begun.elapsed();
        }
    }
    host.terminate()?;
    host.wait()?.expect_success();
    fs::remove_dir_all(folder)?;
    Ok(streamed)
}
