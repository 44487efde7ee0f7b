//! Who may see means of identification; who may change them is in `authority`. One's own means are changed on the page of
//! the login host, after a new proof.

use hygie_core::ObjectId;

use super::super::authority::READ_METHODS;
use super::super::caller::Caller;
use crate::{Graph, GraphFault};

const READ_POLICY: &[&str] = &["Policy.Read.All", "Policy.ReadWrite.AuthenticationMethod"];
const READ_OWN: &[&str] = &["UserAuthenticationMethod.Read", "UserAuthenticationMethod.ReadWrite"];

/// Whether the caller sees the policy.
pub async fn read_policy(graph: &Graph, caller: &Caller) -> Result<(), GraphFault> {
    caller.may_read_policies(graph, READ_POLICY).await
}

/// Whether the caller sees the means of a person.
pub async fn read_methods(graph: &Graph, caller: &Caller, of: Option<ObjectId>) -> Result<(), GraphFault> {
    let is_own = of.is_some() && caller.person() == of;
    if is_own && caller.has(READ_OWN) {
        return Ok(());
    }
    caller.may(graph, &READ_METHODS).await
}
