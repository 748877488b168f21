//! Finds repeated failures of a customer that a request for a callback follows directly.
//!
//! In event time: the interactions of a customer wait for the watermark, so that the order of their arrival does not
//! matter. Profiles travel on the same port and are passed over.

use data_actions_records::{CustomerRecord, Interaction, Status};
use jackfield_cep::{
    AdvanceError, Arrival, Match, Matcher, Output, Pattern, PatternState, Version1,
};
use jackfield_sdk::{
    Context, Duration, Outputs, Port, Record, Rejection, Stage, StateVersions, stage,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Interactions and profiles ([`CustomerRecord`]), keyed by the customer's identifier.
pub const CUSTOMERS: Port = Port::keyed(0, "customers");
/// One alert a match, in JSON.
pub const ALERTS: Port = Port::unkeyed(0, "alerts");

const FAILURE: &str = "failure";
const CALLBACK: &str = "callback";

/// Every failure of a row is kept, and begins a row of its own.
const MOST_FAILURES: u32 = 1_000;

/// The stage.
pub struct DetectCallbacks {
    matcher: Matcher<Event>,
}

/// What the manifest says of the stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Configuration {
    /// How many failures in a row.
    #[schemars(range(min = 1, max = 1000))]
    failures: u32,
    /// The callback is asked for less than this after the first of them.
    within: Duration,
}

impl Default for Configuration {
    fn default() -> Self {
        const THIRTY_SECONDS: Duration = Duration::from_millis(30_000).unwrap();
        Self {
            failures: 3,
            within: THIRTY_SECONDS,
        }
    }
}

/// What the pattern looks at in an interaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// It failed.
    Failure,
    /// A callback was asked for, by this channel.
    CallbackRequest(Box<[u8]>),
    /// It ends a row of failures.
    Other,
}

#[derive(Serialize)]
struct Alert<'a> {
    customer_id: &'a str,
    channel: &'a str,
    /// Of the request for a callback, milliseconds since the Unix epoch.
    timestamp: i64,
    failure_count: usize,
    alert_type: &'static str,
}

impl Stage for DetectCallbacks {
    type Configuration = Configuration;
    type State = PatternState<Event>;
    const INPUTS: &'static [Port] = &[CUSTOMERS];
    const OUTPUTS: &'static [Port] = &[ALERTS];
    const STATE_VERSIONS: StateVersions<Self::State> =
        StateVersions::since::<Version1<Event>>(1).now(2);

    fn new(configuration: Configuration) -> Result<Self, String> {
        if configuration.failures > MOST_FAILURES {
            return Err(format!(
                "failures is {}, expected at most {MOST_FAILURES}",
                configuration.failures
            ));
        }
        let pattern = Pattern::begin(FAILURE)
            .filter(|event| *event == Event::Failure)
            .label("status = FAILURE")
            .times(configuration.failures)
            .consecutive()
            .next(CALLBACK)
            .filter(|event| matches!(event, Event::CallbackRequest(_)))
            .label("status = CALLBACK_REQUEST")
            .within(configuration.within.into());
        let matcher = pattern.compile().map_err(|error| error.to_string())?;
        Ok(Self { matcher })
    }

    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, Self::State>,
    ) -> Result<(), Rejection> {
        let CustomerRecord::<&[u8]>::Interaction(interaction) = record.postcard()? else {
            return Ok(());
        };
        let timestamp = record.event_time()?;
        record.key_text()?;
        let watermark = context.watermark();
        let event = Event::from(interaction);
        let arrival = self
            .matcher
            .add(context.state(), timestamp, watermark, event);
        if let Arrival::Late(_) = arrival {
            if context.state().is_empty() {
                context.forget();
            }
            return context.late(&record);
        }
        // One timer a customer, for what comes next: what comes after that is seen to when it fires.
        if context.next_timer().is_none_or(|timer| timestamp < timer) {
            context.set_timer(timestamp);
        }
        Ok(())
    }

    fn on_timer(
        &mut self,
        time: i64,
        context: &mut Context<'_, Self::State>,
    ) -> Result<(), Rejection> {
        let customer_id = context.key();
        let (customer, outputs) = context.split();
        let state = customer.state();
        // Rows that began under another rule, before the configuration changed, cannot be completed under this one.
        let rule = state.pattern();
        if rule.is_some_and(|rule| rule != self.matcher.fingerprint()) {
            state.restart();
        }
        let advanced = self.matcher.advance(state, time, |output| match output {
            Output::Match(complete) => alert(customer_id, &complete, outputs),
            Output::TimedOut(_) | Output::Evicted(_) => Ok(()),
        });
        advanced.map_err(|error| match error {
            AdvanceError::Output(rejection) => rejection,
            AdvanceError::Pattern(error) => Rejection::new("pattern", error.to_string()),
        })?;
        match self.matcher.next_timer(state) {
            Some(timer) => customer.set_timer(timer),
            None => customer.forget(),
        }
        Ok(())
    }
}

fn alert(
    customer_id: &[u8],
    complete: &Match<'_, Event>,
    outputs: &mut Outputs<'_>,
) -> Result<(), Rejection> {
    // Both are text: the stage that made the records has seen to it.
    let customer_id = &String::from_utf8_lossy(customer_id);
    let channels = complete.stage(CALLBACK).filter_map(|event| match event {
        Event::CallbackRequest(channel) => Some(channel),
        Event::Failure | Event::Other => None,
    });
    for channel in channels {
        outputs
            .emit(ALERTS)
            .timestamp(complete.timestamp())
            .json(&Alert {
                customer_id,
                channel: &String::from_utf8_lossy(channel),
                timestamp: complete.timestamp(),
                failure_count: complete.stage(FAILURE).count(),
                alert_type: "REPEATED_FAILURE_CALLBACK",
            })?;
    }
    Ok(())
}

impl From<Interaction<&[u8]>> for Event {
    fn from(interaction: Interaction<&[u8]>) -> Self {
        match interaction.status {
            Status::Failure => Self::Failure,
            Status::CallbackRequest => Self::CallbackRequest(interaction.channel.into()),
            Status::Success | Status::Other(_) => Self::Other,
        }
    }
}

stage!(DetectCallbacks);
