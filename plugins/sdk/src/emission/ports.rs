//! The batches that are being filled, one a port.

use crate::batch::{Batch, Column, Mark};
use crate::{Emission, Port};

/// The outputs of a stage, by index.
pub(crate) struct OutputPorts {
    pub(super) ports: Vec<OutputPort>,
    /// The position in the input of what is being worked on.
    pub(super) origin: u32,
}

pub(super) struct OutputPort {
    pub(super) connected: bool,
    pub(super) emission: Emission,
    /// How much the last batch held: the next one will need about as much.
    last: Sizes,
}

#[derive(Clone, Copy, Default)]
struct Sizes {
    from_records: usize,
    records: usize,
    value_bytes: usize,
    key_bytes: usize,
}

impl Sizes {
    /// Of a batch like this one, and a little more, from `from_records` records of input.
    fn scaled(self, from_records: usize) -> Self {
        let scale = |size: usize| match self.from_records {
            0 => 0,
            last => (size as u64 * from_records as u64 / last as u64 * 17 / 16) as usize,
        };
        Self {
            from_records,
            records: scale(self.records),
            value_bytes: scale(self.value_bytes),
            key_bytes: scale(self.key_bytes),
        }
    }
}

impl OutputPorts {
    pub(crate) fn new(ports: &'static [Port], connected: &[u32]) -> Self {
        let output = |port: &Port| OutputPort {
            connected: connected.contains(&port.index()),
            emission: Emission {
                port: port.index(),
                ..Emission::default()
            },
            last: Sizes::default(),
        };
        Self {
            ports: ports.iter().map(output).collect(),
            origin: 0,
        }
    }

    /// Makes room for what so many records of input will probably give.
    pub(crate) fn begin(&mut self, from_records: usize) {
        for port in &mut self.ports {
            let sizes = port.last.scaled(from_records);
            let keys = if sizes.key_bytes == 0 {
                0
            } else {
                sizes.records
            };
            port.emission.origins = Vec::with_capacity(sizes.records);
            port.emission.records = Batch {
                values: Column::with_capacity(sizes.records, sizes.value_bytes),
                keys: Column::with_capacity(keys, sizes.key_bytes),
                timestamps: Vec::with_capacity(sizes.records),
                marks: Vec::new(),
            };
        }
    }

    /// What is emitted from here on comes from this position of the input.
    #[inline]
    pub(crate) fn set_origin(&mut self, index: u32) {
        self.origin = index;
    }

    /// Repeats a mark of the input behind the records that each port has so far.
    pub(crate) fn mark(&mut self, watermark: i64) {
        for port in &mut self.ports {
            let records = &mut port.emission.records;
            // As many as `ends` of 32 bits can count.
            let index = records.timestamps.len() as u32;
            records.marks.push(Mark { index, watermark });
        }
    }

    /// Hands out what was emitted on the ports that have records.
    pub(crate) fn finish(&mut self, from_records: usize) -> Vec<Emission> {
        let mut emissions = Vec::new();
        for port in &mut self.ports {
            let index = port.emission.port;
            let emission = std::mem::replace(
                &mut port.emission,
                Emission {
                    port: index,
                    ..Emission::default()
                },
            );
            let records = &emission.records;
            if from_records > 0 {
                port.last = Sizes {
                    from_records,
                    records: records.timestamps.len(),
                    value_bytes: records.values.data.len(),
                    key_bytes: records.keys.data.len(),
                };
            }
            if !records.timestamps.is_empty() {
                emissions.push(emission);
            }
        }
        emissions
    }
}
