//! Finds what the patterns of its configuration describe, so that a new pattern needs no new plugin.
//!
//! In event time: the events of a key wait for the watermark, once for all patterns. What they mean, and what becomes of what has
//! begun when a pattern changes, is said in [`jackfield_pattern_language`].

mod history;

use jackfield_expression::Refusal;
use jackfield_pattern_language::{
    Configuration, Found, KeyState, PatternSet, Record as FoundRecord,
};
use jackfield_sdk::{Context, Outputs, Port, Record, Rejection, Stage, stage};

use history::History;

/// Records, keyed by what their events are kept apart by.
pub const RECORDS: Port = Port::keyed(0, "records");
/// One record a match, in JSON, with the key and the time of the match.
pub const MATCHES: Port = Port::keyed(0, "matches");
/// One record for each match that was not complete in time, in JSON.
pub const TIMED_OUT: Port = Port::keyed(1, "timed-out");
/// Records that came after the watermark had passed their time, unchanged.
pub const LATE: Port = Port::keyed(2, "late");
/// One report for each match that was given up, in JSON: for the sake of limits, because its pattern has changed, or since its
/// output cannot be made. Where the definition that it began under is not known, one for all those of a key.
pub const ABANDONED: Port = Port::keyed(3, "abandoned");

/// One record each time that an instance starts with matches which a former definition had begun, in JSON: pattern, definition, what becomes
/// of them, how many they are. For an audit log.
pub const CHANGES: Port = Port::unkeyed(4, "changes");

/// The stage.
pub struct MatchPatterns {
    patterns: PatternSet,
    history: History,
}

impl Stage for MatchPatterns {
    type Configuration = Configuration;
    type State = KeyState;
    const INPUTS: &'static [Port] = &[RECORDS];
    const OUTPUTS: &'static [Port] = &[MATCHES, TIMED_OUT, LATE, ABANDONED, CHANGES];

    fn new(configuration: Configuration) -> Result<Self, String> {
        let patterns = configuration.compile().map_err(|fault| fault.to_string())?;
        let history = History::default();
        Ok(Self { patterns, history })
    }

    fn loaded(&mut self, state: &KeyState) -> Result<(), String> {
        self.patterns
            .check_state(state)
            .map_err(|fault| fault.to_string())?;
        self.history.note(&self.patterns, state);
        Ok(())
    }

    fn unloaded(&mut self, state: &KeyState) {
        self.history.take_back(&self.patterns, state);
    }

    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, KeyState>,
    ) -> Result<(), Rejection> {
        let Some(value) = self.patterns.read(record.value()).map_err(rejected)? else {
            return Ok(());
        };
        let timestamp = record.event_time()?;
        record.key_text()?;
        self.history.tell(timestamp, context.split().1);
        let event = self.patterns.event(value, timestamp).map_err(rejected)?;
        if timestamp <= context.watermark() {
            return context.late(&record);
        }
        context.state().add(timestamp, event);
        // One timer a key, for what comes next: what comes after that is seen to when it fires.
        if context.next_timer().is_none_or(|timer| timestamp < timer) {
            context.set_timer(timestamp);
        }
        Ok(())
    }

    fn on_timer(
        &mut self,
        time: i64,
        context: &mut Context<'_, KeyState>,
    ) -> Result<(), Rejection> {
        // It is text: what came in was looked at.
        let key = String::from_utf8_lossy(context.key());
        let (keyed, outputs) = context.split();
        self.history.tell(time, outputs);
        let state = keyed.state();
        self.patterns
            .advance(&key, state, time, |found| {
                emit(found, outputs);
                Ok::<(), Rejection>(())
            })
            .map_err(|stuck| Rejection::new("pattern", stuck.to_string()))?;
        if state.is_empty() {
            keyed.forget();
        } else if let Some(timer) = self.patterns.next_timer(state) {
            keyed.set_timer(timer);
        }
        Ok(())
    }
}

fn emit(found: Found<'_>, outputs: &mut Outputs<'_>) {
    let mut send = |port, record: FoundRecord<'_>| {
        outputs
            .emit(port)
            .timestamp(record.timestamp)
            .bytes(record.json);
    };
    match found {
        Found::Match(record) => send(MATCHES, record),
        Found::TimedOut(record) => send(TIMED_OUT, record),
        Found::Abandoned(record) => send(ABANDONED, record),
    }
}

fn rejected(refusal: Refusal) -> Rejection {
    Rejection::new(refusal.code(), refusal.message())
}

stage!(MatchPatterns);
