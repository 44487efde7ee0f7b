//! Whether the person must be asked something before the authorization endpoint answers (OpenID Connect Core §3.1.2.3).

use std::time::Duration;

use hygie_core::{ObjectId, SessionId, TenantId, Timestamp};

use crate::{Aadsts, AuthorizeRequest, Prompt, Refusal};

/// An account that is signed in in this browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its session.
    pub session: SessionId,
    /// Its tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: ObjectId,
    /// What the user is called when signing in.
    pub user_principal_name: String,
    /// Name for display.
    pub display_name: String,
    /// When the credentials were last given.
    pub auth_time: Timestamp,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interaction {
    /// Nothing is asked: this account.
    Proceed(Account),
    /// Ask which of these accounts, or another.
    Choose(Vec<Account>),
    /// Ask for name and credentials; the name may be known.
    SignIn(Option<String>),
}

/// Decides by the request and by who is signed in.
pub fn interact(request: &AuthorizeRequest, accounts: &[Account], now: Timestamp) -> Result<Interaction, Refusal> {
    let hinted: Vec<&Account> = accounts
        .iter()
        .filter(|account| is_expected(request, account))
        .collect();
    let fresh: Vec<&Account> = hinted
        .iter()
        .copied()
        .filter(|account| is_fresh(request, account, now))
        .collect();
    let known = || match hinted.as_slice() {
        [one] => Some(one.user_principal_name.clone()),
        _ => request.login_hint.clone(),
    };
    match request.prompt {
        Prompt::None => match fresh.as_slice() {
            [one] => Ok(Interaction::Proceed((*one).clone())),
            [] if request.sid.is_some() => Err(Refusal::new(Aadsts::SessionNotFound)),
            [] => Err(Refusal::new(Aadsts::NoSession)),
            _ => Err(Refusal::new(Aadsts::SelectAccount)),
        },
        Prompt::Login => Ok(Interaction::SignIn(known())),
        Prompt::SelectAccount if accounts.is_empty() => Ok(Interaction::SignIn(request.login_hint.clone())),
        Prompt::SelectAccount => Ok(Interaction::Choose(accounts.to_vec())),
        Prompt::AsNeeded | Prompt::Consent => Ok(match (hinted.as_slice(), fresh.as_slice()) {
            ([_], [one]) => Interaction::Proceed((*one).clone()),
            ([] | [_], _) => Interaction::SignIn(known()),
            _ => Interaction::Choose(hinted.into_iter().cloned().collect()),
        }),
    }
}

fn is_expected(request: &AuthorizeRequest, account: &Account) -> bool {
    let name = &account.user_principal_name;
    request.sid.is_none_or(|sid| sid == account.session)
        && request
            .login_hint
            .as_ref()
            .is_none_or(|hint| hint.to_lowercase() == name.to_lowercase())
        && request
            .domain_hint
            .as_ref()
            .filter(|domain| domain.as_str() != "organizations")
            .is_none_or(|domain| {
                name.rsplit_once('@')
                    .is_some_and(|(_, d)| d.eq_ignore_ascii_case(domain))
            })
}

/// Whether somebody who went through the pages comes with a first factor that is too old for what the application asked
/// (`prompt=login`, `max_age`): what was proved within `recent` has just been asked for.
pub fn is_too_old(request: &AuthorizeRequest, auth_time: Timestamp, now: Timestamp, recent: Duration) -> bool {
    let age = now.since(auth_time);
    let oldest = request.max_age.map(|limit| Duration::from_secs(limit.into()));
    match request.prompt {
        Prompt::Login => age > recent,
        _ => oldest.is_some_and(|oldest| age > oldest.max(recent)),
    }
}

/// Whether the session is young enough for `max_age`; no session is young enough for 0, which asks for the credentials.
fn is_fresh(request: &AuthorizeRequest, account: &Account, now: Timestamp) -> bool {
    let age = now.since(account.auth_time);
    request
        .max_age
        .is_none_or(|limit| limit > 0 && age <= Duration::from_secs(limit.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Params, Version};

    fn account(n: u8, name: &str, auth_time: i64) -> Account {
        let id = format!("00000000-0000-4000-8000-0000000000{n:02x}");
        Account {
            session: id.parse().unwrap(),
            tenant: id.parse().unwrap(),
            user: id.parse().unwrap(),
            user_principal_name: name.to_owned(),
            display_name: name.to_owned(),
            auth_time: Timestamp::from_secs(auth_time),
        }
    }

    /// `+1` proceeds with account 1, `?12` chooses, `-name` signs in, a number refuses.
    fn outcome(query: &str, accounts: &[Account]) -> String {
        let params = Params::parse(format!("response_type=code&scope=openid&{query}").as_bytes()).unwrap();
        let request = AuthorizeRequest::parse(&params, Version::V2).unwrap();
        let number = |account: &Account| account.session.uuid().as_u128() % 256;
        match interact(&request, accounts, Timestamp::from_secs(1_000)) {
            Ok(Interaction::Proceed(one)) => format!("+{}", number(&one)),
            Ok(Interaction::Choose(some)) => some.iter().fold("?".to_owned(), |t, a| t + &number(a).to_string()),
            Ok(Interaction::SignIn(name)) => format!("-{}", name.unwrap_or_default()),
            Err(refusal) => refusal.code().number().to_string(),
        }
    }

    #[test]
    fn decisions() {
        let anna = account(1, "Anna@ch.example", 900);
        let paul = account(2, "paul@other.example", 100);
        let just_now = vec![account(1, "Anna@ch.example", 1_000)];
        let (none, one, two) = (vec![], vec![anna.clone()], vec![anna, paul]);
        let sid = "sid=00000000-0000-4000-8000-000000000002";
        for (query, accounts, expected) in [
            ("", &none, "-"),
            ("login_hint=x@y", &none, "-x@y"),
            ("", &one, "+1"),
            ("", &two, "?12"),
            ("login_hint=anna@ch.example", &two, "+1"),
            ("login_hint=new@ch.example", &two, "-new@ch.example"),
            ("domain_hint=other.example", &two, "+2"),
            ("domain_hint=organizations", &one, "+1"),
            (sid, &two, "+2"),
            ("max_age=100", &one, "+1"),
            ("max_age=99", &one, "-Anna@ch.example"),
            ("max_age=0", &one, "-Anna@ch.example"),
            ("max_age=0", &just_now, "-Anna@ch.example"),
            ("prompt=login", &one, "-Anna@ch.example"),
            ("prompt=select_account", &one, "?1"),
            ("prompt=select_account", &none, "-"),
            ("prompt=none", &none, "50058"),
            ("prompt=none", &one, "+1"),
            ("prompt=none&max_age=99", &one, "50058"),
            ("prompt=none", &two, "16000"),
            ("prompt=none&login_hint=paul@other.example", &two, "+2"),
        ] {
            assert_eq!(
                outcome(query, accounts),
                expected,
                "{query} with {} accounts",
                accounts.len()
            );
        }
        assert_eq!(outcome(&format!("prompt=none&{sid}"), &one), "160021");
    }
}
