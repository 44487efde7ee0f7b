//! Letters on their way, and where an establishment wants those that are for nobody by name.

use std::collections::BTreeSet;

use hygie_core::{GroupId, ObjectId};
use hygie_store::outbox::Outbox;
use hygie_store::{StoreError, Tx};

use super::{Groups, Roles, Tenants, Users};
use crate::letter::{LETTERS, Letter, Matter};
use crate::logs::{Subject, seen};
use crate::{CONSENT_REVIEWERS, User};

/// Administrators that are told of one thing by name.
const MOST: u32 = 50;

/// What a tenant wants to be told of by mail (`organization`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// `securityComplianceNotificationMails`: alerts.
    Security,
    /// `technicalNotificationMails`.
    Technical,
}

impl Topic {
    const fn word(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Technical => "technical",
        }
    }
}

/// The letters of a tenant.
pub struct Letters<'t, 'e>(pub &'t mut Tx<'e>);

impl Letters<'_, '_> {
    /// To a person, at the address that the directory has of them; none is made without one.
    pub async fn to_person(&mut self, user: ObjectId, matter: Matter) -> Result<(), StoreError> {
        if !self.is_awaited(&matter).await? {
            return Ok(());
        }
        match Users(self.0).find(user).await? {
            Some(user) => self.to(&user, matter).await,
            None => Ok(()),
        }
    }

    /// To a person as they are, or were before a change.
    pub async fn to_user(&mut self, user: &User, matter: Matter) -> Result<(), StoreError> {
        if self.is_awaited(&matter).await? {
            self.to(user, matter).await?;
        }
        Ok(())
    }

    /// To an address, of nobody who is known here yet. False where nobody sends letters.
    pub async fn to_address(
        &mut self,
        (address, name): (&str, Option<&str>),
        language: Option<&str>,
        matter: Matter,
    ) -> Result<bool, StoreError> {
        if !self.is_awaited(&matter).await? {
            return Ok(false);
        }
        let whom = (name.map(str::to_owned), language.map(str::to_owned));
        self.send(vec![address.to_owned()], whom, matter).await?;
        Ok(true)
    }

    /// To where the establishment wants to be told of its security.
    pub async fn to_security(&mut self, matter: Matter) -> Result<(), StoreError> {
        if !self.is_awaited(&matter).await? {
            return Ok(());
        }
        let to = self.list_addresses(Topic::Security).await?;
        if to.is_empty() {
            return Ok(());
        }
        self.send(to, (None, None), matter).await
    }

    /// To those who may decide what people ask for, each by themselves.
    pub async fn to_reviewers(&mut self, matter: &Matter) -> Result<(), StoreError> {
        if !self.is_awaited(matter).await? {
            return Ok(());
        }
        let mut reviewers = BTreeSet::new();
        for role in CONSENT_REVIEWERS {
            for holder in Roles(self.0).page_members(*role, None, MOST).await? {
                // A role may be a group's: its members have it.
                let group = GroupId::from_uuid(holder.uuid());
                if Groups(self.0).find(group).await?.is_some() {
                    reviewers.extend(Groups(self.0).page_members(group, None, MOST).await?);
                } else {
                    reviewers.insert(holder);
                }
            }
        }
        for reviewer in reviewers.into_iter().take(MOST as usize) {
            match Users(self.0).find(reviewer).await? {
                Some(user) if user.is_enabled => self.to(&user, matter.clone()).await?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether anybody sends letters of this kind.
    pub(crate) async fn is_awaited(&mut self, matter: &Matter) -> Result<bool, StoreError> {
        Outbox(self.0).is_awaited(&kind(matter)).await
    }

    async fn to(&mut self, user: &User, matter: Matter) -> Result<(), StoreError> {
        let Some(address) = address_of(user) else { return Ok(()) };
        let whom = (Some(user.display_name.clone()), user.profile.preferred_language.clone());
        self.send(vec![address.to_owned()], whom, matter).await
    }

    async fn send(
        &mut self,
        to: Vec<String>,
        (addressee, language): (Option<String>, Option<String>),
        matter: Matter,
    ) -> Result<(), StoreError> {
        let Some(tenant) = Tenants(self.0).find().await? else {
            return Ok(());
        };
        let (kind, key) = (kind(&matter), to[0].clone());
        let letter = Letter {
            establishment: tenant.display_name,
            to,
            language,
            addressee,
            matter,
            at: self.0.cx().now,
        };
        let unwritable = |error| StoreError::Inconsistent(format!("a letter: {error}"));
        let body = serde_json::to_vec(&letter).map_err(unwritable)?;
        Outbox(self.0).emit(&kind, &key, &body).await
    }

    /// Where the establishment wants to be told of something.
    pub async fn list_addresses(&mut self, topic: Topic) -> Result<Vec<String>, StoreError> {
        let sql =
            "SELECT address FROM idp_notification_mail WHERE {i.is}tenant = :tenant AND topic = ?1 ORDER BY place";
        let rows = self.0.query(sql, &[topic.word().into()]).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// Says where, and tells the addresses that alerts go to no more.
    pub async fn put_addresses(&mut self, topic: Topic, addresses: &[String]) -> Result<(), StoreError> {
        seen(self.0, Subject::Organization).await?;
        let mut gone = self.list_addresses(topic).await?;
        gone.retain(|one| !addresses.contains(one));
        let sql = "DELETE FROM idp_notification_mail WHERE {i.is}tenant = :tenant AND topic = ?1";
        self.0.execute(sql, &[topic.word().into()]).await?;
        for (place, address) in (0_u32..).zip(addresses) {
            let sql = "INSERT INTO idp_notification_mail ({i.col}tenant, topic, address, place)
                       VALUES ({i.val}:tenant, ?1, ?2, ?3) ON CONFLICT DO NOTHING";
            let values = [topic.word().into(), address.into(), place.into()];
            self.0.execute(sql, &values).await?;
        }
        if topic != Topic::Security {
            return Ok(());
        }
        let by = self.0.cx().principal.as_ref().map(|principal| principal.subject);
        let by = match by {
            Some(by) => Users(self.0).find(by).await?.map(|user| user.user_principal_name),
            None => None,
        };
        for address in gone {
            let matter = Matter::AlertsEnd { by: by.clone() };
            if self.is_awaited(&matter).await? {
                self.send(vec![address], (None, None), matter).await?;
            }
        }
        Ok(())
    }
}

/// Where a person is written to.
pub fn address_of(user: &User) -> Option<&str> {
    let address = user.mail.as_ref().or(user.profile.other_mails.first());
    address.map(String::as_str)
}

fn kind(matter: &Matter) -> String {
    format!("{LETTERS}{}", matter.as_str())
}
