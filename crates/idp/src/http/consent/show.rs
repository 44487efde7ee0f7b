//! How consent is asked for: who asks, for whom, and each permission in words.

use askama::Template;
use hygie_core::AppId;
use hygie_directory::DIRECTORY_API;
use hygie_idp_core::token::{AskedPermission, ConsentAsk, PermissionKind};
use hygie_oidc::Account;
use hygie_web::ui::{Form, Link, Notice, Page, Tone, View};

/// For whom somebody may consent on this page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// For themselves.
    Person,
    /// For themselves or for everybody.
    PersonOrEverybody,
    /// For everybody.
    Everybody,
}

/// What is shown.
pub struct Shown<'a> {
    pub page: Page,
    pub form: Form,
    pub account: &'a Account,
    pub ask: &'a ConsentAsk,
    pub audience: Audience,
    /// Key of the message of what changed.
    pub warning: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "consent.html")]
pub struct ConsentPage {
    page: Page,
    title: String,
    form: Form,
    warning: Option<Notice>,
    account: String,
    app: String,
    publisher: String,
    is_verified: bool,
    is_unverified_warned: bool,
    whom: String,
    lists: Vec<List>,
    links: Vec<Link>,
    answers: Vec<(&'static str, String)>,
}

/// Permissions of one kind.
struct List {
    title: String,
    asked: Vec<Asked>,
}

struct Asked {
    name: String,
    text: Option<String>,
    value: String,
}

impl Shown<'_> {
    /// The page.
    pub fn view(self) -> View<ConsentPage> {
        let Self { page, ask, .. } = &self;
        let definition = &ask.application.definition;
        let verified = definition.verified_publisher.as_ref();
        let publisher = match (verified, &definition.publisher_domain) {
            (Some(verified), _) => verified.display_name.clone(),
            (None, Some(domain)) => format!("{} ({domain})", ask.home_name),
            (None, None) => ask.home_name.clone(),
        };
        let key = match self.audience {
            Audience::Everybody => "consent-admin-title",
            _ => "consent-title",
        };
        let whom = match self.audience {
            Audience::Everybody => page.t1("consent-for-everybody", "organisation", &ask.organisation),
            Audience::PersonOrEverybody => page.t1("consent-for-either", "organisation", &ask.organisation),
            Audience::Person => page.t("consent-for-me"),
        };
        let lists = [
            (PermissionKind::Delegated, "consent-delegated"),
            (PermissionKind::Role, "consent-roles"),
        ];
        let lists = lists.into_iter().map(|(kind, title)| List {
            title: page.t(title),
            asked: self.asked(kind),
        });
        View(ConsentPage {
            title: page.t1(key, "app", &ask.application.display_name),
            warning: self.warning.map(|key| Notice::new(page, Tone::Warning, page.t(key))),
            account: self.account.user_principal_name.clone(),
            app: ask.application.display_name.clone(),
            publisher,
            // Whoever registers an application here is of the house.
            is_verified: verified.is_some() || ask.is_own,
            is_unverified_warned: verified.is_none() && !ask.is_own,
            whom,
            lists: lists.filter(|list| !list.asked.is_empty()).collect(),
            links: self.links(),
            answers: self.answers(),
            form: self.form,
            page: self.page,
        })
    }

    fn asked(&self, kind: PermissionKind) -> Vec<Asked> {
        let of_kind = self.ask.permissions.iter().filter(|asked| asked.kind == kind);
        of_kind.map(|asked| self.in_words(asked)).collect()
    }

    /// A permission in words: ours of the directory API, those of its publisher of any other resource.
    fn in_words(&self, asked: &AskedPermission) -> Asked {
        let page = &self.page;
        let ours = (asked.resource == DIRECTORY_API).then(|| page.find(&key_of(&asked.value)));
        match ours.flatten() {
            Some(name) => Asked {
                name,
                text: None,
                value: asked.value.clone(),
            },
            None => Asked {
                name: asked.display_name.clone(),
                text: Some(match &asked.description {
                    Some(text) => format!("{} – {text}", asked.resource_name),
                    None => asked.resource_name.clone(),
                }),
                value: asked.value.clone(),
            },
        }
    }

    fn links(&self) -> Vec<Link> {
        let links = &self.ask.application.definition.links;
        [
            (&links.terms_of_service_url, "consent-terms"),
            (&links.privacy_statement_url, "consent-privacy"),
            (&links.support_url, "consent-support"),
        ]
        .into_iter()
        .filter_map(|(address, key)| Some(Link::new(address.clone()?, self.page.t(key))))
        .collect()
    }

    fn answers(&self) -> Vec<(&'static str, String)> {
        let words: &[(&str, &str)] = match self.audience {
            Audience::Person => &[("accept", "consent-accept")],
            Audience::PersonOrEverybody => &[
                ("accept", "consent-accept-me"),
                ("everybody", "consent-accept-everybody"),
            ],
            Audience::Everybody => &[("everybody", "consent-accept-everybody")],
        };
        words.iter().map(|(value, key)| (*value, self.page.t(key))).collect()
    }
}

/// A permission of the directory API in words, as far as it is one of ours; else its own word.
pub fn word_of(page: &Page, resource: AppId, value: &str) -> String {
    let ours = (resource == DIRECTORY_API).then(|| page.find(&key_of(value)));
    ours.flatten().unwrap_or_else(|| value.to_owned())
}

/// The message of a permission of the directory API.
fn key_of(value: &str) -> String {
    format!("permission-{}", value.to_lowercase().replace('.', "-"))
}

#[cfg(test)]
mod tests {
    use hygie_directory::directory_api;
    use hygie_web::i18n::{Lang, Messages};

    use super::key_of;

    #[test]
    fn every_permission_of_the_directory_api_has_its_words() {
        let messages = Messages::new(&[crate::MESSAGES]).unwrap();
        let api = directory_api();
        let scopes = api.definition.scopes.iter().map(|scope| scope.value.as_str());
        let roles = api.definition.app_roles.iter().map(|role| role.value.as_str());
        let openid = ["openid", "profile", "email", "offline_access"];
        for value in scopes.chain(roles).chain(openid) {
            let key = key_of(value);
            for lang in [Lang::Fr, Lang::En] {
                assert!(messages.find(lang, &key, None).is_some(), "{key}");
            }
        }
    }
}
