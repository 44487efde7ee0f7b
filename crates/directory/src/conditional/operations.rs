//! Making, changing and removing what conditional access decides by. Each is one transaction with its record, and is checked
//! within it against what is there: of two that would go over a limit together one is refused.

use std::sync::Arc;

use hygie_core::Cx;
use hygie_policy::ReadError;
use hygie_store::Tx;
use hygie_store::audit::Record;
use serde_json::Value;

use super::guard::refuse_lock_out;
use super::kept::Kept;
use super::references::{refuse_missing, refuse_missing_rules};
use super::{AccessRules, ConditionalError, deleted};
use crate::Directory;
use crate::repo::{DocumentRow, Documents, PolicyTargets};

/// What becomes of an object: a function of it, for the transaction may run again.
pub(super) type Edit<T> = Arc<dyn Fn(&T) -> Result<T, ConditionalError> + Send + Sync>;

/// Whether what is there is what a change was made from, asked in the transaction of the change.
pub type Unchanged<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

/// What is done.
enum Change<T> {
    Create(T),
    Edit(String, Edit<T>),
    /// The first with this id.
    Put(T, Value),
    Remove(String, Option<Unchanged<T>>),
    /// What was removed, as it was.
    Restore(String),
}

impl<T: Kept> Change<T> {
    fn key(&self) -> String {
        match self {
            Self::Create(new) | Self::Put(new, _) => new.key().unwrap_or_default(),
            Self::Edit(key, _) | Self::Remove(key, _) | Self::Restore(key) => key.clone(),
        }
    }

    const fn verb(&self) -> &'static str {
        match self {
            Self::Create(_) => "idp.conditional.create",
            Self::Edit(..) => "idp.conditional.update",
            Self::Put(..) => "idp.conditional.put",
            Self::Remove(..) => "idp.conditional.delete",
            Self::Restore(_) => "idp.conditional.restore",
        }
    }
}

/// It before, and after: neither where it was not there or is no more.
type Both<T> = (Option<T>, Option<T>);

impl Directory {
    /// Makes a policy, a location, a strength or a context, and tells it as it is kept.
    pub async fn create_rule<T: Kept>(&self, cx: &Cx, new: T) -> Result<T, ConditionalError> {
        let new = new.made(cx)?;
        new.check()?;
        self.change_rule(cx, Change::Create(new.clone())).await?;
        Ok(new)
    }

    /// Changes one in part.
    pub async fn update_rule<T: Kept>(&self, cx: &Cx, key: &str, change: Value) -> Result<T, ConditionalError> {
        let edit = move |before: &T| before.patched(&change).map_err(ReadError::into);
        let (_, after) = self.edit_rule(cx, key, Arc::new(edit)).await?;
        Ok(after)
    }

    /// Changes one in part that is still what the change was made from.
    pub async fn update_unchanged_rule<T: Kept>(
        &self,
        cx: &Cx,
        key: &str,
        change: Value,
        is_same: Unchanged<T>,
    ) -> Result<T, ConditionalError> {
        let edit = move |before: &T| {
            refuse_changed(before, Some(&is_same))?;
            before.patched(&change).map_err(ReadError::into)
        };
        let (_, after) = self.edit_rule(cx, key, Arc::new(edit)).await?;
        Ok(after)
    }

    /// Changes the one with the id of `new` in part, or makes it.
    pub async fn put_rule<T: Kept>(&self, cx: &Cx, new: T, change: Value) -> Result<(), ConditionalError> {
        let new = new.made(cx)?;
        new.check()?;
        self.change_rule(cx, Change::Put(new, change)).await.map(drop)
    }

    /// Removes one that nothing uses.
    pub async fn delete_rule<T: Kept>(&self, cx: &Cx, key: &str) -> Result<(), ConditionalError> {
        self.remove_rule::<T>(cx, key, None).await
    }

    /// The same of one that is still what the caller saw of it.
    pub async fn delete_unchanged_rule<T: Kept>(
        &self,
        cx: &Cx,
        key: &str,
        is_same: Unchanged<T>,
    ) -> Result<(), ConditionalError> {
        self.remove_rule(cx, key, Some(is_same)).await
    }

    async fn remove_rule<T: Kept>(
        &self,
        cx: &Cx,
        key: &str,
        is_same: Option<Unchanged<T>>,
    ) -> Result<(), ConditionalError> {
        if T::is_built_in(key) {
            return Err(ConditionalError::BuiltIn);
        }
        self.change_rule(cx, Change::<T>::Remove(key.to_owned(), is_same))
            .await
            .map(drop)
    }

    /// Brings one back that was removed, as it was: it must still be one that may be kept.
    pub async fn restore_rule<T: Kept>(&self, cx: &Cx, key: &str) -> Result<T, ConditionalError> {
        let (_, after) = self.change_rule(cx, Change::Restore(key.to_owned())).await?;
        after.ok_or_else(|| ConditionalError::NotFound(key.to_owned()))
    }

    /// Changes one by a function; tells it before and after.
    pub(super) async fn edit_rule<T: Kept>(
        &self,
        cx: &Cx,
        key: &str,
        edit: Edit<T>,
    ) -> Result<(T, T), ConditionalError> {
        if T::is_built_in(key) {
            return Err(ConditionalError::BuiltIn);
        }
        let both = self.change_rule(cx, Change::Edit(key.to_owned(), edit)).await?;
        match both {
            (Some(before), Some(after)) => Ok((before, after)),
            _ => Err(ConditionalError::NotFound(key.to_owned())),
        }
    }

    async fn change_rule<T: Kept>(&self, cx: &Cx, change: Change<T>) -> Result<Both<T>, ConditionalError> {
        let record = Record::success(cx, change.verb(), format!("{}/{}", T::KIND, change.key()));
        let has_countries = self.knows_countries();
        self.change(
            cx,
            (change, record, has_countries),
            |(change, record, has_countries), tx| {
                Box::pin(async move {
                    let mut rules = AccessRules::load(tx).await?;
                    rules.has_countries = *has_countries;
                    let both = applied(change, &rules, tx).await?;
                    if let (_, Some(after)) = &both {
                        Documents(tx).put(&row(after)).await?;
                    } else {
                        Documents(tx).remove(T::KIND, &change.key()).await?;
                        taken_away(&change.key(), tx).await?;
                    }
                    if let (Some(removed), None) = &both {
                        deleted::keep(removed, tx).await?;
                    }
                    let after = AccessRules::load(tx).await?;
                    refuse_lock_out(&rules, &after, tx).await?;
                    tx.audit(record).await?;
                    Ok(both)
                })
            },
        )
        .await
    }
}

/// What a change makes of what is there, checked against the rest.
async fn applied<T: Kept>(
    change: &Change<T>,
    rules: &AccessRules,
    tx: &mut Tx<'_>,
) -> Result<Both<T>, ConditionalError> {
    let key = change.key();
    let before = T::find(rules, &key).cloned();
    let missing = || ConditionalError::NotFound(key.clone());
    let mut after = match (change, &before) {
        (Change::Create(_) | Change::Restore(_), Some(_)) => return Err(ConditionalError::Exists),
        (Change::Create(new) | Change::Put(new, _), None) => {
            refuse_more::<T>(rules)?;
            new.clone()
        }
        (Change::Restore(_), None) => return restored(&key, rules, tx).await,
        (Change::Edit(_, edit), Some(before)) => edit(before)?,
        (Change::Put(_, change), Some(before)) => before.patched(change)?,
        (Change::Remove(_, is_same), Some(before)) => {
            refuse_changed(before, is_same.as_ref())?;
            before.release(rules)?;
            return Ok((Some(before.clone()), None));
        }
        (Change::Edit(..) | Change::Remove(..), None) => return Err(missing()),
    };
    if before.is_some() {
        after.touched(tx.cx().now);
        after.check()?;
    }
    after.admit(before.as_ref(), rules)?;
    refuse_missing(&after, before.as_ref(), rules, tx).await?;
    Ok((before, Some(after)))
}

/// From whatever was given a policy that is removed.
async fn taken_away(key: &str, tx: &mut Tx<'_>) -> Result<(), ConditionalError> {
    match key.parse::<uuid::Uuid>() {
        Ok(policy) => Ok(PolicyTargets(tx).remove_policy(policy).await?),
        Err(_) => Ok(()),
    }
}

/// What was removed, taken from there, where it may be kept again.
async fn restored<T: Kept>(key: &str, rules: &AccessRules, tx: &mut Tx<'_>) -> Result<Both<T>, ConditionalError> {
    refuse_more::<T>(rules)?;
    let mut after: T = deleted::take(key, tx).await?;
    after.touched(tx.cx().now);
    after.check()?;
    after.admit(None, rules)?;
    refuse_missing_rules(&after, rules, tx).await?;
    Ok((None, Some(after)))
}

fn refuse_changed<T: Kept>(before: &T, is_same: Option<&Unchanged<T>>) -> Result<(), ConditionalError> {
    match is_same {
        Some(is_same) if !is_same(before) => Err(ConditionalError::Changed),
        _ => Ok(()),
    }
}

fn refuse_more<T: Kept>(rules: &AccessRules) -> Result<(), ConditionalError> {
    let (what, most) = T::MOST;
    if T::list(rules).len() >= most {
        return Err(ConditionalError::TooMany { what, most });
    }
    Ok(())
}

fn row<T: Kept>(kept: &T) -> DocumentRow {
    DocumentRow {
        kind: T::KIND.to_owned(),
        id: kept.key().unwrap_or_default(),
        document: kept.write().to_string(),
    }
}
