//! The log of sign-ins.

use hygie_core::TenantId;
use hygie_store::{StoreError, Tx};

use super::{Activities, Logs, Users};
use crate::logs::Alert;
use crate::signin::SignInEntry;

/// The log of a tenant.
pub struct SignIns<'t, 'e>(pub &'t mut Tx<'e>);

impl SignIns<'_, '_> {
    /// Writes an entry, with the tenants that it is between, and the alert that it is.
    pub async fn insert(&mut self, entry: &SignInEntry) -> Result<(), StoreError> {
        let (here, mut entry) = (self.0.cx().tenant, entry.clone());
        // Who has no account is of no tenant that is known: a professional whose token is exchanged.
        let person = Users(self.0).find(entry.user).await?;
        entry.signals.tenant = Some(here);
        entry.signals.home = person.map(|person| person.profile.home.map_or(here, |home| home.tenant));
        let entry = &entry;
        Logs(self.0).insert(entry).await?;
        Activities(self.0).note(entry).await?;
        match Alert::of_sign_in(self.0.cx(), entry) {
            Some(alert) => Logs(self.0).alert(&alert).await,
            None => Ok(()),
        }
    }
}

/// What the table of a former release holds still.
pub struct MovedSignIns<'t, 'e>(pub &'t mut Tx<'e>);

impl MovedSignIns<'_, '_> {
    /// The tenants that have entries there.
    pub async fn list_tenants(&mut self) -> Result<Vec<TenantId>, StoreError> {
        let sql = "SELECT DISTINCT tenant FROM idp_sign_in WHERE {i.is}1 = 1";
        let rows = self.0.query(sql, &[]).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// Moves some; false when there are no more.
    pub async fn some(&mut self) -> Result<bool, StoreError> {
        let sql = "SELECT id, entry_json FROM idp_sign_in WHERE {i.is}tenant = :tenant ORDER BY id LIMIT 100";
        let rows = self.0.query(sql, &[]).await?;
        let is_some = !rows.is_empty();
        for mut row in rows {
            let id: Vec<u8> = row.take(0)?;
            let entry: SignInEntry = super::json(&row.take::<String>(1)?, "idp_sign_in.entry_json")?;
            Logs(self.0).insert(&entry).await?;
            let sql = "DELETE FROM idp_sign_in WHERE {i.is}tenant = :tenant AND id = ?1";
            self.0.execute(sql, &[id.into()]).await?;
        }
        Ok(is_some)
    }
}
