//! The data-actions pipeline as a plain computation over its whole input, written from the description of the job alone.
//! It keeps everything in memory, knows no batches, state, checkpoints or parallelism, and so has none of their bugs.
//!
//! Event time is judged record by record: after each record that the parser accepts, the watermark is the greatest event
//! time so far less [`OUT_OF_ORDERNESS`] and one millisecond.

mod parse;
mod pattern;

use std::collections::{BTreeMap, HashMap};

pub use parse::{Interaction, Profile, Refusal};

use parse::Parsed;
use pattern::CallbackPattern;

/// How far behind the latest event time a record may come, in milliseconds.
pub const OUT_OF_ORDERNESS: i64 = 5_000;
/// Length of the windows that interactions are counted in, in milliseconds.
pub const WINDOW: i64 = 10_000;

/// The job's input so far, and what follows from it.
#[derive(Debug, Default)]
pub struct Model {
    latest: Option<i64>,
    profiles: HashMap<String, (String, String)>,
    pattern: CallbackPattern,
    output: Output,
}

/// All that the job has to leave behind.
#[derive(Debug, Default)]
pub struct Output {
    /// Interactions by channel and end of the window.
    pub volumes: BTreeMap<(String, i64), i64>,
    /// By customer, then in event time.
    pub alerts: Vec<Alert>,
    /// In order of arrival.
    pub enriched: Vec<Enriched>,
    /// In order of arrival at each stage.
    pub rejected: Vec<Rejected>,
    /// Profiles that were accepted.
    pub profiles: u64,
}

/// Three failures of a customer and the callback that followed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alert {
    /// The customer.
    pub customer_id: String,
    /// The callback's channel.
    pub channel: String,
    /// The callback's event time.
    pub timestamp: i64,
    /// The four interactions, in event time.
    pub interaction_ids: [String; 4],
}

/// An interaction with what was known of its customer when it arrived.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Enriched {
    /// The interaction.
    pub interaction: Interaction,
    /// The customer's tier, or `UNKNOWN`.
    pub tier: String,
    /// The customer's region, or `UNKNOWN`.
    pub region: String,
}

/// A record that a stage refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rejected {
    /// By the parser: the line, without the end of line.
    Malformed {
        /// Why.
        refusal: Refusal,
        /// The bytes as they were read.
        line: Vec<u8>,
    },
    /// By a stage that works in event time.
    Late {
        /// Name of the stage.
        stage: &'static str,
        /// The record's key at that stage.
        key: String,
        /// The record's event time.
        timestamp: i64,
    },
}

impl Model {
    /// What the whole of `input` leads to. Lines end in `\n` or `\r\n`, the last one may end in nothing; where nothing
    /// stands between two ends there is no record.
    pub fn of(input: &[u8]) -> Output {
        let mut model = Self::default();
        for line in input.split(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\r").unwrap_or(line) {
                b"" => {}
                line => model.accept(line),
            }
        }
        model.finish()
    }

    /// The next line of the input, without its end.
    pub fn accept(&mut self, line: &[u8]) {
        match parse::parse(line) {
            Ok(Parsed::Interaction(interaction)) => self.accept_interaction(interaction),
            Ok(Parsed::Profile(profile)) => self.accept_profile(profile),
            Err(refusal) => self.output.rejected.push(Rejected::Malformed {
                refusal,
                line: line.to_vec(),
            }),
        }
    }

    /// The end of the input.
    pub fn finish(mut self) -> Output {
        self.output.alerts = self.pattern.matches();
        self.output
    }

    fn accept_profile(&mut self, profile: Profile) {
        self.output.profiles += 1;
        self.profiles
            .insert(profile.customer_id, (profile.tier, profile.region));
        self.latest = self.latest.max(profile.timestamp);
    }

    fn accept_interaction(&mut self, interaction: Interaction) {
        self.count(&interaction);
        if self.is_past(interaction.timestamp) {
            self.reject_late("detect", &interaction.customer_id, interaction.timestamp);
        } else {
            self.pattern.add(&interaction);
        }
        let (tier, region) = match self.profiles.get(&interaction.customer_id) {
            Some(known) => known.clone(),
            None => ("UNKNOWN".into(), "UNKNOWN".into()),
        };
        self.latest = self.latest.max(Some(interaction.timestamp));
        self.output.enriched.push(Enriched {
            interaction,
            tier,
            region,
        });
    }

    fn count(&mut self, interaction: &Interaction) {
        let end = interaction.timestamp - interaction.timestamp.rem_euclid(WINDOW) + WINDOW;
        if self.is_past(end - 1) {
            self.reject_late("count", &interaction.channel, interaction.timestamp);
        } else {
            *self
                .output
                .volumes
                .entry((interaction.channel.clone(), end))
                .or_default() += 1;
        }
    }

    fn is_past(&self, time: i64) -> bool {
        self.latest
            .is_some_and(|latest| time < latest - OUT_OF_ORDERNESS)
    }

    fn reject_late(&mut self, stage: &'static str, key: &str, timestamp: i64) {
        self.output.rejected.push(Rejected::Late {
            stage,
            key: key.into(),
            timestamp,
        });
    }
}
