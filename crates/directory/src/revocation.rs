//! What was revoked while tokens of it may still be alive, in memory: asked at each use of a token.

use std::collections::HashMap;
use std::time::Duration;

use hygie_access::{Origin, Revoked};
use hygie_core::{Cx, ObjectId, SessionId, TenantId, Timestamp};
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};
use parking_lot::RwLock;
use uuid::Uuid;

use crate::repo::{Familiar, Global, Outsiders, Refreshes, Sessions, Users};
use crate::{Directory, grant_of};

/// No access token lives longer: one that was exchanged four hours, if the configuration says so.
const REMEMBERED: Duration = Duration::from_hours(5);

/// The revocations of the last hours.
#[derive(Default)]
pub(crate) struct Revocations(RwLock<Known>);

#[derive(Default)]
struct Known {
    users: HashMap<(TenantId, ObjectId), Timestamp>,
    sessions: HashMap<(TenantId, SessionId), Timestamp>,
    grants: HashMap<(TenantId, Uuid), Timestamp>,
}

impl Revocations {
    fn user(&self, tenant: TenantId, user: ObjectId, at: Timestamp) {
        self.0.write().users.insert((tenant, user), at);
    }

    fn session(&self, tenant: TenantId, session: SessionId, at: Timestamp) {
        self.0.write().sessions.insert((tenant, session), at);
    }

    /// A person's authorization of an application, with all that came of it.
    pub fn grant(&self, tenant: TenantId, grant: Uuid, at: Timestamp) {
        self.0.write().grants.insert((tenant, grant), at);
    }

    /// Adds what was read from the store and forgets what is older than any token. What is known stays: it may have
    /// been revoked after the store was read.
    fn take_in(&self, read: Known, since: Timestamp) {
        let mut known = self.0.write();
        known.users.retain(|_, at| *at > since);
        known.sessions.retain(|_, at| *at > since);
        known.grants.retain(|_, at| *at > since);
        for (user, read_at) in read.users {
            let at = known.users.entry(user).or_insert(read_at);
            *at = read_at.max(*at);
        }
        known.sessions.extend(read.sessions);
        known.grants.extend(read.grants);
    }
}

impl hygie_access::Revocations for Directory {
    fn revoked(&self, origin: &Origin) -> Option<Revoked> {
        let known = self.0.revoked.0.read();
        // Tokens tell whole seconds: what was issued in the second of the revocation counts as before it.
        let is_before = |at: &Timestamp| origin.issued_at.is_none_or(|issued| issued.secs() <= at.secs());
        if known.users.get(&(origin.tenant, origin.subject)).is_some_and(is_before) {
            return Some(Revoked::User);
        }
        let is_ended = |session| known.sessions.contains_key(&(origin.tenant, session));
        if origin.session.is_some_and(is_ended) {
            return Some(Revoked::Session);
        }
        // Read only when there is something to find: nearly never.
        let rh = origin.rh.as_deref().filter(|_| !known.grants.is_empty())?;
        let grant = grant_of(rh)?;
        known
            .grants
            .contains_key(&(origin.tenant, grant))
            .then_some(Revoked::Grant)
    }
}

impl Directory {
    /// Takes in what other processes revoked. Called about once a second where there are several.
    pub async fn refresh_revocations(&self) -> Result<(), StoreError> {
        let cx = self.provider_cx();
        let since = cx.now - REMEMBERED;
        let read = self
            .store()
            .read(&cx, since, |since, tx| {
                Box::pin(async move {
                    let users = Global(tx).list_revoked_users(*since).await?.into_iter();
                    let sessions = Global(tx).list_revoked_sessions(*since).await?.into_iter();
                    let grants = Global(tx).list_revoked_grants(*since).await?.into_iter();
                    Ok::<_, StoreError>(Known {
                        users: users.map(|(tenant, user, at)| ((tenant, user), at)).collect(),
                        sessions: sessions.map(|(tenant, id, at)| ((tenant, id), at)).collect(),
                        grants: grants.map(|(tenant, id, at)| ((tenant, id), at)).collect(),
                    })
                })
            })
            .await?;
        self.0.revoked.take_in(read, since);
        Ok(())
    }

    /// Revokes everything a person was issued: sessions, refresh tokens, and access tokens of services that ask us
    /// (`revokeSignInSessions`). False when they are no user of the directory: then it is what was exchanged for a
    /// professional with this id, who has to sign in again there.
    pub async fn revoke_user(&self, cx: &Cx, user: ObjectId) -> Result<bool, StoreError> {
        let record = Record::success(cx, "idp.user.revoke", format!("user/{user}"));
        let is_user = self
            .store()
            .write(cx, (user, record), |(user, record), tx| {
                Box::pin(async move {
                    let is_user = revoke_all_of(tx, *user).await?;
                    Familiar(tx).forget(*user).await?;
                    if !is_user {
                        let now = tx.cx().now;
                        Outsiders(tx).revoke(*user, now).await?;
                    }
                    tx.audit(record).await?;
                    Ok::<_, StoreError>(is_user)
                })
            })
            .await?;
        self.know_revoked(cx, user).await?;
        Ok(is_user)
    }

    /// After [`revoke_all_of`] is committed: from here on the data services of this process refuse what it hit. What was
    /// issued while the request was on its way is younger than its instant, and known by the sessions.
    pub async fn know_revoked(&self, cx: &Cx, user: ObjectId) -> Result<(), StoreError> {
        self.0.revoked.user(cx.tenant, user, cx.now);
        self.refresh_revocations().await
    }

    /// A grant was revoked in the store, because a code or refresh token of it was used twice: from here on the data
    /// services of this process refuse what came of it.
    pub fn know_revoked_grant(&self, tenant: TenantId, grant: Uuid, at: Timestamp) {
        self.0.revoked.grant(tenant, grant, at);
    }

    /// Revokes one session with the access tokens it was issued. False when it had ended.
    pub async fn revoke_session(&self, cx: &Cx, session: SessionId) -> Result<bool, StoreError> {
        let record = Record::success(cx, "idp.session.revoke", format!("session/{session}"));
        let ended = self
            .store()
            .write(cx, (session, record), |(session, record), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    if !Sessions(tx).revoke(*session, now).await? {
                        return Ok::<_, StoreError>(false);
                    }
                    tx.audit(record).await?;
                    Ok(true)
                })
            })
            .await?;
        if ended {
            self.0.revoked.session(cx.tenant, session, cx.now);
        }
        Ok(ended)
    }
}

/// Ends what a user was issued, in other tenants of the installation as their guest too. False when there is no such user. When it is committed, [`Directory::know_revoked`] must follow.
pub(crate) async fn revoke_all_of(tx: &mut Tx<'_>, user: ObjectId) -> Result<bool, StoreError> {
    let now = tx.cx().now;
    if !Users(tx).revoke_sessions(user, now).await? {
        return Ok(false);
    }
    Sessions(tx).revoke_all_of(user, now).await?;
    Refreshes(tx).revoke_all_of(user, now).await?;
    let home = tx.cx().tenant;
    for guest in Global(tx).list_guests_of((home, user)).await? {
        Global(tx).revoke_guest(guest, now).await?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_known_outlives_an_older_reading_of_the_store() {
        let (tenant, revoked) = (TenantId::from_uuid(Uuid::from_u128(1)), Revocations::default());
        let user = |n| ObjectId::from_uuid(Uuid::from_u128(n));
        let at = Timestamp::from_secs;
        revoked.user(tenant, user(1), at(50));
        revoked.user(tenant, user(2), at(150));
        revoked.session(tenant, SessionId::from_uuid(Uuid::from_u128(3)), at(160));
        // Read before the last two were revoked.
        let read = Known {
            users: HashMap::from([((tenant, user(2)), at(120)), ((tenant, user(4)), at(130))]),
            sessions: HashMap::new(),
            grants: HashMap::new(),
        };
        revoked.take_in(read, at(100));
        let known = revoked.0.read();
        let instant = |n| known.users.get(&(tenant, user(n))).copied();
        assert_eq!(
            [instant(1), instant(2), instant(4)],
            [None, Some(at(150)), Some(at(130))]
        );
        assert_eq!(known.sessions.len(), 1);
    }
}
