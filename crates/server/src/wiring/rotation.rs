//! Replacing data keys when `hygie keys rotate` asks for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use hygie_store::Store;
use hygie_store::embedded::Control;
use hygie_store::keys::Keyring;

use super::objects::Places;
use crate::keys::request::{Rotation, State};
use crate::keys::work::{self, Open};
use crate::listen::Stop;

/// What is open here.
pub struct Opened {
    /// The instances in files.
    pub controls: Vec<Control>,
    /// The places for large objects.
    pub places: Places,
    /// The directory.
    pub directory: Store,
}

/// How often is looked whether somebody asks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Does what is asked, and what a process before was asked and did not complete.
pub fn start(stop: &Stop, data: PathBuf, keyring: Arc<Keyring>, opened: Opened) {
    let token = stop.token();
    stop.spawn(async move {
        // What could not be told is not done again.
        let mut finished = None;
        loop {
            tokio::select! {
                () = token.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            // A rotation that is cut short leaves the old key or the new one, and the next start goes on.
            tokio::select! {
                () = token.cancelled() => return,
                looked = look(&data, &keyring, &opened, &mut finished) => if let Err(error) = looked {
                    tracing::error!(error = format!("{error:#}"), "replacing keys");
                },
            }
        }
    });
}

async fn look(data: &Path, keyring: &Arc<Keyring>, opened: &Opened, finished: &mut Option<Rotation>) -> Result<()> {
    let Some(asked) = Rotation::read(data)?.filter(Rotation::is_open) else {
        return Ok(());
    };
    if let Some(finished) = finished.as_ref().filter(|finished| finished.id == asked.id) {
        return finished.write(data);
    }
    // The master key may have been replaced just before.
    if let Err(error) = keyring.reload() {
        let refused = Rotation {
            state: State::Failed,
            error: Some(format!(
                "the live process cannot read the keys ({error}): restart it with the new master key"
            )),
            ..asked
        };
        return refused.write(data);
    }
    tracing::warn!(id = asked.id, "replacing the data keys");
    let told = {
        let data = data.to_owned();
        Arc::new(move |rotation: &Rotation| {
            if let Err(error) = rotation.write(&data) {
                tracing::warn!(error = format!("{error:#}"), "telling how far the rotation is");
            }
        })
    };
    let open = Open {
        controls: &opened.controls,
        places: &opened.places,
        directory: Some(&opened.directory),
    };
    let rotation = work::replace_data_keys(data, keyring, open, (asked, told)).await;
    if let Some(error) = &rotation.error {
        tracing::error!(error, "not all keys are replaced");
    }
    *finished = Some(rotation);
    Ok(())
}
