//! SIGTERM and ctrl-c: the first asks for an orderly end, the second ends at once. SIGHUP asks for a reload.

use std::process;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::signal::unix::{SignalKind, signal};

/// What a process ends with that was stopped by ctrl-c, as shells have it.
const STOPPED_AT_ONCE: i32 = 130;

/// Gives so many receivers, each of which gets something when the process is asked to end.
/// On SIGHUP `on_hangup` is called.
pub(super) fn listen(
    pipelines: usize,
    on_hangup: impl Fn() + Send + 'static,
) -> std::io::Result<Vec<Receiver<()>>> {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..pipelines).map(|_| bounded(1)).unzip();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            if let Err(error) = runtime.block_on(wait(&senders, &on_hangup)) {
                tracing::error!(%error, "signals are not listened to");
            }
        })?;
    Ok(receivers)
}

async fn wait(senders: &[Sender<()>], on_hangup: &impl Fn()) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut asked = false;
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {
                on_hangup();
                continue;
            }
        }
        if asked {
            process::exit(STOPPED_AT_ONCE);
        }
        asked = true;
        tracing::info!("finishing what is in flight; once more to stop at once");
        for sender in senders {
            // A pipeline that has ended does not listen any more.
            let _ = sender.try_send(());
        }
    }
}
