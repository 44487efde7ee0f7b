//! `$expand`: what an entity leads to, shown with it. As in Graph the first twenty of each.
//! <https://learn.microsoft.com/graph/query-parameters#expand-parameter>

use hygie_core::{GroupId, ObjectId};
use hygie_directory::{Cursor, DirectoryObject, Membership, directory_role};
use serde_json::{Map, Value};

use super::caller::Caller;
use super::list::Item;
use super::relations::owned_item;
use super::users::{ACTIVITY, typed_for};
use super::{applications, directory_roles, groups, users};
use crate::entity::{
    APPLICATION, DIRECTORY_ROLE, GROUP, ROLE_DEFINITION, SERVICE_PRINCIPAL, USER, role_definition, role_id, shown,
};
use crate::{Graph, GraphFault};
use hygie_odata::{EntityType, Expand, QueryError};

/// What is shown of each.
const FIRST: usize = 20;
/// Those that lead to a single object.
const MANAGER: &str = "manager";
const PRINCIPAL: &str = "principal";
const DEFINITION: &str = "roleDefinition";
/// The one that its entity always brings with it.
const CONFIGURATIONS: &str = "combinationConfigurations";
/// What an expansion can lead to.
const TYPES: &[&EntityType] = &[
    &USER,
    &GROUP,
    &SERVICE_PRINCIPAL,
    &APPLICATION,
    &DIRECTORY_ROLE,
    &ROLE_DEFINITION,
];

impl Graph {
    /// The members that the expansions add to the entity with this id.
    pub(super) async fn expanded(
        &self,
        caller: &Caller,
        expansions: &[Expand],
        id: ObjectId,
    ) -> Result<Map<String, Value>, GraphFault> {
        let mut members = Map::new();
        for expand in expansions {
            if expand.navigation == CONFIGURATIONS {
                if expand.select.is_some() {
                    return Err(QueryError::Option("$select of combinationConfigurations".to_owned()).into());
                }
                continue;
            }
            caller.need(match expand.navigation {
                MANAGER | "directReports" => users::ALL,
                // Of an application whoever sees it sees who owns it; of what is owned the kinds that they may read.
                "ownedObjects" | "owners" if caller.has(applications::READ) => applications::READ,
                PRINCIPAL | DEFINITION => directory_roles::READ,
                _ => groups::READ,
            })?;
            let select = expand.select.as_deref().map(selected).transpose()?;
            let found = self.led_to(caller, expand.navigation, id).await?;
            let items = found.into_iter().take(FIRST);
            let shown: Vec<Value> = items
                .map(|(_, members)| Value::Object(shown(members, select.as_deref())))
                .collect();
            let value = match expand.navigation {
                // There is one, or none: then the member is left out, as in Graph.
                MANAGER | PRINCIPAL | DEFINITION => match shown.into_iter().next() {
                    Some(one) => one,
                    None => continue,
                },
                _ => shown.into(),
            };
            members.insert(expand.navigation.to_owned(), value);
        }
        Ok(members)
    }

    async fn led_to(&self, caller: &Caller, navigation: &str, id: ObjectId) -> Result<Vec<Item>, GraphFault> {
        let (directory, cx) = (self.directory(), &caller.cx);
        let at = Cursor {
            after: None,
            limit: FIRST as u32,
        };
        let groups = |groups: Vec<_>| groups.into_iter().map(DirectoryObject::Group).collect();
        let found = match navigation {
            "members" => directory.page_members(cx, GroupId::from_uuid(id.uuid()), at).await?,
            MANAGER => {
                let found = directory.manager_of(cx, id).await?;
                found.into_iter().map(DirectoryObject::User).collect()
            }
            PRINCIPAL | DEFINITION => return self.of_assignment(caller, navigation, id).await,
            "directReports" => directory.page_reports(cx, id, at).await?,
            "transitiveMembers" => {
                directory
                    .page_transitive_members(cx, GroupId::from_uuid(id.uuid()), at)
                    .await?
            }
            "ownedObjects" => {
                let page = directory.page_owned(cx, id, at).await?;
                return Ok(page.iter().map(|one| owned_item(caller, one)).collect());
            }
            "owners" => directory.page_owners(cx, id, at).await?,
            "memberOf" => groups(directory.groups_of(cx, id, Membership::Direct).await?),
            _ => groups(directory.groups_of(cx, id, Membership::Transitive).await?),
        };
        Ok(found.iter().map(|one| typed_for(caller, one)).collect())
    }

    /// Who has the role of an assignment, or the role.
    async fn of_assignment(&self, caller: &Caller, navigation: &str, id: ObjectId) -> Result<Vec<Item>, GraphFault> {
        let (directory, cx) = (self.directory(), &caller.cx);
        let Some(found) = directory.find_role_assignment(cx, id).await? else {
            return Ok(Vec::new());
        };
        if navigation == DEFINITION {
            let role = directory_role(found.role);
            return Ok(role
                .map(|role| (role_id(role), role_definition(role)))
                .into_iter()
                .collect());
        }
        let principal = directory.find_object(cx, found.principal).await?;
        Ok(principal.iter().map(|one| typed_for(caller, one)).collect())
    }
}

/// The names that are shown of what an expansion leads to, whichever type has them.
pub(super) fn selected(names: &[String]) -> Result<Vec<&'static str>, GraphFault> {
    let mut all = vec!["@odata.type"];
    for name in names {
        let known = TYPES.iter().find_map(|entity| entity.find(name));
        // It is of the logs, and not shown with somebody else.
        let known = known.filter(|known| known.name != ACTIVITY);
        let unknown = || QueryError::Unknown {
            name: name.clone(),
            entity: "directoryObject",
        };
        all.push(known.ok_or_else(unknown)?.name);
    }
    Ok(all)
}
