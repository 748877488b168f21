//! What a plugin can return that is not so.

use serde::Deserialize;

use crate::appearance::not_utf_8;
use crate::contract::exports::jackfield::plugin::stage::{Changes, Emission, Output};
use crate::contract::jackfield::plugin::records::{Column, Mark, Rejection};
use crate::well_behaved::{no_strings, nothing};

/// Named in the configuration in kebab case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lie {
    EndsFall,
    EndsBehindData,
    EndsBeforeData,
    KeysWithoutPort,
    KeysMissing,
    TimestampsMissing,
    UnknownPort,
    PortTwice,
    MarkMissing,
    MarkMoved,
    MarkInvented,
    MarkBehindEnd,
    OriginsMissing,
    OriginsFall,
    OriginBehindEnd,
    RejectionBehindEnd,
    RejectionTwice,
    RejectionCodeOdd,
    RejectionCodeLong,
    RejectionMessageLong,
    RejectionNotUtf8,
    /// A list of 4 GiB.
    FourGib,
    /// The same hundred MiB a hundred times.
    Aliases,
    /// State of a stage without keys.
    State,
    /// More keys than values in the state.
    StateUneven,
    /// One value of so many bytes in the state.
    StateOfBytes,
}

/// Turns an honest answer into a lie.
pub fn tell(lie: Lie, mut output: Output, marks: &[Mark], records: usize) -> Output {
    let behind = records as u32 + 1;
    let echo = &mut output.emissions[0];
    let batch = &mut echo.records;
    match lie {
        Lie::EndsFall => batch.values.ends.extend([2, 1]),
        Lie::EndsBehindData => batch.values.ends.push(u32::MAX),
        Lie::EndsBeforeData => batch.values.data.push(0),
        Lie::KeysWithoutPort => batch.keys.ends.push(0),
        Lie::KeysMissing => output.emissions[1].records.keys = no_strings(),
        Lie::TimestampsMissing => batch.timestamps.clear(),
        Lie::UnknownPort => echo.port = 77,
        Lie::PortTwice => output.emissions.push(nothing(0)),
        Lie::MarkMissing => batch.marks.clear(),
        Lie::MarkMoved => batch.marks.iter_mut().for_each(|mark| mark.watermark += 1),
        Lie::MarkInvented => batch.marks.push(Mark {
            index: 0,
            watermark: 0,
        }),
        Lie::MarkBehindEnd => batch
            .marks
            .iter_mut()
            .for_each(|mark| mark.index = u32::MAX),
        Lie::OriginsMissing => echo.origins.clear(),
        Lie::OriginsFall => echo
            .origins
            .iter_mut()
            .zip((0..behind - 1).rev())
            .for_each(|(origin, n)| *origin = n + 1),
        Lie::OriginBehindEnd => echo.origins.iter_mut().for_each(|origin| *origin = behind),
        Lie::FourGib => batch.values.ends = four_gib(),
        Lie::Aliases => return aliases(marks),
        Lie::RejectionBehindEnd => output.rejections.push(rejection(behind - 1, "odd")),
        Lie::RejectionTwice => output
            .rejections
            .extend([rejection(0, "odd"), rejection(0, "odd")]),
        Lie::RejectionCodeOdd => output.rejections.push(rejection(0, "\u{1b}[2J odd code")),
        Lie::RejectionCodeLong => output.rejections.push(rejection(0, &"x".repeat(1 << 20))),
        Lie::RejectionMessageLong => output.rejections.push(Rejection {
            message: "\u{1b}[2J".repeat(1 << 18),
            ..rejection(0, "long")
        }),
        Lie::RejectionNotUtf8 => output.rejections.push(rejection(0, &not_utf_8())),
        Lie::State | Lie::StateUneven | Lie::StateOfBytes => {}
    }
    output
}

fn rejection(index: u32, code: &str) -> Rejection {
    Rejection {
        index,
        code: code.to_owned(),
        message: "because".to_owned(),
    }
}

/// What a flush gives.
pub fn changes(lie: Option<Lie>, bytes: u64) -> Changes {
    let column = |strings: u32| Column {
        data: vec![b'k'; strings as usize],
        ends: (1..=strings).collect(),
    };
    let (keys, values) = match lie {
        Some(Lie::State | Lie::StateOfBytes) => (1, 1),
        Some(Lie::StateUneven) => (2, 1),
        _ => (0, 0),
    };
    let large = Column {
        data: vec![b'v'; bytes as usize],
        ends: vec![bytes as u32],
    };
    Changes {
        keys: column(keys),
        values: match lie {
            Some(Lie::StateOfBytes) => large,
            _ => column(values),
        },
        forgotten: column(0),
    }
}

#[expect(
    unsafe_code,
    reason = "what is made here is never to be: that is what the host has to find out"
)]
fn four_gib() -> Vec<u32> {
    // SAFETY: none. The list is not there; it is only handed over by address and length.
    unsafe { Vec::from_raw_parts(std::ptr::dangling_mut::<u32>(), 0x3fff_ffff, 0x3fff_ffff) }
}

#[expect(
    unsafe_code,
    reason = "what is made here is never to be: that is what the host has to find out"
)]
fn aliases(marks: &[Mark]) -> Output {
    let bytes = 100 << 20;
    let data = vec![b'x'; bytes].leak();
    let alias = |port| -> Emission {
        let mut emission = nothing(port);
        // SAFETY: the bytes are there for good; that many own them is never acted on, since they are only handed over.
        emission.records.values.data =
            unsafe { Vec::from_raw_parts(data.as_mut_ptr(), bytes, bytes) };
        emission.records.values.ends = vec![bytes as u32];
        emission.records.timestamps = vec![0];
        emission.records.marks = marks.to_vec();
        emission.origins = vec![0];
        emission
    };
    Output {
        emissions: (0..100).map(alias).collect(),
        rejections: Vec::new(),
    }
}
