//! Sessions: what is near to each other, looked for anew at every step.

use crate::{Options, Output, Step};

#[derive(Clone, Debug)]
struct Session {
    start: i64,
    end: i64,
    /// Event times and values.
    records: Vec<(i64, i64)>,
    emitted: Option<i64>,
}

impl Session {
    fn sum(&self) -> i64 {
        self.records.iter().map(|(_, value)| value).sum()
    }

    fn emit(&mut self, retractions: bool, outputs: &mut Vec<Output>) {
        if retractions && let Some(before) = self.emitted {
            outputs.push(Output::Retraction(self.start, self.end, before));
        }
        self.emitted = Some(self.sum());
        outputs.push(Output::Result(self.start, self.end, self.sum()));
    }
}

/// The sessions of records, by rising start.
fn sessions_of(gap: i64, mut records: Vec<(i64, i64)>) -> Vec<Session> {
    records.sort_by_key(|(timestamp, _)| *timestamp);
    let mut sessions: Vec<Session> = Vec::new();
    for (timestamp, value) in records {
        match sessions.last_mut() {
            Some(session) if timestamp <= session.end => {
                session.end = timestamp + gap;
                session.records.push((timestamp, value));
            }
            _ => sessions.push(Session {
                start: timestamp,
                end: timestamp + gap,
                records: vec![(timestamp, value)],
                emitted: None,
            }),
        }
    }
    sessions
}

pub fn run(gap: i64, options: Options, steps: &[Step]) -> Vec<Output> {
    let (mut live, mut outputs): (Vec<Session>, _) = (Vec::new(), Vec::new());
    let mut watermark = i64::MIN;
    for step in steps {
        match *step {
            Step::Watermark(to) => {
                for session in &mut live {
                    let last = session.end - 1;
                    if watermark < last && last <= to {
                        session.emit(options.retractions, &mut outputs);
                    }
                }
                live.retain(|session| session.end - 1 + options.lateness > to);
                watermark = to;
            }
            Step::Record(timestamp, value) => {
                let mut records: Vec<_> = live.iter().flat_map(|s| s.records.clone()).collect();
                records.push((timestamp, value));
                let mut after = sessions_of(gap, records);
                let place = after
                    .iter()
                    .position(|s| s.start <= timestamp && timestamp < s.end)
                    .unwrap();
                if after[place].end - 1 + options.lateness <= watermark {
                    outputs.push(Output::Late(timestamp));
                    continue;
                }
                for old in &live {
                    let same = after
                        .iter_mut()
                        .find(|s| (s.start, s.end) == (old.start, old.end));
                    match (same, old.emitted) {
                        (Some(same), emitted) => same.emitted = emitted,
                        (None, Some(emitted)) if options.retractions => {
                            outputs.push(Output::Retraction(old.start, old.end, emitted));
                        }
                        (None, _) => {}
                    }
                }
                if after[place].end - 1 <= watermark {
                    after[place].emit(options.retractions, &mut outputs);
                }
                live = after;
            }
        }
    }
    outputs
}
