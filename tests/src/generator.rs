//! Input for the data-actions pipeline, repeatable by its seed. The plain input is, byte for byte, the one that the Flink
//! job was measured and checked on, so that both systems can be compared; the hostile one is the same traffic disturbed
//! by everything that real producers do wrong; the realistic one has busy hours, for people to look at.

mod hostile;
mod realistic;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::random::{Xorshift, derive_seed};
use hostile::Disturbance;
use realistic::Day;

/// The seed of the input that the expected output belongs to.
pub const DEFAULT_SEED: u64 = 88_172_645_463_325_252;

const EPOCH: i64 = 1_700_000_000_000;
const CHANNELS: [&str; 4] = ["voice", "chat", "email", "sms"];
const TIERS: [&str; 3] = ["bronze", "silver", "gold"];
const REGIONS: [&str; 4] = ["na", "emea", "apac", "latam"];

/// What the traffic is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Traffic {
    /// Evenly spread, one in a thousand lines cut in half, never late.
    #[default]
    Plain,
    /// With late records, clocks that run ahead, incomplete, malformed and repeated lines.
    Hostile,
    /// As hostile, but no record is further behind the latest one than the pipeline waits for, so that none is late however
    /// several partitions are read beside each other.
    Punctual,
    /// Busy and quiet times on each channel, a few records late, a few malformed.
    Realistic,
}

/// One line a record, for ever.
#[derive(Debug)]
pub struct Generator {
    draws: Xorshift,
    index: u64,
    flavour: Flavour,
}

#[derive(Debug)]
enum Flavour {
    Plain,
    Hostile(Disturbance),
    Realistic(Day),
}

impl Generator {
    /// The traffic of one seed.
    pub fn new(seed: u64, traffic: Traffic) -> Self {
        let flavour = match traffic {
            Traffic::Plain => Flavour::Plain,
            Traffic::Hostile => Flavour::Hostile(Disturbance::new(derive_seed(seed, 1))),
            Traffic::Punctual => Flavour::Hostile(Disturbance::punctual(derive_seed(seed, 1))),
            Traffic::Realistic => Flavour::Realistic(Day::new(derive_seed(seed, 2))),
        };
        Self {
            draws: Xorshift::new(seed),
            index: 0,
            flavour,
        }
    }

    /// Appends the next record as a line with its newline.
    pub fn append_line(&mut self, lines: &mut Vec<u8>) {
        let start = lines.len();
        let (record, cut) = Record::draw(&mut self.draws, self.index);
        self.index += 1;
        match &mut self.flavour {
            Flavour::Plain => record.append_json(lines),
            Flavour::Hostile(disturbance) => disturbance.append_record(record, lines),
            Flavour::Realistic(day) => day.append_record(record, lines),
        }
        if cut {
            lines.truncate(start + (lines.len() - start) / 2);
        }
        lines.push(b'\n');
    }

    /// The next `records` lines together.
    pub fn lines(&mut self, records: u64) -> Vec<u8> {
        let mut lines = Vec::new();
        for _ in 0..records {
            self.append_line(&mut lines);
        }
        lines
    }
}

/// Writes `records` records to `out`, or with more than one part record i to `out` with `.(i mod parts)` added; answers
/// what it wrote.
///
/// # Errors
/// Those of the file system.
pub fn write_files(
    mut generator: Generator,
    records: u64,
    out: &Path,
    parts: u64,
) -> io::Result<Vec<PathBuf>> {
    let paths: Vec<PathBuf> = match parts {
        0 | 1 => vec![out.to_path_buf()],
        _ => (0..parts)
            .map(|part| PathBuf::from(format!("{}.{part}", out.display())))
            .collect(),
    };
    let mut files = Vec::with_capacity(paths.len());
    for path in &paths {
        files.push(BufWriter::with_capacity(1 << 20, File::create(path)?));
    }
    let mut line = Vec::new();
    for index in 0..records {
        line.clear();
        generator.append_line(&mut line);
        let part = index as usize % files.len();
        files[part].write_all(&line)?;
    }
    files.iter_mut().try_for_each(Write::flush)?;
    Ok(paths)
}

/// A record as it should be, before anything disturbs it.
#[derive(Clone, Debug)]
struct Record {
    index: u64,
    customer: u64,
    timestamp: i64,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Interaction {
        channel: &'static str,
        status: &'static str,
        duration: u64,
        agent: u64,
    },
    Profile {
        tier: &'static str,
        region: &'static str,
    },
}

impl Record {
    /// The record of line `index`, and whether the line is cut. Every record takes the same eleven draws, used or not, in
    /// the order in which they stand here.
    fn draw(draws: &mut Xorshift, index: u64) -> (Self, bool) {
        let cut = draws.below(1000) == 0;
        let busy = draws.below(2) == 1;
        let any_customer = draws.below(100_000);
        let channel = CHANNELS[draws.below(4) as usize];
        let kind = draws.below(100);
        let failure = draws.below(100) < 20;
        let lag = draws.below(3000);
        let duration = draws.below(600_000);
        let agent = draws.below(500);
        let tier = TIERS[draws.below(3) as usize];
        let region = REGIONS[draws.below(4) as usize];
        // Half of the traffic comes from a thousand customers, others every 200,000 records.
        let busy_customer = ((index / 200_000) * 1000 + any_customer % 1000) % 100_000;
        let content = match kind {
            0..2 => Content::Profile { tier, region },
            77..89 => Content::Interaction {
                channel,
                status: "CALLBACK_REQUEST",
                duration,
                agent,
            },
            _ if failure => Content::Interaction {
                channel,
                status: "FAILURE",
                duration,
                agent,
            },
            _ => Content::Interaction {
                channel,
                status: "SUCCESS",
                duration,
                agent,
            },
        };
        let customer = if busy { busy_customer } else { any_customer };
        (
            Self {
                index,
                customer,
                timestamp: EPOCH + index as i64 - lag as i64,
                content,
            },
            cut,
        )
    }

    #[expect(clippy::expect_used, reason = "writing to a Vec cannot fail")]
    fn append_json(&self, line: &mut Vec<u8>) {
        let Self {
            index,
            customer,
            timestamp,
            content,
        } = self;
        match content {
            Content::Profile { tier, region } => write!(
                line,
                r#"{{"recordType":"customer_update","customerId":"c{customer:06}","tier":"{tier}","region":"{region}","timestamp":{timestamp}}}"#
            ),
            Content::Interaction { channel, status, duration, agent } => write!(
                line,
                r#"{{"recordType":"interaction","interactionId":"i{index:09}","customerId":"c{customer:06}","channel":"{channel}","status":"{status}","timestamp":{timestamp},"durationMs":{duration},"agentId":"a{agent:03}"}}"#
            ),
        }
        .expect("a Vec takes every byte");
    }
}
