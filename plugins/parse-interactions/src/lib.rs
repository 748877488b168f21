//! Validates the records of NICE CXone data actions and routes them.
//!
//! The stream mixes interactions with updates of customer profiles, and anything may be wrong with a line: it is parsed
//! here, once, and what comes after this stage can rely on it. The time of an interaction goes to `channels`, where only
//! volumes are counted; interactions and profiles go to `customers` together, since which of them came first matters there.

mod line;

use data_actions_records::{CustomerRecord, Interaction, Profile, Status};
use jackfield_sdk::{
    Context, NO_TIMESTAMP, NoConfiguration, Port, Record, Rejection, Stage, stage,
};

use line::Line;

/// JSON objects, one a record.
pub const LINES: Port = Port::unkeyed(0, "lines");
/// One empty record an interaction, keyed by its channel.
pub const CHANNELS: Port = Port::keyed(0, "channels");
/// Interactions and profiles ([`CustomerRecord`]), keyed by the customer's identifier, in order of arrival.
pub const CUSTOMERS: Port = Port::keyed(1, "customers");

/// The stage.
pub struct ParseInteractions;

impl Stage for ParseInteractions {
    type Configuration = NoConfiguration;
    type State = ();
    const INPUTS: &'static [Port] = &[LINES];
    const OUTPUTS: &'static [Port] = &[CHANNELS, CUSTOMERS];

    fn new(_: NoConfiguration) -> Result<Self, String> {
        Ok(Self)
    }

    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, ()>,
    ) -> Result<(), Rejection> {
        match line::parse(record.value())? {
            Line::Interaction {
                interaction_id,
                customer_id,
                channel,
                status,
                timestamp,
            } => {
                context
                    .emit(CHANNELS)
                    .key(&*channel)
                    .timestamp(timestamp)
                    .bytes([]);
                let status = Status::from(&*status);
                let interaction = Interaction {
                    status,
                    interaction_id: &interaction_id,
                    channel: &channel,
                };
                let customer = context
                    .emit(CUSTOMERS)
                    .key(&*customer_id)
                    .timestamp(timestamp);
                customer.postcard(&CustomerRecord::Interaction(interaction))
            }
            Line::Profile {
                customer_id,
                tier,
                region,
                timestamp,
            } => {
                // Not the transport's time instead: two clocks in one watermark would make the records of the slower one late.
                let timestamp = timestamp.unwrap_or(NO_TIMESTAMP);
                let profile = Profile {
                    tier: &tier,
                    region: &region,
                };
                let customer = context
                    .emit(CUSTOMERS)
                    .key(&*customer_id)
                    .timestamp(timestamp);
                customer.postcard(&CustomerRecord::Profile(profile))
            }
        }
    }
}

stage!(ParseInteractions);
