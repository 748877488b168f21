//! Plugins are loaded side by side, and each file once: compiling one takes a hundred milliseconds, and a host may have hundreds.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// What `load` makes of each path, on as many threads as the machine runs at a time.
pub(super) fn each_once<'a, T: Send>(
    paths: impl Iterator<Item = &'a Path>,
    load: impl Fn(&Path) -> T + Sync,
) -> BTreeMap<&'a Path, T> {
    let paths: BTreeSet<&Path> = paths.collect();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(paths.len());
    let waiting = Mutex::new(paths.into_iter());
    let next = || {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.next()
    };
    let work = || {
        let mut loaded = Vec::new();
        while let Some(path) = next() {
            loaded.push((path, load(path)));
        }
        loaded
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut loaded: BTreeMap<_, _> = work().into_iter().collect();
        for other in others {
            match other.join() {
                Ok(theirs) => loaded.extend(theirs),
                Err(panic) => resume_unwind(panic),
            }
        }
        loaded
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn each_path_is_loaded_once_and_none_is_left_out() {
        let paths: Vec<String> = (0..300).map(|n| format!("{}.wasm", n % 100)).collect();
        let loads = AtomicUsize::new(0);
        let loaded = each_once(paths.iter().map(Path::new), |path| {
            loads.fetch_add(1, Ordering::Relaxed);
            path.display().to_string()
        });
        assert_eq!(loads.into_inner(), 100);
        let is_loaded = |path: &String| loaded.get(Path::new(path)) == Some(path);
        assert!(paths.iter().all(is_loaded));
    }

    #[test]
    fn nothing_is_loaded_where_nothing_is_named() {
        assert!(each_once(std::iter::empty(), |_| ()).is_empty());
    }
}
