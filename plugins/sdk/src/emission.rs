//! What a stage sends on: records serialised straight into the columns of their port.

mod object;
pub(crate) mod ports;

use std::io::{self, Write};

pub use object::ObjectBuilder;
use postcard::ser_flavors::Flavor;
use serde::Serialize;

use crate::emission::ports::OutputPorts;
use crate::rejection::code;
use crate::{Emission, Port, Rejection};

/// The outputs of a stage.
pub struct Outputs<'c> {
    pub(crate) ports: &'c mut OutputPorts,
    /// The key that records inherit.
    pub(crate) key: &'c [u8],
    /// The event time that records inherit.
    pub(crate) timestamp: i64,
}

impl Outputs<'_> {
    /// Begins a record of `port`, with the key and the event time of what is being worked on.
    ///
    /// # Panics
    /// If `port` is not one of [`Stage::OUTPUTS`](crate::Stage::OUTPUTS).
    #[inline]
    pub fn emit(&mut self, port: Port) -> RecordBuilder<'_> {
        let origin = self.ports.origin;
        let output = &mut self.ports.ports[port.index() as usize];
        let emission = output.connected.then_some(&mut output.emission);
        RecordBuilder {
            emission,
            origin,
            keyed: port.is_keyed(),
            key: self.key,
            timestamp: self.timestamp,
        }
    }

    /// Whether the pipeline consumes `port`: what would go to another need not be made.
    pub fn is_connected(&self, port: Port) -> bool {
        self.ports.ports[port.index() as usize].connected
    }
}

/// A record that is about to be emitted: one of [`json`](Self::json), [`postcard`](Self::postcard) and
/// [`bytes`](Self::bytes) sends it.
#[must_use = "a record is emitted by what gives it its value"]
pub struct RecordBuilder<'c> {
    /// None if nobody consumes the port.
    emission: Option<&'c mut Emission>,
    origin: u32,
    keyed: bool,
    key: &'c [u8],
    timestamp: i64,
}

impl<'c> RecordBuilder<'c> {
    /// With this key. On a port that is not keyed it has no effect.
    #[inline]
    pub fn key(mut self, key: &'c (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.key = key.as_ref();
        self
    }

    /// With this event time, milliseconds since the Unix epoch.
    #[inline]
    pub fn timestamp(mut self, timestamp: i64) -> Self {
        self.timestamp = timestamp;
        self
    }

    /// Sends these bytes.
    #[inline]
    pub fn bytes(mut self, value: impl AsRef<[u8]>) {
        if let Some(emission) = self.emission.take() {
            let data = &mut emission.records.values.data;
            data.extend_from_slice(value.as_ref());
            self.close(emission);
        }
    }

    /// Sends the JSON of `value`.
    ///
    /// # Errors
    /// `not-encodable` if JSON cannot hold it; nothing is sent then.
    #[inline]
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Rejection> {
        self.encode(|data| serde_json::to_writer(Appending(data), value))
    }

    /// Begins a JSON object of plain fields: for records by the million it costs half of what [`json`](Self::json) does.
    #[inline]
    pub fn object(self) -> ObjectBuilder<'c> {
        ObjectBuilder::new(self)
    }

    /// Sends the postcard encoding of `value`.
    ///
    /// # Errors
    /// `not-encodable` if postcard cannot hold it; nothing is sent then.
    #[inline]
    pub fn postcard<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Rejection> {
        self.encode(|data| postcard::serialize_with_flavor(value, Appending(data)))
    }

    #[inline]
    fn encode<E: std::fmt::Display>(
        mut self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), Rejection> {
        let Some(emission) = self.emission.take() else {
            return Ok(());
        };
        if let Err(error) = encode(&mut emission.records.values.data) {
            emission.records.values.reopen();
            return Err(Rejection::new(code::NOT_ENCODABLE, error.to_string()));
        }
        self.close(emission);
        Ok(())
    }

    /// Makes a record of what was added to the values.
    #[inline]
    fn close(&self, emission: &mut Emission) {
        emission.records.values.close();
        if self.keyed {
            emission.records.keys.push(self.key);
        }
        emission.records.timestamps.push(self.timestamp);
        emission.origins.push(self.origin);
    }
}

/// What serialisers append to a vector by.
pub(crate) struct Appending<'v>(pub(crate) &'v mut Vec<u8>);

impl Flavor for Appending<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

impl Write for Appending<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline(always)]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        // Most of what JSON is made of is punctuation, known when a stage is compiled.
        match bytes {
            [byte] => self.0.push(*byte),
            _ => self.0.extend_from_slice(bytes),
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
