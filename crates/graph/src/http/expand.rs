//! `$expand`: what an entity leads to, shown with it. As in Graph the first twenty of each.
//! <https://learn.microsoft.com/graph/query-parameters#expand-parameter>

use hygie_core::{GroupId, ObjectId};
use hygie_directory::{Cursor, DirectoryObject, Membership};
use serde_json::{Map, Value};

use super::caller::Caller;
use super::groups;
use super::users::typed;
use crate::entity::{GROUP, SERVICE_PRINCIPAL, USER, shown};
use crate::{Graph, GraphFault};
use hygie_odata::{EntityType, Expand, QueryError};

/// What is shown of each.
const FIRST: usize = 20;
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
            caller.need(groups::READ)?;
            let select = expand.select.as_deref().map(selected).transpose()?;
            let found = self.led_to(caller, expand.navigation, id).await?;
            let items = found.iter().take(FIRST).map(|object| {
                let (_, members) = typed(object);
                Value::Object(shown(members, select.as_deref()))
            });
            members.insert(expand.navigation.to_owned(), items.collect());
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
