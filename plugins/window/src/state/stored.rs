//! How the state of a key is stored.
//!
//! A version, the open windows, and the slices if there are any. A window is its distance from the window before it, its
//! length, and what belongs to it: in an encoding with integers of variable length, such as postcard's, that is a few
//! bytes. What is read is checked, for it may come from anywhere.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeSeq, SerializeTuple, Serializer};

use super::slices::Slice;
use super::{Combiner, Open, Slices, WindowState};
use crate::Window;

/// To be raised whenever the form changes; the versions before it are to be read on.
const VERSION: u8 = 1;

/// A window after another that ended at `previous_end`: wrapping, for both may be anywhere.
const fn distances(window: Window, previous_end: i64) -> (i64, u64) {
    (
        window.start.wrapping_sub(previous_end),
        window.end.wrapping_sub(window.start).cast_unsigned(),
    )
}

fn at_distances<E: Error>((gap, length): (i64, u64), previous_end: &mut i64) -> Result<Window, E> {
    let start = previous_end.wrapping_add(gap);
    let end = start.wrapping_add(length.cast_signed());
    if start > end {
        return Err(E::custom("a window that ends before it starts"));
    }
    *previous_end = end;
    Ok(Window { start, end })
}

impl<A: Serialize, T: Serialize> Serialize for WindowState<A, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_tuple(3)?;
        fields.serialize_element(&VERSION)?;
        fields.serialize_element(&OpenWindows(&self.open))?;
        fields.serialize_element(&self.slices)?;
        fields.end()
    }
}

struct OpenWindows<'a, A, T>(&'a VecDeque<Open<A, T>>);

impl<A: Serialize, T: Serialize> Serialize for OpenWindows<'_, A, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut windows = serializer.serialize_seq(Some(self.0.len()))?;
        let mut previous_end = 0;
        for open in self.0 {
            let distances = distances(open.window, previous_end);
            windows.serialize_element(&(
                distances,
                &open.accumulator,
                &open.trigger,
                &open.emitted,
            ))?;
            previous_end = open.window.end;
        }
        windows.end()
    }
}

impl<A: Serialize> Serialize for Slices<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_tuple(3)?;
        fields.serialize_element(&self.fired)?;
        let slices = self.slices.iter();
        fields.serialize_element(&Spans(slices.map(|slice| (slice.span, &slice.accumulator))))?;
        let emitted = self.emitted.iter();
        fields.serialize_element(&Spans(emitted.map(|(window, emitted)| (*window, emitted))))?;
        fields.end()
    }
}

struct Spans<I>(I);

impl<'a, A: Serialize + 'a, I: ExactSizeIterator<Item = (Window, &'a A)> + Clone> Serialize
    for Spans<I>
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut spans = serializer.serialize_seq(Some(self.0.len()))?;
        let mut previous_end = 0;
        for (span, accumulator) in self.0.clone() {
            spans.serialize_element(&(distances(span, previous_end), accumulator))?;
            previous_end = span.end;
        }
        spans.end()
    }
}

/// As [`OpenWindows`] writes them.
type StoredOpen<A, T> = Vec<((i64, u64), Option<A>, T, Option<Box<A>>)>;
/// As [`Spans`] writes them.
type StoredSpans<A> = Vec<((i64, u64), A)>;

impl<'de, A: Deserialize<'de>, T: Deserialize<'de>> Deserialize<'de> for WindowState<A, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(3, Stored(PhantomData))
    }
}

struct Stored<A, T>(PhantomData<(A, T)>);

impl<'de, A: Deserialize<'de>, T: Deserialize<'de>> Visitor<'de> for Stored<A, T> {
    type Value = WindowState<A, T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the windows of a key")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut fields: S) -> Result<Self::Value, S::Error> {
        let missing = |field| S::Error::invalid_length(field, &self);
        let version: u8 = fields.next_element()?.ok_or_else(|| missing(0))?;
        if version != VERSION {
            return Err(S::Error::custom(format_args!(
                "windows stored in version {version}, where {VERSION} is the latest known"
            )));
        }
        let open: StoredOpen<A, T> = fields.next_element()?.ok_or_else(|| missing(1))?;
        let slices = fields.next_element()?.ok_or_else(|| missing(2))?;
        Ok(WindowState {
            open: open_windows(open)?,
            slices,
        })
    }
}

fn open_windows<A, T, E: Error>(stored: StoredOpen<A, T>) -> Result<VecDeque<Open<A, T>>, E> {
    let mut previous_end = 0;
    let mut open = VecDeque::<Open<A, T>>::with_capacity(stored.len());
    for (distances, accumulator, trigger, emitted) in stored {
        let window = at_distances(distances, &mut previous_end)?;
        if open
            .back()
            .is_some_and(|last| last.window.order() >= window.order())
        {
            return Err(E::custom("windows out of order"));
        }
        open.push_back(Open {
            window,
            accumulator,
            trigger,
            emitted,
        });
    }
    Ok(open)
}

impl<'de, A: Deserialize<'de>> Deserialize<'de> for Slices<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (fired, slices, emitted) =
            <(i64, StoredSpans<A>, StoredSpans<A>)>::deserialize(deserializer)?;
        let slices = spans(slices)?
            .into_iter()
            .map(|(span, accumulator)| Slice { span, accumulator })
            .collect();
        Ok(Self {
            slices,
            fired,
            emitted: spans(emitted)?,
            combiner: Combiner::default(),
        })
    }
}

fn spans<A, E: Error>(stored: StoredSpans<A>) -> Result<VecDeque<(Window, A)>, E> {
    let mut previous_end = 0;
    let mut spans = VecDeque::<(Window, A)>::with_capacity(stored.len());
    for (distances, accumulator) in stored {
        let span = at_distances(distances, &mut previous_end)?;
        if spans.back().is_some_and(|(last, _)| *last >= span) {
            return Err(E::custom("slices out of order"));
        }
        spans.push_back((span, accumulator));
    }
    Ok(spans)
}
