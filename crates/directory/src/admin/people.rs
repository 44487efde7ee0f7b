//! Users, groups, memberships.

use hygie_core::{Cx, GroupId, ObjectId, Secret};
use hygie_store::StoreError;
use hygie_store::audit::Record;

use super::{Enabled, NewUser, named};
use crate::repo::{Groups, Principals, Tenants, Users};
use crate::revocation::revoke_all_of;
use crate::{Directory, DirectoryError, Group, MAX_PASSWORD, User, is_user_principal_name, key_of};

/// Shortest password that may be set.
const MIN_PASSWORD: usize = 8;

impl Directory {
    /// Creates a user.
    pub async fn create_user(&self, cx: &Cx, new: NewUser) -> Result<User, DirectoryError> {
        let user = User {
            id: ObjectId::random(&*cx.random),
            user_principal_name: user_principal_name(&new.user_principal_name)?,
            display_name: named(new.display_name)?,
            given_name: new.given_name.map(named).transpose()?,
            surname: new.surname.map(named).transpose()?,
            mail: new.mail.map(named).transpose()?,
            is_enabled: true,
            valid_from: cx.now,
            created_at: cx.now,
        };
        let hash = match new.password {
            Some(password) => Some(self.hash_password(cx, password).await?),
            None => None,
        };
        let record = Record::success(cx, "idp.user.create", format!("user/{}", user.id));
        self.change(cx, (user.clone(), hash, record), |(user, hash, record), tx| {
            Box::pin(async move {
                let domains = Tenants(tx).list_domains().await?;
                let key = key_of(&user.user_principal_name);
                if !domains
                    .iter()
                    .any(|domain| key.rsplit_once('@').is_some_and(|(_, d)| d == domain))
                {
                    return Err(DirectoryError::Value("userPrincipalName"));
                }
                Users(tx).insert(user, hash.as_ref()).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        Ok(user)
    }

    /// The user of this name in the context's tenant.
    pub async fn find_user(&self, cx: &Cx, user_principal_name: &str) -> Result<Option<User>, StoreError> {
        self.store()
            .read(cx, user_principal_name.to_owned(), |name, tx| {
                Box::pin(async move { Ok::<_, StoreError>(Users(tx).find_by_name(name).await?.map(|(user, _)| user)) })
            })
            .await
    }

    /// Sets a password and revokes what was authenticated with the old one.
    pub async fn set_password(&self, cx: &Cx, user: ObjectId, password: Secret<String>) -> Result<(), DirectoryError> {
        let hash = self.hash_password(cx, password).await?;
        let record = Record::success(cx, "idp.user.password", format!("user/{user}"));
        self.change(cx, (user, hash, record), |(user, hash, record), tx| {
            Box::pin(async move {
                let now = tx.cx().now;
                if !Users(tx).set_password(*user, hash, now).await? {
                    return Err(DirectoryError::NotFound("user"));
                }
                Users(tx).clear_lockout(*user).await?;
                revoke_all_of(tx, *user).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        Ok(self.know_revoked(cx, user).await?)
    }

    /// Enables or disables a user; disabling revokes what the user was issued.
    pub async fn set_user_enabled(&self, cx: &Cx, user: ObjectId, state: Enabled) -> Result<(), DirectoryError> {
        let action = match state {
            Enabled::Yes => "idp.user.enable",
            Enabled::No => "idp.user.disable",
        };
        let record = Record::success(cx, action, format!("user/{user}"));
        self.change(cx, (user, state, record), |(user, state, record), tx| {
            Box::pin(async move {
                if !Users(tx).set_enabled(*user, *state == Enabled::Yes).await? {
                    return Err(DirectoryError::NotFound("user"));
                }
                if *state == Enabled::No {
                    revoke_all_of(tx, *user).await?;
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        if state == Enabled::No {
            self.know_revoked(cx, user).await?;
        }
        Ok(())
    }

    /// Creates a group.
    pub async fn create_group(&self, cx: &Cx, display_name: &str) -> Result<Group, DirectoryError> {
        let group = Group {
            id: GroupId::random(&*cx.random),
            display_name: named(display_name.to_owned())?,
            created_at: cx.now,
        };
        let record = Record::success(cx, "idp.group.create", format!("group/{}", group.id));
        self.change(cx, (group.clone(), record), |(group, record), tx| {
            Box::pin(async move {
                Groups(tx).insert(group).await?;
                tx.audit(record).await?;
                Ok::<_, DirectoryError>(())
            })
        })
        .await?;
        Ok(group)
    }

    /// Makes a user, group or service principal a member of a group.
    pub async fn add_member(&self, cx: &Cx, group: GroupId, member: ObjectId) -> Result<(), DirectoryError> {
        let record = Record::success(cx, "idp.group.member", format!("group/{group}"));
        self.change(cx, (group, member, record), |(group, member, record), tx| {
            Box::pin(async move {
                if Groups(tx).find(*group).await?.is_none() {
                    return Err(DirectoryError::NotFound("group"));
                }
                let as_group = GroupId::from_uuid(member.uuid());
                let exists = Users(tx).find(*member).await?.is_some()
                    || Groups(tx).find(as_group).await?.is_some()
                    || Principals(tx).find(*member).await?.is_some();
                if !exists {
                    return Err(DirectoryError::NotFound("member"));
                }
                Groups(tx).add_member(*group, *member).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    async fn hash_password(&self, cx: &Cx, password: Secret<String>) -> Result<Secret<String>, DirectoryError> {
        if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&password.expose().len()) {
            return Err(DirectoryError::Value("password"));
        }
        Ok(self.passwords().hash(password, &*cx.random).await?)
    }
}

fn user_principal_name(name: &str) -> Result<String, DirectoryError> {
    if is_user_principal_name(name) {
        Ok(name.to_owned())
    } else {
        Err(DirectoryError::Value("userPrincipalName"))
    }
}
