//! Risk of people, of service principals and of sign-ins: told by administrators and by detectors, remedied by the people themselves.
//! <https://learn.microsoft.com/graph/api/resources/riskyuser>
//!
//! Nothing here measures it. What is told counts at the next question to policies: at each issuance of a token.

use std::collections::{BTreeSet, HashMap};

use hygie_core::{Cx, ObjectId};
use hygie_policy::check::Broken;
use hygie_policy::policy::RiskLevel;
use hygie_policy::risk::{SuppliedRisk, UserRisk};
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};

use crate::admin::new_uuid;
use crate::logs::new_id;
use crate::repo::{AtRisk, Principals, RiskEvent, RiskEvents, Risks, Users};
use crate::{ConditionalError, Cursor, Directory};

/// People of one request, as in Graph.
pub const MAX_RISKY: usize = 60;
/// People that one statement looks for.
const CHUNK: usize = 500;
/// Risks of sign-ins that a tenant may have at once.
pub const MAX_SUPPLIED: usize = 1_000;

/// People and ranges of all of them: every sign-in asks about them.
pub const MAX_SUPPLIED_ITEMS: usize = 10_000;

/// A risk that was told of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    /// As it was told.
    pub event: RiskEvent,
    /// What ended the risk of the person since, first.
    pub end: Option<UserRisk>,
}

/// What is said of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RiskSaid {
    /// Somebody else has the account.
    Compromised,
    /// Nothing is wrong.
    Dismissed,
    /// The account is its owner's.
    Safe,
    /// So much, by a detector.
    Reported(RiskLevel),
}

impl RiskSaid {
    fn record(self, cx: &Cx, (kind, id): (AtRisk, ObjectId)) -> Record {
        let (object, action) = match (kind, self) {
            (AtRisk::User, Self::Compromised) => ("user", "idp.risk.compromise"),
            (AtRisk::User, Self::Dismissed) => ("user", "idp.risk.dismiss"),
            (AtRisk::User, Self::Safe) => ("user", "idp.risk.safe"),
            (AtRisk::User, Self::Reported(_)) => ("user", "idp.risk.report"),
            (AtRisk::ServicePrincipal, Self::Compromised) => ("principal", "idp.principal_risk.compromise"),
            (AtRisk::ServicePrincipal, Self::Dismissed | Self::Safe) => ("principal", "idp.principal_risk.dismiss"),
            (AtRisk::ServicePrincipal, Self::Reported(_)) => ("principal", "idp.principal_risk.report"),
        };
        Record::success(cx, action, format!("{object}/{id}"))
    }

    /// What was seen, where risk is told.
    const fn event(self, kind: AtRisk) -> Option<&'static str> {
        match (self, kind) {
            (Self::Compromised, AtRisk::User) => Some("adminConfirmedUserCompromised"),
            (Self::Compromised, AtRisk::ServicePrincipal) => Some("adminConfirmedServicePrincipalCompromised"),
            (Self::Reported(_), _) => Some("generic"),
            (Self::Dismissed | Self::Safe, _) => None,
        }
    }

    fn becomes(self, kind: AtRisk, before: Option<UserRisk>, cx: &Cx) -> UserRisk {
        let risk = match self {
            Self::Compromised => UserRisk::compromised(cx.now),
            Self::Dismissed => UserRisk::dismissed(cx.now),
            Self::Safe => UserRisk::safe(cx.now),
            Self::Reported(level) => UserRisk::reported(before, level, cx.now),
        };
        match kind {
            AtRisk::User => risk,
            AtRisk::ServicePrincipal => risk.of_principal(),
        }
    }
}

impl Directory {
    /// How it stands with somebody of whom anything was ever told.
    pub async fn user_risk(&self, cx: &Cx, user: ObjectId) -> Result<Option<UserRisk>, StoreError> {
        self.find_risk(cx, AtRisk::User, user).await
    }

    /// How it stands with a service principal of which anything was ever told.
    pub async fn principal_risk(&self, cx: &Cx, principal: ObjectId) -> Result<Option<UserRisk>, StoreError> {
        self.find_risk(cx, AtRisk::ServicePrincipal, principal).await
    }

    async fn find_risk(&self, cx: &Cx, kind: AtRisk, id: ObjectId) -> Result<Option<UserRisk>, StoreError> {
        self.store()
            .read(cx, (kind, id), |(kind, id), tx| {
                Box::pin(async move { Risks(tx).find(*kind, *id).await })
            })
            .await
    }

    /// Those of this kind of whom anything was ever told.
    pub async fn page_risks(&self, cx: &Cx, kind: AtRisk, at: Cursor) -> Result<Vec<(ObjectId, UserRisk)>, StoreError> {
        self.store()
            .read(cx, (kind, at), |(kind, at), tx| {
                Box::pin(async move { Risks(tx).list(*kind, at.after, at.limit).await })
            })
            .await
    }

    /// What was told of somebody, the first first: the last hundred.
    pub async fn risk_history(&self, cx: &Cx, kind: AtRisk, id: ObjectId) -> Result<Vec<RiskEvent>, StoreError> {
        self.store()
            .read(cx, (kind, id), |(kind, id), tx| {
                Box::pin(async move { RiskEvents(tx, *kind).list_of(*id).await })
            })
            .await
    }

    /// A page of the risks that were told of this kind.
    pub async fn page_risk_detections(&self, cx: &Cx, kind: AtRisk, at: Cursor) -> Result<Vec<Detection>, StoreError> {
        self.store()
            .read(cx, (kind, at), |(kind, at), tx| {
                Box::pin(async move {
                    let found = RiskEvents(tx, *kind).page_detections(at.after, at.limit).await?;
                    detections(tx, *kind, found).await
                })
            })
            .await
    }

    /// The risk that was told with this id.
    pub async fn find_risk_detection(
        &self,
        cx: &Cx,
        kind: AtRisk,
        id: ObjectId,
    ) -> Result<Option<Detection>, StoreError> {
        self.store()
            .read(cx, (kind, id), |(kind, id), tx| {
                Box::pin(async move {
                    let found = RiskEvents(tx, *kind).find(*id).await?;
                    let found = found.filter(|event| event.event.is_some());
                    Ok::<_, StoreError>(detections(tx, *kind, found.into_iter().collect()).await?.pop())
                })
            })
            .await
    }

    /// Says how it stands with people, all or none.
    pub async fn say_risk(&self, cx: &Cx, users: Vec<ObjectId>, said: RiskSaid) -> Result<(), ConditionalError> {
        self.say(cx, (AtRisk::User, users), said).await
    }

    /// Says how it stands with service principals, all or none.
    pub async fn say_principal_risk(
        &self,
        cx: &Cx,
        principals: Vec<ObjectId>,
        said: RiskSaid,
    ) -> Result<(), ConditionalError> {
        self.say(cx, (AtRisk::ServicePrincipal, principals), said).await
    }

    async fn say(&self, cx: &Cx, (kind, ids): (AtRisk, Vec<ObjectId>), said: RiskSaid) -> Result<(), ConditionalError> {
        if ids.is_empty() {
            return Err(Broken::Empty(member(kind)).into());
        }
        if ids.len() > MAX_RISKY {
            return Err(Broken::TooMany(member(kind), MAX_RISKY).into());
        }
        if matches!(said, RiskSaid::Reported(level) if !hygie_policy::risk::is_risk(level)) {
            return Err(Broken::RiskLevel.into());
        }
        self.change(cx, (kind, ids, said), |(kind, ids, said), tx| {
            Box::pin(async move {
                for id in ids {
                    must_be_there(tx, (*kind, *id)).await?;
                    let before = Risks(tx).find(*kind, *id).await?;
                    let after = said.becomes(*kind, before, tx.cx());
                    if before != Some(after) {
                        Risks(tx).put(*kind, *id, &after).await?;
                    }
                    note(tx, (*kind, *id), (*said, after)).await?;
                    let record = said.record(tx.cx(), (*kind, *id));
                    tx.audit(&record).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Notes that somebody took the risk of their account away: after a proof of more than a password, by another password.
    pub async fn remediate_risk(&self, cx: &Cx, user: ObjectId) -> Result<(), StoreError> {
        self.change(cx, user, |user, tx| {
            Box::pin(async move {
                let before = Risks(tx).find(AtRisk::User, *user).await?;
                if !before.is_some_and(|risk| risk.is_there()) {
                    return Ok(());
                }
                let now = tx.cx().now;
                let after = UserRisk::remediated(now);
                Risks(tx).put(AtRisk::User, *user, &after).await?;
                let event = RiskEvent {
                    told_by: Some(*user),
                    ..event(tx.cx(), *user, after)
                };
                RiskEvents(tx, AtRisk::User).insert(&event).await?;
                let record = Record::success(tx.cx(), "idp.risk.remediate", format!("user/{user}"));
                tx.audit(&record).await
            })
        })
        .await
    }

    /// The risks of sign-ins that were supplied and have not ended.
    pub async fn list_supplied_risks(&self, cx: &Cx) -> Result<Vec<(ObjectId, SuppliedRisk)>, StoreError> {
        self.store()
            .read(cx, (), |(), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    Risks(tx).list_supplied(now).await
                })
            })
            .await
    }

    /// Keeps a risk of sign-ins, and tells it as it is kept.
    pub async fn supply_risk(&self, cx: &Cx, new: SuppliedRisk) -> Result<(ObjectId, SuppliedRisk), ConditionalError> {
        for (name, is_given) in [("id", new.id.is_some()), ("createdDateTime", new.created_at.is_some())] {
            if is_given {
                use hygie_policy::json::{At, Wrong};
                return Err(At::Member(&At::Root, name).refuse(Wrong::ReadOnly).into());
            }
        }
        new.check(cx.now)?;
        let id = ObjectId::from_uuid(new_uuid(cx));
        let kept = SuppliedRisk {
            id: Some(id.to_string()),
            created_at: Some(cx.now),
            ..new
        };
        let record = Record::success(cx, "idp.risk.supply", format!("risk/{id}"));
        self.change(cx, (id, kept.clone(), record), |(id, kept, record), tx| {
            Box::pin(async move {
                let now = tx.cx().now;
                let all = Risks(tx).list_supplied(now).await?;
                if all.len() >= MAX_SUPPLIED {
                    return Err(ConditionalError::TooMany {
                        what: "supplied risks",
                        most: MAX_SUPPLIED,
                    });
                }
                let items: usize = all.iter().map(|(_, risk)| risk).chain([kept]).map(items).sum();
                if items > MAX_SUPPLIED_ITEMS {
                    return Err(ConditionalError::TooMany {
                        what: "people and ranges in supplied risks",
                        most: MAX_SUPPLIED_ITEMS,
                    });
                }
                for user in &kept.users {
                    must_be_there(tx, (AtRisk::User, *user)).await?;
                }
                Risks(tx).insert_supplied(*id, kept).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        Ok((id, kept))
    }

    /// Takes a risk of sign-ins back.
    pub async fn withdraw_risk(&self, cx: &Cx, id: ObjectId) -> Result<(), ConditionalError> {
        let record = Record::success(cx, "idp.risk.withdraw", format!("risk/{id}"));
        self.change(cx, (id, record), |(id, record), tx| {
            Box::pin(async move {
                if !Risks(tx).remove_supplied(*id).await? {
                    return Err(ConditionalError::NotFound(id.to_string()));
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }
}

/// Each with what ended it.
async fn detections(tx: &mut Tx<'_>, kind: AtRisk, events: Vec<RiskEvent>) -> Result<Vec<Detection>, StoreError> {
    let people: BTreeSet<ObjectId> = events.iter().map(|event| event.user).collect();
    let people: Vec<ObjectId> = people.into_iter().collect();
    let mut ends: HashMap<ObjectId, Vec<RiskEvent>> = HashMap::new();
    for some in people.chunks(CHUNK) {
        for end in RiskEvents(tx, kind).list_ends(some).await? {
            ends.entry(end.user).or_default().push(end);
        }
    }
    let ended = |event: RiskEvent| {
        let mut later = ends.get(&event.user).into_iter().flatten();
        let end = later.find(|end| end.id > event.id).map(|end| end.risk);
        Detection { event, end }
    };
    Ok(events.into_iter().map(ended).collect())
}

/// Notes what was told of somebody. A report tells its own level, also where it lowers nothing.
async fn note(tx: &mut Tx<'_>, of: (AtRisk, ObjectId), (said, after): (RiskSaid, UserRisk)) -> Result<(), StoreError> {
    let risk = match said {
        RiskSaid::Reported(level) => UserRisk::reported(None, level, tx.cx().now),
        _ => after,
    };
    let event = RiskEvent {
        event: said.event(of.0).map(str::to_owned),
        ..event(tx.cx(), of.1, risk)
    };
    RiskEvents(tx, of.0).insert(&event).await
}

fn event(cx: &Cx, user: ObjectId, risk: UserRisk) -> RiskEvent {
    RiskEvent {
        id: ObjectId::from_uuid(new_id(cx)),
        user,
        risk,
        event: None,
        told_by: cx.principal.as_ref().map(|principal| principal.subject),
    }
}

/// How many people and ranges it names.
fn items(risk: &SuppliedRisk) -> usize {
    risk.users.len() + risk.ranges.len()
}

/// The member that names them.
const fn member(kind: AtRisk) -> &'static str {
    match kind {
        AtRisk::User => "userIds",
        AtRisk::ServicePrincipal => "servicePrincipalIds",
    }
}

async fn must_be_there(tx: &mut Tx<'_>, (kind, id): (AtRisk, ObjectId)) -> Result<(), ConditionalError> {
    let is_there = match kind {
        AtRisk::User => Users(tx).find(id).await?.is_some(),
        AtRisk::ServicePrincipal => Principals(tx).find(id).await?.is_some(),
    };
    if is_there {
        return Ok(());
    }
    Err(ConditionalError::Missing {
        at: member(kind),
        id: id.to_string(),
    })
}
