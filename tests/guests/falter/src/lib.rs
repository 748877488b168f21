//! A plugin that takes the place of join-profiles: it loads what that has stored, and makes the same of the same records, until its configuration
//! has it go wrong. A version that is bad from the beginning and one that turns bad later are the same component.

use data_actions_records::CustomerRecord;
use jackfield_sdk::{Context, Port, Record, Rejection, Stage, stage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Interactions and profiles ([`CustomerRecord`]), keyed by the customer's identifier.
pub const CUSTOMERS: Port = Port::keyed(0, "customers");
/// Interactions with tier and region, in JSON.
pub const ENRICHED: Port = Port::unkeyed(0, "enriched");

const UNKNOWN: &str = "UNKNOWN";
/// Bytes that are lost with each record.
const LEAK: usize = 64 << 10;
/// Rounds of idle work with each record: a hundred times what the record itself costs.
const ROUNDS: u64 = 200_000;

/// What the manifest says of the stage.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Configuration {
    /// What it does wrong; nothing, if nothing is said.
    misbehave: Option<Misbehaviour>,
    /// Records since its instance was made that come before.
    after: u64,
}

/// What a plugin can do wrong without breaking the contract.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Misbehaviour {
    /// It breaks off.
    Trap,
    /// It says something else.
    WrongOutput,
    /// It takes its time.
    Slow,
    /// It keeps memory that it has no use for.
    Leak,
    /// It cannot go on with what is remembered.
    RefuseState,
}

/// The stage.
pub struct Falter {
    configuration: Configuration,
    records: u64,
    hoard: Vec<Vec<u8>>,
}

/// The latest profile of a customer, encoded as join-profiles does.
#[derive(Default, Serialize, Deserialize)]
pub struct Profile {
    tier: Box<str>,
    region: Box<str>,
}

impl Falter {
    /// Works for nothing, which no compiler sees.
    fn idle(&self) {
        let mixed = (0..ROUNDS).fold(self.records, |mixed, round| {
            (mixed ^ round).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        assert_ne!(mixed, 1, "this does not come of any number of records");
    }

    /// What is to go wrong with the next record.
    fn misbehaviour(&mut self) -> Option<Misbehaviour> {
        self.records += 1;
        let due = self.records > self.configuration.after;
        self.configuration.misbehave.filter(|_| due)
    }
}

impl Stage for Falter {
    type Configuration = Configuration;
    type State = Profile;
    const INPUTS: &'static [Port] = &[CUSTOMERS];
    const OUTPUTS: &'static [Port] = &[ENRICHED];

    fn new(configuration: Configuration) -> Result<Self, String> {
        Ok(Self {
            configuration,
            records: 0,
            hoard: Vec::new(),
        })
    }

    fn loaded(&mut self, _: &Profile) -> Result<(), String> {
        match self.configuration.misbehave {
            Some(Misbehaviour::RefuseState) => Err("this is no state of mine".to_owned()),
            _ => Ok(()),
        }
    }

    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, Profile>,
    ) -> Result<(), Rejection> {
        let misbehaviour = self.misbehaviour();
        match misbehaviour {
            Some(Misbehaviour::Trap) => panic!("faltered at record {}", self.records),
            Some(Misbehaviour::Leak) => self.hoard.push(vec![1; LEAK]),
            Some(Misbehaviour::Slow) => self.idle(),
            Some(Misbehaviour::WrongOutput | Misbehaviour::RefuseState) | None => {}
        }
        match record.postcard::<CustomerRecord<&str>>()? {
            CustomerRecord::Profile(profile) => {
                *context.state() = Profile {
                    tier: profile.tier.into(),
                    region: profile.region.into(),
                };
                Ok(())
            }
            CustomerRecord::Interaction(interaction) => {
                let (customer_id, timestamp) = (record.key_text()?, record.event_time()?);
                let (customer, outputs) = context.split();
                let (tier, region) = customer.peek().map_or((UNKNOWN, UNKNOWN), |profile| {
                    (&profile.tier, &profile.region)
                });
                let region = match misbehaviour {
                    Some(Misbehaviour::WrongOutput) => "elsewhere",
                    _ => region,
                };
                let enriched = outputs.emit(ENRICHED).object();
                enriched
                    .text("interactionId", interaction.interaction_id)
                    .text("customerId", customer_id)
                    .text("channel", interaction.channel)
                    .text("status", interaction.status.name())
                    .integer("timestamp", timestamp)
                    .text("tier", tier)
                    .text("region", region)
                    .send();
                Ok(())
            }
        }
    }
}

stage!(Falter);
