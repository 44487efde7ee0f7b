//! What the sweep holds the service to, written without its code: who is let in, what a role is, what a route does.

use hygie_access::{AssigneeKind, Role, RoleSemantics};

/// Tenants: two of ours, one of Entra's, one that stands for an OpenID Connect provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tenant {
    One,
    Two,
    Partner,
    Provider,
}

/// Who says that it signed a token; the last two lie or are nobody's partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Issuer {
    OneV1,
    OneV2,
    TwoV1,
    TwoV2,
    PartnerV1,
    PartnerV2,
    Provider,
    /// Another tenant of the partner's cloud, signed by that cloud.
    Stranger,
    /// Our tenant's name, signed by the partner's cloud.
    Forged,
}

pub const ISSUERS: [Issuer; 9] = [
    Issuer::OneV1,
    Issuer::OneV2,
    Issuer::TwoV1,
    Issuer::TwoV2,
    Issuer::PartnerV1,
    Issuer::PartnerV2,
    Issuer::Provider,
    Issuer::Stranger,
    Issuer::Forged,
];

impl Issuer {
    /// The tenant that it speaks for, when it speaks truly.
    pub fn tenant(self) -> Option<Tenant> {
        match self {
            Self::OneV1 | Self::OneV2 => Some(Tenant::One),
            Self::TwoV1 | Self::TwoV2 => Some(Tenant::Two),
            Self::PartnerV1 | Self::PartnerV2 => Some(Tenant::Partner),
            Self::Provider => Some(Tenant::Provider),
            Self::Stranger | Self::Forged => None,
        }
    }
}

/// Kinds of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    App,
    ManagedIdentity,
    Person,
    /// Of the wrong delegated scope.
    Unscoped,
    /// A person who agreed to reading and searching patients besides.
    Smart,
    /// By the shared URI of all FHIR services.
    SharedAudience,
    /// Bound to the certificate that the back channel's client has.
    Bound,
    IdToken,
    Expired,
    OtherService,
    OtherKind,
    Contradictory,
}

pub const FORMS: [Form; 12] = [
    Form::App,
    Form::ManagedIdentity,
    Form::Person,
    Form::Unscoped,
    Form::Smart,
    Form::SharedAudience,
    Form::Bound,
    Form::IdToken,
    Form::Expired,
    Form::OtherService,
    Form::OtherKind,
    Form::Contradictory,
];

impl Form {
    pub fn is_person(self) -> bool {
        matches!(self, Self::Person | Self::Unscoped | Self::Smart)
    }

    fn opens(self, door: Door) -> bool {
        match self {
            Self::IdToken | Self::Expired | Self::OtherService | Self::OtherKind | Self::Contradictory => false,
            Self::Bound => door == Door::Back,
            _ => true,
        }
    }
}

/// Which listener is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    Front,
    Back,
}

/// A service: where it is, whose it is, whom it trusts.
pub struct Service {
    pub workspace: &'static str,
    pub name: &'static str,
    pub tenant: Tenant,
    pub trusts: &'static [Tenant],
    pub semantics: RoleSemantics,
}

pub const SERVICES: [Service; 3] = [
    Service {
        workspace: "one",
        name: "fhir",
        tenant: Tenant::One,
        trusts: &[Tenant::One, Tenant::Partner],
        semantics: RoleSemantics::Documented,
    },
    Service {
        workspace: "one",
        name: "second",
        tenant: Tenant::One,
        trusts: &[Tenant::One, Tenant::Partner],
        semantics: RoleSemantics::Azure,
    },
    Service {
        workspace: "two",
        name: "fhir",
        tenant: Tenant::Two,
        trusts: &[Tenant::Two, Tenant::One, Tenant::Provider],
        semantics: RoleSemantics::Documented,
    },
];

/// Where roles are given: one service, a workspace, another workspace.
pub const SCOPES: [(&str, Option<&str>, Tenant); 3] = [
    ("one", Some("fhir"), Tenant::One),
    ("one", None, Tenant::One),
    ("two", None, Tenant::Two),
];

pub const ROLES: [Role; 7] = [
    Role::FhirDataReader,
    Role::FhirDataWriter,
    Role::FhirDataExporter,
    Role::FhirDataImporter,
    Role::FhirDataContributor,
    Role::FhirDataConverter,
    Role::FhirSmartUser,
];

/// How a role is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Given {
    To(AssigneeKind),
    /// To physicians of a structure.
    ByProfession,
}

pub const GIVEN: [Given; 4] = [
    Given::To(AssigneeKind::App),
    Given::To(AssigneeKind::User),
    Given::To(AssigneeKind::Group),
    Given::ByProfession,
];

/// Somebody who was given a role by a number of these lists; the number names nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holder {
    pub role: Role,
    pub scope: usize,
    pub tenant: Tenant,
    pub given: Given,
    pub number: u64,
}

pub fn holders() -> Vec<Holder> {
    let tenants = [Tenant::One, Tenant::Two, Tenant::Partner, Tenant::Provider];
    let mut all = Vec::new();
    for role in ROLES {
        for scope in 0..SCOPES.len() {
            for tenant in tenants {
                for given in GIVEN {
                    let number = all.len() as u64 + 1;
                    all.push(Holder {
                        role,
                        scope,
                        tenant,
                        given,
                        number,
                    });
                }
            }
        }
    }
    all
}

/// A token: its issuer, its kind, and the number that it has as subject, group and structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    pub issuer: Issuer,
    pub form: Form,
    pub holder: Option<Holder>,
}

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A document for everybody.
    Public,
    Read,
    /// Of all types: the SMART scopes of the sweep are for one.
    ReadAll,
    Write,
    Patch,
    Delete,
    /// Of what comes with a page: nothing, for the marker alone.
    Included,
    /// Resources that are brought in bulk.
    Import,
    /// A bundle: whoever has a role enters, each entry is judged for itself.
    Enter,
    /// Not built.
    Unsupported,
}

/// The status that must come, for a good request; and whether data may be in the answer.
pub fn expected(service: &Service, door: Door, token: Token, action: Action) -> u16 {
    if action == Action::Public {
        return 200;
    }
    let Some(tenant) = token.issuer.tenant().filter(|tenant| service.trusts.contains(tenant)) else {
        return 401;
    };
    if !token.form.opens(door) {
        return 401;
    }
    if action == Action::Unsupported {
        return 405;
    }
    let role = token.holder.filter(|holder| holds(holder, service, token, tenant));
    match role {
        Some(holder) if may(holder.role, service.semantics, token.form, action) => match action {
            Action::Write => 201,
            Action::Delete => 204,
            _ => 200,
        },
        _ => 403,
    }
}

/// Whether the role that was given to the holder counts for this token here.
fn holds(holder: &Holder, service: &Service, token: Token, tenant: Tenant) -> bool {
    let (workspace, name, owner) = SCOPES[holder.scope];
    let is_here = workspace == service.workspace
        && name.is_none_or(|name| name == service.name)
        && owner == service.tenant
        && holder.tenant == tenant;
    let is_own = matches!(
        token.issuer,
        Issuer::OneV1 | Issuer::OneV2 | Issuer::TwoV1 | Issuer::TwoV2
    );
    is_here
        && match holder.given {
            Given::To(AssigneeKind::User) => token.form.is_person(),
            Given::To(AssigneeKind::Group) => true,
            Given::To(_) => !token.form.is_person(),
            Given::ByProfession => token.form.is_person() && is_own,
        }
}

/// What a role allows, as its page describes it. On most of what the routes do, both semantics agree for these tokens.
fn may(role: Role, semantics: RoleSemantics, form: Form, action: Action) -> bool {
    if form == Form::Unscoped {
        return false;
    }
    let is_smart = role == Role::FhirSmartUser;
    if is_smart && form != Form::Smart {
        return false;
    }
    match action {
        Action::Enter => true,
        Action::Read | Action::Included => role != Role::FhirDataConverter,
        // The SMART scopes of the sweep are for reading.
        Action::ReadAll => role != Role::FhirDataConverter && !is_smart,
        Action::Write | Action::Patch | Action::Delete => {
            matches!(role, Role::FhirDataWriter | Role::FhirDataContributor)
        }
        Action::Import => match role {
            Role::FhirDataImporter | Role::FhirDataContributor => true,
            Role::FhirDataWriter => semantics == RoleSemantics::Azure,
            _ => false,
        },
        Action::Public | Action::Unsupported => unreachable!("decided before"),
    }
}

/// Each method of each route that does something; what is not here is not supported.
pub const BUILT: [(&str, &[(&str, Action)]); 17] = [
    ("/metadata", &[("GET", Action::Public)]),
    ("/.well-known/smart-configuration", &[("GET", Action::Public)]),
    ("/$versions", &[("GET", Action::Public)]),
    ("", &[("POST", Action::Enter)]),
    ("/", &[("POST", Action::Enter)]),
    ("/.hygie/bulk", &[("POST", Action::Import)]),
    ("/_search", &[]),
    ("/_history", &[("GET", Action::ReadAll)]),
    (
        "/{type}",
        &[
            ("GET", Action::Read),
            ("POST", Action::Write),
            ("PUT", Action::Write),
            ("PATCH", Action::Patch),
            ("DELETE", Action::Delete),
        ],
    ),
    ("/{type}/$includes", &[("GET", Action::Included)]),
    ("/{type}/_search", &[("POST", Action::Read)]),
    ("/{type}/_history", &[("GET", Action::Read)]),
    (
        "/{type}/{id}",
        &[
            ("GET", Action::Read),
            ("PUT", Action::Write),
            ("PATCH", Action::Patch),
            ("DELETE", Action::Delete),
        ],
    ),
    ("/{type}/{id}/_history", &[("GET", Action::Read)]),
    ("/{type}/{id}/_history/{vid}", &[("GET", Action::Read)]),
    ("/{type}/{id}/{more}", &[]),
    ("/{type}/{id}/{more}/{*rest}", &[]),
];

/// What the routes of every type do for the content of a Binary besides. The SMART scopes of the sweep are for another type.
pub const CONTENT: [(&str, &str, Action); 4] = [
    ("/Binary", "POST", Action::Write),
    ("/Binary/{id}", "GET", Action::ReadAll),
    ("/Binary/{id}", "PUT", Action::Write),
    ("/Binary/{id}/_history/{vid}", "GET", Action::ReadAll),
];
