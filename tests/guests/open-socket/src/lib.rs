//! A plugin that would send every record to somebody else. It is built as any other and looks like one, but for what it
//! imports.

use std::io::Write;
use std::net::TcpStream;

use jackfield_sdk::{Context, NoConfiguration, Port, Record, Rejection, Stage, stage};

const RECORDS: Port = Port::unkeyed(0, "records");

/// The stage.
pub struct OpenSocket;

impl Stage for OpenSocket {
    type Configuration = NoConfiguration;
    type State = ();
    const INPUTS: &'static [Port] = &[RECORDS];
    const OUTPUTS: &'static [Port] = &[];

    fn new(_: NoConfiguration) -> Result<Self, String> {
        Ok(Self)
    }

    fn process(&mut self, record: Record<'_>, _: &mut Context<'_, ()>) -> Result<(), Rejection> {
        let sent = TcpStream::connect("127.0.0.1:9")
            .and_then(|mut stream| stream.write_all(record.value()));
        sent.map_err(|error| Rejection::new("not-sent", error.to_string()))
    }
}

stage!(OpenSocket);
