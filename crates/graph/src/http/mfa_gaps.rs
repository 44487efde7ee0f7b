//! `/reports/multiFactorGaps` [ours]: sign-ins that succeeded with one factor, by application, person, platform, location and
//! day, as the workbook of that name tells them.
//! <https://learn.microsoft.com/entra/identity/monitoring-health/workbook-mfa-gaps>
//!
//! Which sign-ins says `$filter`, as at `/auditLogs/signIns`; `$top` is how many members of each kind are told, those with the
//! most gaps first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use hygie_core::Cx;
use hygie_directory::SignInEntry;
use hygie_directory::logs::{GapGroup, GapReport, LogEntry, LogQuery};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Value, json};

use super::authority::READ_LOGS;
use super::caller::Caller;
use super::conditional::object;
use super::logs::way;
use crate::entity::SIGN_IN;
use crate::{Graph, GraphFault};
use hygie_odata::{Query, QueryError};

/// Entries that are read at once, and looked at.
const CHUNK: u32 = 500;
const MAX_LOOKED: usize = 100_000;

pub async fn get(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.may(&graph, &READ_LOGS).await?;
    let is_other = |name: &str| {
        let name = name.trim_start_matches('$').to_ascii_lowercase();
        !matches!(&*name, "filter" | "top")
    };
    if let Some((name, _)) = caller.options.iter().find(|(name, _)| is_other(name)) {
        return Err(GraphFault::from(QueryError::Option(name.clone())).into());
    }
    let query = caller.query_of_log(&SIGN_IN)?;
    let (report, is_truncated) = graph.gaps(&caller.cx, &query).await?;
    let top = query.top as usize;
    let members = json!({
        "signIns": report.all.sign_ins, "singleFactor": report.all.single_factor, "isTruncated": is_truncated,
        "byApplication": told(&report.applications, top), "byUser": told(&report.users, top),
        "byPlatform": told(&report.platforms, top), "byLocation": told(&report.locations, top),
        "byDay": told(&report.days, top),
    });
    let note = Note::new("graph.read", "reports/multiFactorGaps".to_owned());
    Ok(graph.told("hygie.multiFactorGaps", object(members), note))
}

impl Graph {
    /// The report, and whether there are more sign-ins than it looked at.
    async fn gaps(&self, cx: &Cx, query: &Query) -> Result<(GapReport, bool), GraphFault> {
        let rules = self.directory().read_access_rules(cx).await?;
        let mut report = GapReport::default();
        let mut way = LogQuery {
            limit: CHUNK,
            ..way::<SignInEntry>(query)
        };
        for _ in 0..MAX_LOOKED / CHUNK as usize {
            let entries: Vec<SignInEntry> = self.directory().list_log(cx, way.clone()).await?;
            for entry in &entries {
                let filter = query.filter.as_ref();
                if filter.is_none_or(|filter| filter.matches(&Value::Object(entry.shown()))) {
                    report.count(entry, &rules.locations);
                }
            }
            let Some(last) = entries.last().filter(|_| entries.len() == CHUNK as usize) else {
                return Ok((report, false));
            };
            way.after = Some(last.id);
        }
        Ok((report, true))
    }
}

/// Those with the most gaps first.
fn told(groups: &BTreeMap<Option<String>, GapGroup>, top: usize) -> Vec<Value> {
    let mut groups: Vec<_> = groups.iter().collect();
    groups.sort_by_key(|(key, group)| (Reverse(group.single_factor), *key));
    let item = |(key, group): &(&Option<String>, &GapGroup)| {
        json!({ "id": key, "displayName": group.display_name, "signIns": group.sign_ins,
                "singleFactor": group.single_factor })
    };
    groups.iter().take(top).map(item).collect()
}
