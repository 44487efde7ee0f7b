//! What `hygie demo` prints when it is ready: addresses and accounts, aligned.

use std::fmt::Write as _;

use super::document::Document;

/// The whole text.
pub fn render(document: &Document, dir: &str) -> String {
    let mut text = String::new();
    let mut addresses: Vec<(&str, String)> = Vec::new();
    addresses.extend(document.endpoints.portal.iter().map(|url| ("Portal", url.clone())));
    addresses.extend(document.endpoints.login.iter().map(|url| ("Sign-in", url.clone())));
    addresses.extend(
        document
            .endpoints
            .graph
            .iter()
            .map(|url| ("Directory API", url.clone())),
    );
    for workspace in &document.workspaces {
        addresses.extend(workspace.fhir.iter().map(|fhir| ("FHIR", fhir.base.clone())));
    }
    let identity = document.endpoints.managed_identity.as_ref();
    addresses.extend(identity.map(|identity| ("Managed identity", identity.endpoint.clone())));
    addresses.push(("Health", document.endpoints.health.clone()));
    addresses.push(("Authority", format!("{dir}/{}", document.ca_certificate.display())));
    addresses.push(("Everything", format!("{dir}/{}", super::document::FILE)));
    section(
        &mut text,
        "Addresses",
        &addresses.iter().map(|(name, url)| vec![*name, url]).collect::<Vec<_>>(),
    );
    for tenant in &document.tenants {
        let title = format!("{} ({}, {})", tenant.display_name, tenant.domain, tenant.id);
        let users: Vec<Vec<&str>> = tenant
            .users
            .iter()
            .map(|user| vec![user.name.as_str(), &user.upn, &user.password])
            .collect();
        section(&mut text, &title, &users);
    }
    if let Some(tenant) = document.tenants.first() {
        let role = |name: &str| {
            let assignment = document
                .role_assignments
                .iter()
                .find(|assignment| assignment.principal == name);
            assignment.map_or("–", |assignment| assignment.role.as_str())
        };
        let apps: Vec<(&str, String)> = tenant
            .apps
            .iter()
            .map(|app| (app.name.as_str(), app.client_id.to_string()))
            .collect();
        let rows: Vec<Vec<&str>> = apps.iter().map(|(name, id)| vec![*name, id, role(name)]).collect();
        section(&mut text, "Applications (secrets in demo.json)", &rows);
    }
    text
}

fn section(text: &mut String, title: &str, rows: &[Vec<&str>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let widths = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    writeln!(text, "\n  {title}").expect("writing to a string");
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        writeln!(text, "    {}", cells.join("  ").trim_end()).expect("writing to a string");
    }
}
