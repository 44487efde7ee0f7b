//! A read: over one snapshot, on a connection of its own.

use hygie_core::Cx;
use hygie_store::{StoreError, Work};

use super::connect::Database;
use super::error::Remedy;
use super::link::{Link, Mode};
use super::session::ReadSession;
use super::work::{pause, run};

/// How often a read is begun anew when its connection was lost, or a standby had to cancel it.
const RUNS: u32 = 3;

/// Runs `work` over a snapshot. A caller that goes away ends it with its connection.
pub async fn read((database, instance): (&Database, i64), cx: &Cx, mut work: Box<dyn Work>) -> Result<(), StoreError> {
    for attempt in 0..RUNS {
        let client = database.client().await?;
        let link = Link::new(client, database.catalogue(), instance, Mode::Read);
        let mut session = ReadSession { link };
        let waits = session.link.waits();
        let ran = run(&mut *work, &mut session, &waits, cx).await;
        let remedy = session.link.remedy();
        if remedy == Some(Remedy::Reconnect) {
            drop(session);
            database.forget_idle();
        } else {
            session.link.end();
        }
        match remedy {
            Some(Remedy::Again | Remedy::Reconnect) => pause(attempt, &cx.random).await,
            _ => return ran.map(drop),
        }
    }
    Err(StoreError::Unavailable(None))
}
