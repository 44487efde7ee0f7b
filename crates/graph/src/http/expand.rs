//! `$expand`: what an entity leads to, shown with it. As in Graph the first twenty of each.
//! <https://learn.microsoft.com/graph/query-parameters#expand-parameter>

use hygie_core::{GroupId, ObjectId};
use hygie_directory::{Cursor, DirectoryObject, Membership, Owned};
use serde_json::{Map, Value};

use super::caller::Caller;
use super::users::typed;
use super::{applications, groups, users};
use crate::entity::{GROUP, SERVICE_PRINCIPAL, USER, shown};
use crate::{Graph, GraphFault};
use hygie_odata::{EntityType, Expand, QueryError};

/// What is shown of each.
const FIRST: usize = 20;
/// The one that leads to a single object.
const MANAGER: &str = "manager";
/// What members, owners and groups can be.
const TYPES: &[&EntityType] = &[&USER, &GROUP, &SERVICE_PRINCIPAL];

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
                "ownedObjects" => applications::READ,
                // Of an application whoever sees it sees who owns it.
                "owners" if caller.has(applications::READ) => applications::READ,
                _ => groups::READ,
            })?;
            let select = expand.select.as_deref().map(selected).transpose()?;
            let found = self.led_to(caller, expand.navigation, id).await?;
            let items = found.iter().take(FIRST).map(|object| {
                let (_, members) = typed(object);
                Value::Object(shown(members, select.as_deref()))
            });
            let shown: Vec<Value> = items.collect();
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

    async fn led_to(
        &self,
        caller: &Caller,
        navigation: &str,
        id: ObjectId,
    ) -> Result<Vec<DirectoryObject>, GraphFault> {
        let (directory, cx) = (self.directory(), &caller.cx);
        let at = Cursor {
            after: None,
            limit: FIRST as u32,
        };
        let groups = |groups: Vec<_>| groups.into_iter().map(DirectoryObject::Group).collect();
        Ok(match navigation {
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
                let object = |owned| match owned {
                    Owned::Object(object) => Some(object),
                    Owned::Application(_) => None,
                };
                page.into_iter().filter_map(object).collect()
            }
            "owners" => directory.page_owners(cx, id, at).await?,
            "memberOf" => groups(directory.groups_of(cx, id, Membership::Direct).await?),
            _ => groups(directory.groups_of(cx, id, Membership::Transitive).await?),
        })
    }
}

/// The names that are shown of what an expansion leads to, whichever type has them.
fn selected(names: &[String]) -> Result<Vec<&'static str>, GraphFault> {
    let mut all = vec!["@odata.type"];
    for name in names {
        let known = TYPES.iter().find_map(|entity| entity.find(name));
        let unknown = || QueryError::Unknown {
            name: name.clone(),
            entity: "directoryObject",
        };
        all.push(known.ok_or_else(unknown)?.name);
    }
    Ok(all)
}
