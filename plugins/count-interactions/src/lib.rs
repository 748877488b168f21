//! Counts interactions a channel in tumbling event-time windows.

use jackfield_sdk::{Context, Duration, Port, Record, Rejection, Stage, StateVersions, stage};
use jackfield_window::{Count, Placement, TumblingWindows, WindowState, Windowed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One record an interaction, keyed by its channel; what it holds does not matter.
pub const INTERACTIONS: Port = Port::keyed(0, "interactions");
/// One volume a channel and window, in JSON.
pub const VOLUMES: Port = Port::unkeyed(0, "volumes");

/// The stage.
pub struct CountInteractions {
    windows: Windowed<Count>,
}

/// What the manifest says of the stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The length of a window. One starts at the Unix epoch.
    window: Duration,
}

#[derive(Serialize)]
struct Volume<'a> {
    channel: &'a str,
    /// The first millisecond after the window, since the Unix epoch.
    window_end: i64,
    volume: u64,
}

impl Stage for CountInteractions {
    type Configuration = Configuration;
    type State = WindowState<u64>;
    const STATE_VERSIONS: StateVersions<Self::State> = StateVersions::only(2);
    const INPUTS: &'static [Port] = &[INTERACTIONS];
    const OUTPUTS: &'static [Port] = &[VOLUMES];

    fn new(configuration: Configuration) -> Result<Self, String> {
        let windows = TumblingWindows::of(configuration.window.as_millis())
            .map_err(|error| error.to_string())?;
        Ok(Self {
            windows: Windowed::new(windows, Count),
        })
    }

    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, Self::State>,
    ) -> Result<(), Rejection> {
        let timestamp = record.event_time()?;
        record.key_text()?;
        let watermark = context.watermark();
        // Without lateness no window fires for a record.
        let placement = self
            .windows
            .add(context.state(), timestamp, watermark, &(), drop);
        match placement {
            Placement::Placed { timer: Some(timer) } => context.set_timer(timer),
            Placement::Placed { timer: None } | Placement::Outside => {}
            Placement::Late => {
                if context.state().is_empty() {
                    context.forget();
                }
                return context.late(&record);
            }
        }
        Ok(())
    }

    fn on_timer(
        &mut self,
        time: i64,
        context: &mut Context<'_, Self::State>,
    ) -> Result<(), Rejection> {
        let channel = String::from_utf8_lossy(context.key());
        let (keyed, outputs) = context.split();
        let mut emitted = Ok(());
        self.windows.fire(keyed.state(), time, |firing| {
            let volume = Volume {
                channel: &channel,
                window_end: firing.window.end,
                volume: firing.output,
            };
            if let Err(rejection) = outputs.emit(VOLUMES).json(&volume) {
                emitted = Err(rejection);
            }
        });
        match self.windows.next_timer(keyed.state()) {
            Some(timer) => keyed.set_timer(timer),
            None => keyed.forget(),
        }
        emitted
    }
}

stage!(CountInteractions);
