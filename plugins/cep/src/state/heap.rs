//! Partial matches by their start, in a binary heap that breaks ties as that of Java 17 does.
//!
//! Which of several matches that begin with the same event is handed on first decides, under a skip strategy, which are
//! handed on at all. Flink leaves it to `java.util.PriorityQueue`; so that results are the same, the heap here moves entries
//! as that one does (*siftUp*, *siftDown* and *heapify* of OpenJDK 17, which follow Cormen et al., Introduction to Algorithms,
//! chapter 6).

use super::PartialMatch;

#[inline]
pub(crate) fn push(heap: &mut Vec<PartialMatch>, entry: PartialMatch) {
    let mut place = heap.len();
    heap.push(entry);
    while let Some(above) = place.checked_sub(1) {
        let parent = above / 2;
        if entry.start >= heap[parent].start {
            break;
        }
        heap.swap(place, parent);
        place = parent;
    }
}

/// Takes the entry with the earliest start.
pub(crate) fn pop(heap: &mut Vec<PartialMatch>) -> Option<PartialMatch> {
    if heap.is_empty() {
        return None;
    }
    let first = heap.swap_remove(0);
    sift_down(heap, 0);
    Some(first)
}

/// Drops entries. What is left stays in its order and is made a heap again.
pub(crate) fn retain(heap: &mut Vec<PartialMatch>, mut stays: impl FnMut(&PartialMatch) -> bool) {
    let before = heap.len();
    heap.retain(|entry| stays(entry));
    if heap.len() < before {
        for place in (0..heap.len() / 2).rev() {
            sift_down(heap, place);
        }
    }
}

fn sift_down(heap: &mut [PartialMatch], mut place: usize) {
    while place < heap.len() / 2 {
        let (left, right) = (2 * place + 1, 2 * place + 2);
        let is_right = right < heap.len() && heap[left].start > heap[right].start;
        let child = if is_right { right } else { left };
        if heap[place].start <= heap[child].start {
            break;
        }
        heap.swap(place, child);
        place = child;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(start: u64) -> PartialMatch {
        PartialMatch {
            start,
            ..PartialMatch::beginning(0)
        }
    }

    proptest! {
        #[test]
        fn entries_leave_by_their_start(
            mut starts in prop::collection::vec(0..20_u64, 0..60),
            dropped in 0..20_u64,
        ) {
            let mut heap = Vec::new();
            for start in &starts {
                push(&mut heap, entry(*start));
            }
            retain(&mut heap, |entry| entry.start != dropped);
            let left: Vec<u64> = std::iter::from_fn(|| pop(&mut heap)).map(|entry| entry.start).collect();
            starts.retain(|start| *start != dropped);
            starts.sort_unstable();
            prop_assert_eq!(left, starts);
        }
    }

    #[test]
    fn entries_of_one_start_move_as_in_java() {
        // Checked against jshell of JDK 17: PriorityQueue by key, of (key, name) added in this order, then polled.
        let mut heap = Vec::new();
        for (state, start) in [(0, 2), (1, 1), (2, 1), (3, 1), (4, 1), (5, 0)] {
            let entry = PartialMatch {
                state,
                ..entry(start)
            };
            push(&mut heap, entry);
        }
        let polled: Vec<u32> = std::iter::from_fn(|| pop(&mut heap))
            .map(|entry| entry.state)
            .collect();
        assert_eq!(polled, [5, 2, 4, 3, 1, 0]);
    }
}
