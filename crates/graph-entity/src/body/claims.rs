//! The optional claims that tokens have here, and why not the others.
//! <https://learn.microsoft.com/entra/identity-platform/optional-claims-reference>

use hygie_policy::json::Wrong;

/// What tokens tell where a registration asks for it, where there is a value, or tell already.
const TOLD: &[&str] = &[
    "acct",
    "acr",
    "acrs",
    "amr",
    "auth_time",
    "ctry",
    "email",
    "family_name",
    "given_name",
    "groups",
    "idtyp",
    "ipaddr",
    "login_hint",
    "name",
    "preferred_username",
    "roles",
    "sid",
    "tenant_region_scope",
    "upn",
    "wids",
    "xms_cc",
    "xms_pl",
];

/// Refuses a claim that no token of ours would have: nobody waits for it in vain.
pub(super) fn check(name: &str) -> Result<(), Wrong> {
    if TOLD.contains(&name) {
        return Ok(());
    }
    Err(match name {
        "verified_primary_email" | "verified_secondary_email" | "xms_edov" => {
            Wrong::NotA("left out: nobody verifies addresses here")
        }
        "tenant_ctry" | "xms_tpl" => Wrong::NotA("left out: a tenant has neither a country nor a language here"),
        "xms_pdl" => Wrong::NotA("left out: all data of a tenant are in one place"),
        "pwd_exp" | "pwd_url" => Wrong::NotA("left out: passwords do not expire here"),
        "fwd" | "in_corp" | "vnet" => Wrong::NotA("left out: the networks of tokens are not told"),
        "onprem_sid" | "ztdid" => Wrong::NotA("left out: nothing of Windows is known of a person or device"),
        other => Wrong::unknown(other),
    })
}

/// Why a claim cannot have this said of it.
pub(super) fn additional(name: &str, word: &str) -> Wrong {
    match (name, word) {
        (
            "groups",
            "sam_account_name"
            | "dns_domain_and_sam_account_name"
            | "netbios_domain_and_sam_account_name"
            | "cloud_displayname",
        ) => Wrong::NotA("left out: tokens tell groups by their ids, which nobody can take over by a name"),
        ("groups", "emit_as_roles") => Wrong::NotA("left out: groups are told in `groups`, and never as roles"),
        _ => Wrong::unknown(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_told_is_refused_with_the_reason() {
        assert_eq!(check("ctry"), Ok(()));
        let said = |name| check(name).map_err(|wrong| wrong.to_string());
        for (name, expected) in [
            ("pwd_exp", "must be left out: passwords do not expire here"),
            ("xms_edov", "must be left out: nobody verifies addresses here"),
            ("extension_x", "\"extension_x\" is not one of its values"),
        ] {
            assert_eq!(said(name), Err(expected.to_owned()), "{name}");
        }
    }
}
