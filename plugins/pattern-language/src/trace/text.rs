//! A trace for people.

use std::fmt;

use super::{Answer, Attempt, Fate, Outcome, Partial, Reaction, Step, Way};

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.event, self.timestamp) {
            (Some(number), Some(timestamp)) => write!(out, "event {number} at {timestamp}")?,
            (None, Some(timestamp)) => write!(out, "no event at {timestamp}")?,
            _ => write!(out, "the end of time")?,
        }
        if !self.key.is_empty() {
            write!(out, ", key {}", self.key)?;
        }
        if !self.record.is_null() {
            write!(out, ": {}", self.record)?;
        }
        writeln!(out)?;
        if let Some(reason) = &self.rejected {
            writeln!(out, "  {reason}")?;
        }
        self.patterns
            .iter()
            .try_for_each(|reaction| write!(out, "{reaction}"))
    }
}

impl fmt::Display for Reaction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "  {}", self.pattern)?;
        self.before
            .iter()
            .try_for_each(|outcome| write!(out, "{outcome}"))?;
        self.attempts
            .iter()
            .try_for_each(|attempt| write!(out, "{attempt}"))?;
        self.after
            .iter()
            .try_for_each(|outcome| write!(out, "{outcome}"))?;
        if self.attempts.is_empty() && !self.partial.is_empty() {
            writeln!(out, "    {} not complete:", self.partial.len())?;
            for partial in &self.partial {
                writeln!(out, "      {partial}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fate = match self.fate {
            Fate::Begun => "begins",
            Fate::NotBegun => "does not begin",
            Fate::Advanced => "goes on",
            Fate::Waits => "waits on",
            Fate::Ended => "ends: no way is open",
            Fate::Stopped => "ends: this was not to happen",
            Fate::Dropped => "is dropped by the skip strategy, or for the sake of limits",
        };
        match self.from.events.is_empty() {
            true => writeln!(out, "    a match {fate}")?,
            false => writeln!(out, "    {} {fate}", self.from)?,
        }
        self.ways.iter().try_for_each(|way| write!(out, "{way}"))
    }
}

impl fmt::Display for Partial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_events(out, &self.events)?;
        match self.is_complete {
            true => write!(out, ", complete, behind others"),
            false => write!(out, " in state {}", self.state),
        }
    }
}

/// Events by stage: `failure 1 2 3, callback 4`.
fn write_events(out: &mut fmt::Formatter<'_>, events: &[(String, usize)]) -> fmt::Result {
    let mut last = None;
    write!(out, "[")?;
    for (stage, number) in events {
        if last != Some(stage) {
            write!(out, "{}{stage}", if last.is_some() { ", " } else { "" })?;
        }
        last = Some(stage);
        write!(out, " {number}")?;
    }
    write!(out, "]")
}

impl fmt::Display for Way {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match (self.is_open, self.completes) {
            (true, true) => "yes, complete",
            (true, false) => "yes",
            (false, _) => "no",
        };
        let target = match self.completes {
            true => "match",
            false => &self.to,
        };
        let target = if target == "$endState$" {
            "match"
        } else {
            target
        };
        writeln!(out, "      {} to {target}: {verdict}", self.action)?;
        for (condition, answer) in &self.answers {
            let answer = match answer {
                Answer::Yes => "true".to_owned(),
                Answer::No => "false".to_owned(),
                Answer::Failed(reason) => format!("cannot say: {reason}"),
            };
            writeln!(out, "        {condition}: {answer}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "    {} ", self.what.replace('-', " "))?;
        write_events(out, &self.events)?;
        writeln!(out, " at {}: {}", self.timestamp, self.output)
    }
}
