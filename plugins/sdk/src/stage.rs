//! The trait that a plugin implements.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Context, Port, Record, Rejection, StateVersions};

/// A deterministic function of its state, its input and the watermark.
///
/// A stage is one value for all the keys that an instance works for. What it remembers between records belongs in
/// [`State`](Stage::State), which is kept a key at a time, survives crashes and moves between machines; fields of the struct
/// itself hold what follows from the configuration, and nothing that a record changed.
pub trait Stage: Sized + 'static {
    /// What the manifest may say about the stage; [`NoConfiguration`](crate::NoConfiguration) where it may say nothing. Put
    /// `#[serde(deny_unknown_fields)]` on it, so that a mistyped option is found before anything starts.
    type Configuration: DeserializeOwned + JsonSchema;

    /// What is remembered of one key; `()` where nothing is.
    type State: Default + Serialize + DeserializeOwned;

    /// Where records come from, each port at its own index.
    const INPUTS: &'static [Port];

    /// Where records go to, each port at its own index. A port named `late` receives the records that
    /// [`Context::late`] is given.
    const OUTPUTS: &'static [Port];

    /// The version of [`State`](Stage::State), to be raised whenever its encoding changes, and the former ones that can still
    /// be read.
    const STATE_VERSIONS: StateVersions<Self::State> = StateVersions::only(1);

    /// Makes the stage, once, before any record.
    ///
    /// # Errors
    /// What is wrong with the configuration that its schema could not say, for the reader of the manifest.
    fn new(configuration: Self::Configuration) -> Result<Self, String>;

    /// Looks at the state of one key that is being loaded, before any record: another configuration may have written it.
    ///
    /// The key may yet be forgotten, or be loaded again with other state. What is gathered here belongs to this state until
    /// [`unloaded`](Stage::unloaded) takes it back, and is not to be told before the first record or timer.
    ///
    /// # Errors
    /// Why the stage cannot go on with it, for the operator. The pipeline does not start.
    fn loaded(&mut self, state: &Self::State) -> Result<(), String> {
        let _ = state;
        Ok(())
    }

    /// Takes back what [`loaded`](Stage::loaded) gathered of this state, before any record: its key was forgotten since, or is
    /// loaded again after this.
    fn unloaded(&mut self, state: &Self::State) {
        let _ = state;
    }

    /// Works on one record.
    ///
    /// # Errors
    /// The record is refused and goes to the dead-letter queue; the stream goes on. Refuse before changing state or
    /// emitting: neither is taken back.
    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, Self::State>,
    ) -> Result<(), Rejection>;

    /// A timer of a key is due: the watermark has reached `time`, milliseconds since the Unix epoch, for which it was set.
    ///
    /// Timers fire in the order of (time, key), and each sees the watermark stand at its own time, however far it goes in
    /// one step.
    ///
    /// # Errors
    /// There is no record to refuse: the stage stops, as if it had trapped.
    fn on_timer(
        &mut self,
        time: i64,
        context: &mut Context<'_, Self::State>,
    ) -> Result<(), Rejection> {
        let _ = (time, context);
        Ok(())
    }
}

/// Makes a component of a [`Stage`]: `stage!(JoinProfiles);`, once in a crate of the type `cdylib`. Name and version of the
/// plugin are the crate's. Outside of the sandbox it does nothing, so that the crate can be tested natively.
#[macro_export]
macro_rules! stage {
    ($stage:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Component;

            ::std::thread_local! {
                static INSTANCE: $crate::component::Instance<$stage> = const { ::std::cell::RefCell::new(None) };
            }

            impl $crate::component::Plugin for Component {
                type Stage = $stage;
                const NAME: &'static str = ::std::env!("CARGO_PKG_NAME");
                const VERSION: &'static str = ::std::env!("CARGO_PKG_VERSION");

                fn with_instance<R>(use_instance: impl FnOnce(&$crate::component::Instance<$stage>) -> R) -> R {
                    INSTANCE.with(use_instance)
                }
            }

            $crate::component::wit::export!(Component with_types_in $crate::component::wit);
        };
    };
}
