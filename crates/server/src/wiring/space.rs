//! Quotas, and the space that is kept for the audit trail.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hygie_store::Reserve;
use hygie_store::embedded::Control;

use super::objects::Objects;
use super::{Settings, stores};
use crate::config::Space;
use crate::listen::Stop;

/// How often what all have taken is added up. The databases are known exactly; large objects are counted now and then.
const ADD_EVERY: Duration = Duration::from_secs(1);
const COUNT_BLOBS_EVERY: u32 = 60;

const MIB: u64 = 1 << 20;

/// Keeps the reserve, and watches the quotas.
pub fn start(stop: &Stop, settings: &Settings, controls: Vec<Control>, objects: &[Objects]) {
    keep(settings, &controls);
    let space = settings.space;
    // Without the directory nobody signs in, whoever has used up the space; it is small.
    let is_service = |control: &Control| control.instance() != stores::DIRECTORY;
    let controls: Vec<Control> = controls.into_iter().filter(is_service).collect();
    for control in &controls {
        control
            .space()
            .set_limit(space.instance_mib.map(|mib| mib.saturating_mul(MIB)));
    }
    if space.instance_mib.is_none() && space.total_mib.is_none() {
        return;
    }
    let (data, token) = (settings.data.clone(), stop.token());
    let in_buckets: Vec<Objects> = objects.iter().filter(|objects| objects.is_in_bucket).cloned().collect();
    stop.spawn(async move {
        let mut watch = Watch {
            data,
            space,
            controls,
            in_buckets,
            is_over: false,
        };
        for round in 0_u32.. {
            let is_count = round % COUNT_BLOBS_EVERY == 0;
            if is_count {
                watch.count_buckets().await;
            }
            watch = match tokio::task::spawn_blocking(move || watch.look(is_count)).await {
                Ok(watch) => watch,
                Err(_panic) => return,
            };
            tokio::select! {
                () = token.cancelled() => return,
                () = tokio::time::sleep(ADD_EVERY) => {}
            }
        }
    });
}

fn keep(settings: &Settings, controls: &[Control]) {
    if settings.space.reserve_mib == 0 {
        return;
    }
    let kept = Reserve::keep(
        settings.data.join(stores::RESERVE),
        settings.space.reserve_mib.saturating_mul(MIB),
    );
    match kept {
        Ok(reserve) => {
            for control in controls {
                if let Err(error) = control.set_reserve(reserve.clone()) {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the access log goes without a reserve"
                    );
                }
            }
        }
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "no space can be kept for the audit trail"
        ),
    }
}

struct Watch {
    data: PathBuf,
    space: Space,
    controls: Vec<Control>,
    in_buckets: Vec<Objects>,
    is_over: bool,
}

impl Watch {
    /// A bucket is not asked: the rows that refer to it know as much.
    async fn count_buckets(&self) {
        for objects in &self.in_buckets {
            let control = self
                .controls
                .iter()
                .find(|control| control.instance() == objects.instance);
            match (control, objects.total().await) {
                (Some(control), Ok(bytes)) => control.space().set_blobs(bytes),
                (_, Err(error)) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "counting large objects");
                }
                (None, Ok(_)) => {}
            }
        }
    }

    fn look(mut self, is_count: bool) -> Self {
        if is_count {
            let is_in_bucket = |control: &&Control| {
                let named = |objects: &Objects| objects.instance == control.instance();
                self.in_buckets.iter().any(named)
            };
            for control in self.controls.iter().filter(|control| !is_in_bucket(control)) {
                let blobs = self.data.join(format!("{}.blobs", control.instance()));
                match size_of(&blobs) {
                    Ok(bytes) => control.space().set_blobs(bytes),
                    Err(error) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "counting large objects");
                    }
                }
            }
        }
        let used: u64 = self.controls.iter().map(|control| control.space().used()).sum();
        let limit = self.space.total_mib.map(|mib| mib.saturating_mul(MIB));
        let is_over = limit.is_some_and(|limit| used >= limit);
        if is_over != self.is_over {
            self.is_over = is_over;
            if is_over {
                tracing::error!(used, "the quota of all services is used up: writes are refused");
            } else {
                tracing::warn!(used, "writes are taken again");
            }
            for control in &self.controls {
                control.space().set_closed(is_over);
            }
        }
        self
    }
}

/// Bytes of the files below a directory; 0 where there is none.
fn size_of(directory: &Path) -> io::Result<u64> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut bytes = 0;
    for entry in entries {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() {
            size_of(&entry.path())?
        } else {
            // It may have been removed meanwhile.
            entry.metadata().map_or(0, |file| file.len())
        };
    }
    Ok(bytes)
}
