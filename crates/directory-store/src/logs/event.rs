//! An entry as those hear of it who follow the logs: in the shape of Azure Monitor, which programs that read the logs of Entra
//! ID know.
//! <https://learn.microsoft.com/entra/identity/monitoring-health/concept-diagnostic-settings-logs-options>

use hygie_core::TenantId;
use hygie_store::outbox::MAX_BODY;
use serde_json::{Map, Value, json};

use super::LogEntry;

/// What the kinds of the events of all logs begin with.
pub const LOGS: &str = "hygie.";

/// What a longer entry is told without.
const LISTS: &[&str] = &["appliedConditionalAccessPolicies", "targetResources"];

/// Kind, key and body of the event of an entry. Entries of a log come in their order.
pub fn event<E: LogEntry>(tenant: TenantId, entry: &E) -> (String, &'static str, Vec<u8>) {
    let category = entry.category();
    let mut properties = entry.shown();
    let mut body = body(tenant, entry, &properties);
    if body.len() > MAX_BODY {
        for list in LISTS {
            if let Some(list) = properties.get_mut(*list) {
                *list = Value::Array(Vec::new());
            }
        }
        properties.insert("isTruncated".to_owned(), true.into());
        body = self::body(tenant, entry, &properties);
    }
    (format!("{LOGS}{category}"), category, body)
}

fn body<E: LogEntry>(tenant: TenantId, entry: &E, properties: &Map<String, Value>) -> Vec<u8> {
    let body = json!({
        "time": entry.at().to_rfc3339(), "tenantId": tenant.to_string(), "category": entry.category(),
        "operationName": entry.operation(), "correlationId": properties.get("correlationId"), "properties": properties,
    });
    body.to_string().into_bytes()
}
