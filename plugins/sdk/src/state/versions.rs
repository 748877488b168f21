//! State outlives the plugin that wrote it: a new version of the plugin begins with what the former ones have stored.
//!
//! Authors keep the types that the state once had, and write how each becomes the next one. An entry goes as many of these steps
//! as it is versions old, as it is loaded. What the plugin says to the host of its versions is read from the same chain, so
//! that it cannot promise to read what it has no steps for.

use std::fmt::Display;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

/// The versions that the state `S` of a plugin has gone through, as far back as it can be read: a chain of types, in which
/// each becomes the next one by [`From`], or by [`TryFrom`] where not every value can.
///
/// ```
/// # use std::collections::BTreeMap;
/// # use jackfield_sdk::StateVersions;
/// # use serde::{Deserialize, Serialize};
/// /// Version 1.
/// #[derive(Deserialize)]
/// struct Count(u64);
///
/// /// Version 2.
/// #[derive(Deserialize)]
/// struct Seen { count: u64, last: Option<i64> }
///
/// impl From<Count> for Seen {
///     fn from(Count(count): Count) -> Self {
///         Self { count, last: None }
///     }
/// }
///
/// /// Version 3, which is written now.
/// #[derive(Default, Deserialize, Serialize)]
/// struct Tally { last: Option<i64>, kinds: BTreeMap<String, u64> }
///
/// impl From<Seen> for Tally {
///     fn from(Seen { count, last }: Seen) -> Self {
///         Self { last, kinds: BTreeMap::from([("unknown".to_owned(), count)]) }
///     }
/// }
///
/// // In the `impl Stage`, as its `STATE_VERSIONS`:
/// const STATE_VERSIONS: StateVersions<Tally> = StateVersions::since::<Count>(1).then::<Seen>(2).now(3);
/// # assert_eq!((STATE_VERSIONS.oldest(), STATE_VERSIONS.newest()), (1, 3));
/// ```
///
/// A chain with a gap, or one that does not rise, does not compile:
///
/// ```compile_fail
/// # use jackfield_sdk::StateVersions;
/// const STATE_VERSIONS: StateVersions<u64> = StateVersions::since::<u8>(1).then::<u16>(2).now(4);
/// ```
///
/// Nor does one with a step that nobody has written:
///
/// ```compile_fail
/// # use jackfield_sdk::StateVersions;
/// const STATE_VERSIONS: StateVersions<u64> = StateVersions::since::<u8>(1).then::<String>(2).now(3);
/// ```
pub struct StateVersions<S> {
    oldest: u32,
    newest: u32,
    take: Take<S>,
}

/// Takes the state that was written in the first version from the front of the bytes, where the second one is the newest.
type Take<S> = fn(u32, u32, &[u8]) -> Result<(S, &[u8]), String>;

/// Versions of the past, on the way to [`StateVersions`].
pub struct FormerVersions<C> {
    oldest: u32,
    newest: u32,
    chain: PhantomData<fn() -> C>,
}

/// A chain of types, known by its newest one.
pub trait Chain {
    /// The newest type.
    type Newest;

    /// [`Take`] for this chain. The version is one of those that it has.
    ///
    /// # Errors
    /// What is wrong with the bytes, or which step cannot be taken.
    fn take(version: u32, newest: u32, bytes: &[u8]) -> Result<(Self::Newest, &[u8]), String>;
}

/// The chain of one type.
pub struct First<T>(PhantomData<T>);

/// A chain with one type more.
pub struct Then<C, T>(PhantomData<(C, T)>);

impl<S: DeserializeOwned> StateVersions<S> {
    /// Nothing older than `version` can be read, the one that is written now.
    pub const fn only(version: u32) -> Self {
        Self {
            oldest: version,
            newest: version,
            take: First::<S>::take,
        }
    }
}

impl StateVersions<()> {
    /// The oldest version that can be read, and the type that the state had in it.
    pub const fn since<T: DeserializeOwned>(version: u32) -> FormerVersions<First<T>> {
        FormerVersions {
            oldest: version,
            newest: version,
            chain: PhantomData,
        }
    }
}

impl<C: Chain> FormerVersions<C> {
    /// The version after that, and its type.
    ///
    /// # Panics
    /// As it is compiled: where `version` is not the next one.
    pub const fn then<T>(self, version: u32) -> FormerVersions<Then<C, T>>
    where
        T: DeserializeOwned + TryFrom<C::Newest, Error: Display>,
    {
        FormerVersions {
            oldest: self.oldest,
            newest: self.next(version),
            chain: PhantomData,
        }
    }

    /// The version that is written now.
    ///
    /// # Panics
    /// As it is compiled: where `version` is not the next one.
    pub const fn now<S>(self, version: u32) -> StateVersions<S>
    where
        S: DeserializeOwned + TryFrom<C::Newest, Error: Display>,
    {
        StateVersions {
            oldest: self.oldest,
            newest: self.next(version),
            take: Then::<C, S>::take,
        }
    }

    const fn next(&self, version: u32) -> u32 {
        assert!(
            version.checked_sub(1).is_some() && version - 1 == self.newest,
            "the versions of a state follow each other without a gap"
        );
        version
    }
}

impl<T: DeserializeOwned> Chain for First<T> {
    type Newest = T;

    fn take(_: u32, _: u32, bytes: &[u8]) -> Result<(T, &[u8]), String> {
        postcard::take_from_bytes(bytes)
            .map_err(|error| format!("it does not hold a state of this version: {error}"))
    }
}

impl<C, T> Chain for Then<C, T>
where
    C: Chain,
    T: DeserializeOwned + TryFrom<C::Newest, Error: Display>,
{
    type Newest = T;

    fn take(version: u32, newest: u32, bytes: &[u8]) -> Result<(T, &[u8]), String> {
        if version == newest {
            return First::<T>::take(version, newest, bytes);
        }
        let (former, rest) = C::take(version, newest - 1, bytes)?;
        let next = T::try_from(former)
            .map_err(|reason| format!("it cannot become one of version {newest}: {reason}"))?;
        Ok((next, rest))
    }
}

impl<S> StateVersions<S> {
    /// The oldest version that can be read.
    pub const fn oldest(&self) -> u32 {
        self.oldest
    }

    /// The version that is written.
    pub const fn newest(&self) -> u32 {
        self.newest
    }

    /// Takes state of this version from the front of `bytes`, and returns what follows it.
    ///
    /// # Errors
    /// Which versions can be read, what is wrong with the bytes, or why the state cannot become one of now.
    pub(crate) fn take<'b>(&self, version: u32, bytes: &'b [u8]) -> Result<(S, &'b [u8]), String> {
        self.check(version)?;
        (self.take)(version, self.newest, bytes)
    }

    /// Whether state of this version can be read.
    ///
    /// # Errors
    /// Which versions can be.
    pub(crate) fn check(&self, version: u32) -> Result<(), String> {
        if (self.oldest..=self.newest).contains(&version) {
            return Ok(());
        }
        let Self { oldest, newest, .. } = self;
        Err(format!(
            "the plugin reads the versions {oldest} to {newest}"
        ))
    }
}
