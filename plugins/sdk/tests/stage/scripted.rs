//! A stage whose records say what it is to do.

use jackfield_sdk::testing::{Driver, Sent};
use jackfield_sdk::{Context, NoConfiguration, Port, Record, Rejection, Stage, StateVersions};
use serde::{Deserialize, Serialize};

pub const COMMANDS: Port = Port::keyed(0, "commands");
pub const REPORTS: Port = Port::keyed(0, "reports");
pub const LATE: Port = Port::keyed(1, "late");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Add to what is remembered, and report the sum.
    Add(u64),
    /// Report the sum without changing anything.
    Report,
    Forget,
    SetTimer(i64),
    ClearTimer(i64),
    /// Refuse the record.
    Refuse,
    /// Treat the record as late.
    Late,
    /// Report how many states were loaded, and what their sums add up to.
    Loaded,
}

/// State of version 2: of 32 bits, of fixed length.
#[derive(Deserialize)]
pub struct Former([u8; 4]);

impl From<Former> for u64 {
    fn from(Former(bytes): Former) -> Self {
        u32::from_le_bytes(bytes).into()
    }
}

/// With the number and the sum of the states that were loaded.
pub struct Scripted(u64, u64);

impl Stage for Scripted {
    type Configuration = NoConfiguration;
    type State = u64;
    const INPUTS: &'static [Port] = &[COMMANDS];
    const OUTPUTS: &'static [Port] = &[REPORTS, LATE];
    const STATE_VERSIONS: StateVersions<u64> = StateVersions::since::<Former>(2).now(3);

    fn new(_: NoConfiguration) -> Result<Self, String> {
        Ok(Self(0, 0))
    }

    fn loaded(&mut self, sum: &u64) -> Result<(), String> {
        self.0 += 1;
        self.1 = self.1.wrapping_add(*sum);
        Ok(())
    }

    fn unloaded(&mut self, sum: &u64) {
        self.0 -= 1;
        self.1 = self.1.wrapping_sub(*sum);
    }

    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, u64>,
    ) -> Result<(), Rejection> {
        match record.postcard()? {
            Command::Add(number) => {
                let sum = context.state();
                *sum = sum.wrapping_add(number);
                report(context);
            }
            Command::Report => report(context),
            Command::Forget => context.forget(),
            Command::SetTimer(time) => context.set_timer(time),
            Command::ClearTimer(time) => context.clear_timer(time),
            Command::Refuse => return Err(Rejection::new("as-told", "the record says so")),
            Command::Late => return context.late(&record),
            Command::Loaded => context
                .emit(REPORTS)
                .bytes(format!("loaded {} with {}", self.0, self.1)),
        }
        Ok(())
    }

    /// Reports; at some times sets another timer, at some forgets the key.
    fn on_timer(&mut self, time: i64, context: &mut Context<'_, u64>) -> Result<(), Rejection> {
        assert_eq!(context.watermark(), time);
        let sum = context.peek().copied();
        context
            .emit(REPORTS)
            .bytes(format!("timer {time} sum {sum:?}"));
        match time.rem_euclid(10) {
            7 => context.set_timer(time.saturating_add(5)),
            8 => context.set_timer(time - 100),
            9 => context.forget(),
            _ => {}
        }
        Ok(())
    }
}

fn report(context: &mut Context<'_, u64>) {
    let (keyed, outputs) = context.split();
    outputs
        .emit(REPORTS)
        .bytes(format!("sum {:?}", keyed.peek()));
}

pub fn driver() -> Driver<Scripted> {
    Driver::new("{}").unwrap()
}

pub fn command(key: &str, command: &Command) -> Sent {
    Sent::postcard(command).key(key)
}

/// What was reported since the last time, each with its key.
pub fn reports(driver: &mut Driver<Scripted>) -> Vec<String> {
    let report = |received: &jackfield_sdk::testing::Received| {
        format!("{}: {}", received.key.escape_ascii(), received.text())
    };
    driver.take("reports").iter().map(report).collect()
}
