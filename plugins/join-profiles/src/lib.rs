//! Joins interactions with the latest profile of their customer.
//!
//! In order of arrival: an interaction gets the tier and region of the last profile that came before it, and `UNKNOWN`
//! where none has come yet. Event time plays no part, so that what was said of an interaction never changes afterwards.

use data_actions_records::CustomerRecord;
use jackfield_sdk::{Context, NoConfiguration, Port, Record, Rejection, Stage, stage};
use serde::{Deserialize, Serialize};

/// Interactions and profiles ([`CustomerRecord`]), keyed by the customer's identifier.
pub const CUSTOMERS: Port = Port::keyed(0, "customers");
/// Interactions with tier and region, in JSON.
pub const ENRICHED: Port = Port::unkeyed(0, "enriched");

const UNKNOWN: &str = "UNKNOWN";

/// The stage.
pub struct JoinProfiles;

/// The latest profile of a customer. Text that never changes its length once it is there, for there are many customers.
#[derive(Default, Serialize, Deserialize)]
pub struct Profile {
    tier: Box<str>,
    region: Box<str>,
}

impl Stage for JoinProfiles {
    type Configuration = NoConfiguration;
    type State = Profile;
    const INPUTS: &'static [Port] = &[CUSTOMERS];
    const OUTPUTS: &'static [Port] = &[ENRICHED];

    fn new(_: NoConfiguration) -> Result<Self, String> {
        Ok(Self)
    }

    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, Profile>,
    ) -> Result<(), Rejection> {
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

stage!(JoinProfiles);
