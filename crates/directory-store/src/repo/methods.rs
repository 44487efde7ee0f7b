//! The authentication methods policy of a tenant, and which passkeys count as Windows Hello for Business there.

use hygie_core::Timestamp;
use hygie_policy::Aaguid;
use hygie_policy::methods::MethodsPolicy;
use hygie_store::{StoreError, Tx};
use serde_json::Value;

use crate::logs::{Subject, seen};

/// What a tenant says about means of identification.
#[derive(Clone, Debug)]
pub struct MethodsRow {
    /// The policy.
    pub policy: MethodsPolicy,
    /// The models.
    pub windows_hello: Vec<Aaguid>,
}

/// The policy of a tenant.
pub struct MethodsPolicies<'t, 'e>(pub &'t mut Tx<'e>);

impl MethodsPolicies<'_, '_> {
    /// That of the tenant; the one of a new tenant where none was written.
    pub async fn get(&mut self) -> Result<MethodsRow, StoreError> {
        let sql = "SELECT policy_json, windows_hello_json, modified_at FROM idp_methods WHERE {i.is}tenant = :tenant";
        let Some(mut row) = self.0.query_one(sql, &[]).await? else {
            return Ok(MethodsRow {
                policy: MethodsPolicy::initial(),
                windows_hello: Vec::new(),
            });
        };
        let (policy, hello): (String, String) = (row.take(0)?, row.take(1)?);
        let modified_at: Timestamp = row.take(2)?;
        let document: Value = super::json(&policy, "idp_methods.policy_json")?;
        let inconsistent = |column: &str| StoreError::Inconsistent(format!("{column} cannot be read"));
        let mut policy = MethodsPolicy::from_json(&document).map_err(|_| inconsistent("idp_methods.policy_json"))?;
        policy.modified_at = Some(modified_at);
        let texts: Vec<String> = super::json(&hello, "idp_methods.windows_hello_json")?;
        let models = texts.iter().map(|text| text.parse());
        let windows_hello = models
            .collect::<Result<_, _>>()
            .map_err(|_| inconsistent("idp_methods.windows_hello_json"))?;
        Ok(MethodsRow { policy, windows_hello })
    }

    /// Writes it.
    pub async fn set(&mut self, row: &MethodsRow, at: Timestamp) -> Result<(), StoreError> {
        seen(self.0, Subject::Methods).await?;
        let sql = "INSERT INTO idp_methods ({i.col}tenant, policy_json, windows_hello_json, modified_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3) ON CONFLICT ({i.col}tenant)
                   DO UPDATE SET policy_json = ?1, windows_hello_json = ?2, modified_at = ?3";
        let hello: Vec<Value> = row
            .windows_hello
            .iter()
            .map(|aaguid| aaguid.to_string().into())
            .collect();
        let values = [
            row.policy.to_json().to_string().into(),
            Value::Array(hello).to_string().into(),
            at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }
}
