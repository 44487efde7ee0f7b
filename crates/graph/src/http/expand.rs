//! `$expand`: what an entity leads to, shown with it. As in Graph the first twenty of each.
//! <https://learn.microsoft.com/graph/query-parameters#expand-parameter>

use hygie_core::{GroupId, ObjectId};
use hygie_directory::{Cursor, DirectoryObject, Membership};
use serde_json::{Map, Value};

use super::caller::Caller;
use super::list::Item;
use super::relations::owned_item;
use super::users::{ACTIVITY, typed_for};
use super::{applications, groups, users};
use crate::entity::{APPLICATION, GROUP, SERVICE_PRINCIPAL, USER, shown};
use crate::{Graph, GraphFault};
use hygie_odata::{EntityType, Expand, QueryError};

/// What is shown of each.
const FIRST: usize = 20;
/// The one that leads to a single object.
const MANAGER: &str = "manager";
/// What members, owners, groups and what is owned can be.
const TYPES: &[&EntityType] = &[&USER, &GROUP, &SERVICE_PRINCIPAL, &APPLICATION];

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
            caller.need(match expand.navigation {
                MANAGER | "directReports" => users::ALL,
                // Of an application whoever sees it sees who owns it; of what is owned the kinds that they may read.
                "ownedObjects" | "owners" if caller.has(applications::READ) => applications::READ,
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
                MANAGER => match shown.into_iter().next() {
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
}

/// The names that are shown of what an expansion leads to, whichever type has them.
fn selected(names: &[String]) -> Result<Vec<&'static str>, GraphFault> {
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
