//! Who may see and change means of identification.
//!
//! What an application may change, it has a permission for. A person would need a role of the directory besides, in
//! Entra ID *Authentication Policy Administrator* and *Authentication Administrator*; until roles are looked at here, no
//! person changes anything by this API. One's own means are changed on the page of the login host, after a new proof.

use hygie_core::ObjectId;

use super::super::caller::Caller;
use crate::GraphFault;

const READ_POLICY: &[&str] = &["Policy.Read.All", "Policy.ReadWrite.AuthenticationMethod"];
const WRITE_POLICY: &[&str] = &["Policy.ReadWrite.AuthenticationMethod"];
const READ_METHODS: &[&str] = &[
    "UserAuthenticationMethod.Read.All",
    "UserAuthenticationMethod.ReadWrite.All",
];
const WRITE_METHODS: &[&str] = &["UserAuthenticationMethod.ReadWrite.All"];
const READ_OWN: &[&str] = &["UserAuthenticationMethod.Read", "UserAuthenticationMethod.ReadWrite"];

/// Whether the caller sees the policy.
pub fn read_policy(caller: &Caller) -> Result<(), GraphFault> {
    caller.need(READ_POLICY)
}

/// Whether the caller changes the policy.
pub fn write_policy(caller: &Caller) -> Result<(), GraphFault> {
    program(caller)?;
    caller.need(WRITE_POLICY)
}

/// Whether the caller sees the means of a person.
pub fn read_methods(caller: &Caller, of: Option<ObjectId>) -> Result<(), GraphFault> {
    let is_own = of.is_some() && caller.person() == of;
    if is_own && caller.has(READ_OWN) {
        return Ok(());
    }
    caller.need(READ_METHODS)
}

/// Whether the caller changes the means of somebody.
pub fn write_methods(caller: &Caller) -> Result<(), GraphFault> {
    program(caller)?;
    caller.need(WRITE_METHODS)
}

fn program(caller: &Caller) -> Result<(), GraphFault> {
    match caller.person() {
        None => Ok(()),
        Some(_) => Err(GraphFault::Denied),
    }
}
