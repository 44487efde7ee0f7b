//! The objects that changes are of, as they are seen before and after: what the log of changes tells of them.
//!
//! A repository says which object it is about to change ([`seen`]); what was seen first in a transaction is what it was before.
//! Nothing secret is in a state: secrets are told by their ids and names, passwords by the instant of their change.

use std::future::Future;
use std::pin::Pin;

use hygie_core::{AppId, GroupId, ObjectId, Timestamp};
use hygie_policy::AgreementId;
use hygie_store::{StoreError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::ChangeTarget;
use crate::directory_role;
use crate::repo::{
    Agreements, Applications, Documents, FederatedCredentials, Grants, Groups, Holder, Letters, Managers,
    MethodsPolicies, Oaths, Owners, Passes, Passkeys, PolicyTargets, Principals, Roles, Tenants, Topic, TrustStores,
    Users,
};
use crate::{DirectoryObject, object};

/// Objects of one transaction that are followed.
pub const MAX_SUBJECTS: usize = 50;

/// An object that a change is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    User(ObjectId),
    Group(GroupId),
    /// That somebody is in a group.
    Member(GroupId, ObjectId),
    /// That somebody owns an object: this one, and who.
    Owner(ObjectId, ObjectId),
    Application(AppId),
    Principal(ObjectId),
    /// That somebody has a role of an application: of which, who, and the role.
    AppRole(ObjectId, ObjectId, Uuid),
    /// Delegated permissions: of which client, on which resource, for whom.
    Grant(ObjectId, ObjectId, Option<ObjectId>),
    /// A directory role that somebody has, by the id of the assignment.
    Role(ObjectId),
    /// What conditional access decides by: kind and id.
    Rule(String, String),
    /// That an application or a service principal was given a policy: this one, and which.
    PolicyTarget(ObjectId, Uuid),
    Methods,
    Agreement(Uuid),
    /// The means of identification of a person.
    Means(ObjectId),
    /// A public key infrastructure.
    Pki(Uuid),
    /// A certification authority that is trusted.
    Authority(Uuid),
    /// The tenant itself.
    Organization,
}

/// An object as it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Which it is.
    pub face: ChangeTarget,
    /// What it holds.
    pub members: Map<String, Value>,
}

/// Remembers an object as it is before it is changed, for the log of changes; the first time in a transaction alone.
pub fn seen<'a>(
    tx: &'a mut Tx<'_>,
    subject: Subject,
) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>> {
    Box::pin(async move {
        let Some(seen) = tx.seen() else { return Ok(()) };
        let key = text(&subject)?;
        if seen.len() >= MAX_SUBJECTS || seen.iter().any(|(known, _)| *known == key) {
            return Ok(());
        }
        let state = text(&subject.state(tx).await?)?;
        if let Some(seen) = tx.seen() {
            seen.push((key, state));
        }
        Ok(())
    })
}

pub fn text<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Inconsistent(format!("the log of changes: {error}")))
}

impl Subject {
    /// It as it is now; nothing where there is none.
    pub async fn state(&self, tx: &mut Tx<'_>) -> Result<Option<State>, StoreError> {
        match self {
            Self::User(id) => user(tx, *id).await,
            Self::Group(id) => {
                let found = Groups(tx).find(*id).await?;
                Ok(found.map(|group| State {
                    members: members(&group, &["created_at", "id"]),
                    face: DirectoryObject::Group(group).into(),
                }))
            }
            Self::Member(group, member) => membership(tx, *group, *member).await,
            Self::Owner(of, owner) => ownership(tx, *of, *owner).await,
            Self::Application(app) => application(tx, *app).await,
            Self::Principal(id) => principal(tx, *id).await,
            Self::AppRole(resource, principal, role) => app_role(tx, (*resource, *principal), *role).await,
            Self::Grant(client, resource, user) => grant(tx, (*client, *resource), *user).await,
            Self::Role(assignment) => role(tx, *assignment).await,
            Self::Rule(kind, id) => rule(tx, kind, id).await,
            Self::PolicyTarget(object, policy) => policy_target(tx, *object, *policy).await,
            Self::Methods => {
                let row = MethodsPolicies(tx).get().await?;
                let mut members = flat(row.policy.to_json());
                members.remove("lastModifiedDateTime");
                let hello: Vec<String> = row.windows_hello.iter().map(ToString::to_string).collect();
                members.insert("windowsHelloForBusiness".to_owned(), hello.into());
                let name = "Authentication methods policy";
                Ok(Some(State {
                    face: face("authenticationMethodsPolicy", name, "Policy"),
                    members,
                }))
            }
            Self::Agreement(id) => {
                let agreement = AgreementId::from_uuid(*id);
                let Some(document) = Agreements(tx).find(agreement).await? else {
                    return Ok(None);
                };
                let files = Agreements(tx).list_files(agreement).await?.len();
                let mut members = flat(parsed(&document));
                members.insert("files".to_owned(), files.into());
                Ok(Some(named(&id.to_string(), "Policy", members)))
            }
            Self::Means(user) => means(tx, *user).await,
            Self::Pki(id) => Ok(TrustStores(tx).find(*id).await?.map(|pki| State {
                face: face(&id.to_string(), &pki.display_name, "Policy"),
                members: flat(json!({ "displayName": pki.display_name })),
            })),
            Self::Authority(id) => authority(tx, *id).await,
            Self::Organization => organization(tx).await.map(Some),
        }
    }
}

async fn organization(tx: &mut Tx<'_>) -> Result<State, StoreError> {
    let security = Letters(tx).list_addresses(Topic::Security).await?;
    let technical = Letters(tx).list_addresses(Topic::Technical).await?;
    let tenant = Tenants(tx).find().await?.map(|tenant| tenant.display_name);
    Ok(State {
        face: face(&tx.cx().tenant.to_string(), &tenant.unwrap_or_default(), "Other"),
        members: flat(json!({
            "securityComplianceNotificationMails": security,
            "technicalNotificationMails": technical,
        })),
    })
}

impl From<DirectoryObject> for ChangeTarget {
    fn from(object: DirectoryObject) -> Self {
        let id = object.id().to_string();
        match object {
            DirectoryObject::User(user) => Self {
                user_principal_name: Some(user.user_principal_name),
                ..face(&id, &user.display_name, "User")
            },
            DirectoryObject::Group(group) => Self {
                group_type: Some("azureAD".to_owned()),
                ..face(&id, &group.display_name, "Group")
            },
            DirectoryObject::ServicePrincipal(principal) => face(&id, &principal.display_name, "ServicePrincipal"),
        }
    }
}

pub fn face(id: &str, name: &str, kind: &str) -> ChangeTarget {
    ChangeTarget {
        id: Some(id.to_owned()),
        display_name: Some(name.to_owned()),
        kind: kind.to_owned(),
        ..ChangeTarget::default()
    }
}

/// The object with this id, as a target; by its id alone where it is gone.
pub async fn face_of(tx: &mut Tx<'_>, id: ObjectId) -> Result<ChangeTarget, StoreError> {
    Ok(match object(tx, id).await? {
        Some(object) => object.into(),
        None => ChangeTarget {
            id: Some(id.to_string()),
            kind: "Other".to_owned(),
            ..ChangeTarget::default()
        },
    })
}

/// The same of what may be a registration too.
async fn face_of_any(tx: &mut Tx<'_>, id: ObjectId) -> Result<ChangeTarget, StoreError> {
    let found = face_of(tx, id).await?;
    if found.kind == "Other"
        && let Some(application) = Applications(tx).find_by_id(id).await?
    {
        return Ok(face(&id.to_string(), &application.display_name, "Application"));
    }
    Ok(found)
}

async fn user(tx: &mut Tx<'_>, id: ObjectId) -> Result<Option<State>, StoreError> {
    let Some(user) = Users(tx).find(id).await? else {
        return Ok(None);
    };
    let mut members = members(&*user.profile, &[]);
    let texts = [
        ("userPrincipalName", Some(user.user_principal_name.clone())),
        ("displayName", Some(user.display_name.clone())),
        ("givenName", user.given_name.clone()),
        ("surname", user.surname.clone()),
        ("mail", user.mail.clone()),
        (
            "lastPasswordChangeDateTime",
            user.password_at.map(Timestamp::to_rfc3339),
        ),
        ("StsRefreshTokensValidFrom", Some(user.valid_from.to_rfc3339())),
    ];
    members.extend(texts.map(|(name, text)| (name.to_owned(), text.into())));
    members.insert("accountEnabled".to_owned(), user.is_enabled.into());
    let manager = Managers(tx).find(id).await?;
    members.insert("Manager".to_owned(), manager.map(|manager| manager.to_string()).into());
    let face = DirectoryObject::User(user).into();
    Ok(Some(State { face, members }))
}

async fn membership(tx: &mut Tx<'_>, group: GroupId, member: ObjectId) -> Result<Option<State>, StoreError> {
    if !Groups(tx).has_member(group, member).await? {
        return Ok(None);
    }
    let found = Groups(tx).find(group).await?;
    let holds_roles = found.as_ref().is_some_and(|group| group.profile.is_assignable_to_role);
    let name = found.map(|group| group.display_name);
    let mut members = json!({ "Group.ObjectID": group.to_string(), "Group.DisplayName": name });
    if holds_roles {
        members[FOR_ROLES] = true.into();
    }
    Ok(Some(State {
        face: face_of(tx, member).await?,
        members: flat(members),
    }))
}

async fn ownership(tx: &mut Tx<'_>, of: ObjectId, owner: ObjectId) -> Result<Option<State>, StoreError> {
    if !Owners(tx).has(of, owner).await? {
        return Ok(None);
    }
    let owned = face_of_any(tx, of).await?;
    let kind = owned.kind.clone();
    let mut members =
        json!({ format!("{kind}.ObjectID"): owned.id, format!("{kind}.DisplayName"): owned.display_name });
    let group = Groups(tx).find(GroupId::from_uuid(of.uuid())).await?;
    if group.is_some_and(|group| group.profile.is_assignable_to_role) {
        members[FOR_ROLES] = true.into();
    }
    Ok(Some(State {
        face: face_of(tx, owner).await?,
        members: flat(members),
    }))
}

async fn application(tx: &mut Tx<'_>, app: AppId) -> Result<Option<State>, StoreError> {
    let Some(application) = Applications(tx).find(app).await? else {
        return Ok(None);
    };
    let mut members = members(&*application.definition, &[]);
    members.insert("displayName".to_owned(), application.display_name.clone().into());
    members.insert("AppId".to_owned(), app.to_string().into());
    let mut keys = described_keys(tx, app.into()).await?;
    for one in FederatedCredentials(tx).list(app).await? {
        // With whom it trusts: another issuer or subject is another key.
        let trust = format!(
            "{} ({} {} {})",
            one.name,
            one.issuer,
            one.subject,
            one.audiences.join(" ")
        );
        keys.push(described(one.id, "FederatedIdentityCredential", &trust));
    }
    members.insert(KEY_DESCRIPTION.to_owned(), keys.into());
    Ok(Some(State {
        face: face(&application.id.to_string(), &application.display_name, "Application"),
        members,
    }))
}

fn described(id: Uuid, kind: &str, name: &str) -> String {
    format!("[KeyIdentifier={id},KeyType={kind},KeyUsage=Verify,DisplayName={name}]")
}

/// The secrets and certificates by which somebody proves to be an application.
async fn described_keys(tx: &mut Tx<'_>, of: Holder) -> Result<Vec<String>, StoreError> {
    let (secrets, certificates) = Applications(tx).credential_rows(of).await?;
    let secrets = secrets
        .iter()
        .map(|row| described(row.id, "Password", &row.display_name));
    let certificates = certificates
        .iter()
        .map(|row| described(row.id, "AsymmetricX509Cert", &row.display_name));
    Ok(secrets.chain(certificates).collect())
}

/// The property that tells what an application proves itself by, as Entra ID names it.
pub const KEY_DESCRIPTION: &str = "KeyDescription";

/// The kind of the documents that say how long tokens live.
pub const TOKEN_LIFETIME_POLICY: &str = "tokenLifetimePolicy";

/// The property that tells, of who is in a group or owns it, that the group was made for roles.
pub const FOR_ROLES: &str = "Group.IsAssignableToRole";

async fn principal(tx: &mut Tx<'_>, id: ObjectId) -> Result<Option<State>, StoreError> {
    let Some(principal) = Principals(tx).find(id).await? else {
        return Ok(None);
    };
    let names = Principals(tx).list_names(id).await?;
    let members = json!({
        "AppId": principal.app.to_string(), "displayName": principal.display_name,
        "accountEnabled": principal.is_enabled, "appRoleAssignmentRequired": principal.requires_assignment,
        "servicePrincipalNames": names, "resourceId": principal.resource_id,
    });
    let mut members = flat(members);
    members.extend(flat(serde_json::to_value(&principal.profile).unwrap_or_default()));
    let keys = described_keys(tx, Holder::Principal(id)).await?;
    members.insert(KEY_DESCRIPTION.to_owned(), keys.into());
    Ok(Some(State {
        face: DirectoryObject::ServicePrincipal(principal).into(),
        members,
    }))
}

async fn app_role(
    tx: &mut Tx<'_>,
    (resource, principal): (ObjectId, ObjectId),
    role: Uuid,
) -> Result<Option<State>, StoreError> {
    if !Grants(tx).has_role(resource, principal, role).await? {
        return Ok(None);
    }
    let owner = Principals(tx).find(resource).await?;
    let known = match &owner {
        Some(owner) => Applications(tx).find(owner.app).await?,
        None => None,
    };
    let roles = known.map(|application| application.definition.clone());
    let value = roles.and_then(|found| {
        let mut roles = found.app_roles.iter();
        roles.find(|known| known.id == role).map(|known| known.value.clone())
    });
    let members = json!({
        "AppRole.Id": role.to_string(), "AppRole.Value": value, "ServicePrincipal.ObjectID": resource.to_string(),
        "ServicePrincipal.DisplayName": owner.map(|owner| owner.display_name),
    });
    Ok(Some(State {
        face: face_of(tx, principal).await?,
        members: flat(members),
    }))
}

async fn grant(
    tx: &mut Tx<'_>,
    (client, resource): (ObjectId, ObjectId),
    user: Option<ObjectId>,
) -> Result<Option<State>, StoreError> {
    let Some(grant) = Grants(tx).find_grant_of((client, resource), user).await? else {
        return Ok(None);
    };
    let name = Principals(tx).find(resource).await?.map(|found| found.display_name);
    let members = json!({
        "DelegatedPermissionGrant.Scope": grant.scopes.join(" "),
        "DelegatedPermissionGrant.ConsentType": if user.is_some() { "Principal" } else { "AllPrincipals" },
        "DelegatedPermissionGrant.PrincipalId": user.map(|user| user.to_string()),
        "ServicePrincipal.ObjectID": resource.to_string(), "ServicePrincipal.DisplayName": name,
    });
    Ok(Some(State {
        face: face_of(tx, client).await?,
        members: flat(members),
    }))
}

async fn role(tx: &mut Tx<'_>, assignment: ObjectId) -> Result<Option<State>, StoreError> {
    let Some(found) = Roles(tx).find(assignment).await? else {
        return Ok(None);
    };
    let members = json!({
        "Role.TemplateId": found.role.to_string(),
        "Role.DisplayName": directory_role(found.role).map(|role| role.display_name),
    });
    Ok(Some(State {
        face: face_of(tx, found.principal).await?,
        members: flat(members),
    }))
}

async fn rule(tx: &mut Tx<'_>, kind: &str, id: &str) -> Result<Option<State>, StoreError> {
    let found = Documents(tx).find(kind, id).await?;
    let Some(row) = found else { return Ok(None) };
    let mut members = flat(parsed(&row.document));
    members.remove("modifiedDateTime");
    Ok(Some(named(id, "Policy", members)))
}

async fn policy_target(tx: &mut Tx<'_>, object: ObjectId, policy: Uuid) -> Result<Option<State>, StoreError> {
    if !PolicyTargets(tx).list_of(&[object]).await?.contains(&(object, policy)) {
        return Ok(None);
    }
    let id = policy.to_string();
    let document = Documents(tx).find(TOKEN_LIFETIME_POLICY, &id).await?;
    let name = document.and_then(|row| parsed(&row.document)["displayName"].as_str().map(str::to_owned));
    Ok(Some(State {
        face: face_of_any(tx, object).await?,
        members: flat(json!({ "Policy.ObjectID": id, "Policy.DisplayName": name })),
    }))
}

async fn means(tx: &mut Tx<'_>, user: ObjectId) -> Result<Option<State>, StoreError> {
    let oaths = Oaths(tx).list(user).await?;
    let oaths = oaths.iter().map(|row| format!("{} ({})", row.display_name, row.id));
    let oaths: Vec<String> = oaths.collect();
    let passkeys = Passkeys(tx).list(user).await?;
    let passkeys = passkeys.iter().map(|row| {
        format!(
            "{} (AAGUID {}, {})",
            row.display_name,
            row.aaguid,
            hygie_jose::base64url::encode(&row.id)
        )
    });
    let passkeys: Vec<String> = passkeys.collect();
    let pass = Passes(tx).find(user).await?;
    let pass = pass.map(|row| format!("{} until {}", row.id, row.expires_at.to_rfc3339()));
    let members = json!({
        "softwareOathMethods": oaths, "fido2Methods": passkeys, "temporaryAccessPassMethod": pass,
    });
    Ok(Some(State {
        face: face_of(tx, user).await?,
        members: flat(members),
    }))
}

async fn authority(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<State>, StoreError> {
    let Some(trusted) = TrustStores(tx).find_authority(id).await? else {
        return Ok(None);
    };
    let of = &trusted.authority;
    let members = json!({
        "publicKeyInfrastructure": trusted.pki.to_string(), "displayName": of.display_name, "issuer": of.issuer,
        "thumbprint": of.thumbprint, "issuerSubjectKeyIdentifier": of.subject_key_identifier,
        "expirationDateTime": of.not_after.to_rfc3339(), "certificateRevocationListUrl": trusted.list_url,
        "isIssuerHintEnabled": trusted.is_hint_enabled, "graceInHours": trusted.grace_hours,
        "deltaCertificateRevocationListUrl": trusted.delta_url,
    });
    Ok(Some(State {
        face: face(&id.to_string(), &of.display_name, "Policy"),
        members: flat(members),
    }))
}

/// A document with a name of its own.
fn named(id: &str, kind: &str, members: Map<String, Value>) -> State {
    let name = members.get("displayName").and_then(Value::as_str).map(str::to_owned);
    State {
        face: ChangeTarget {
            display_name: name,
            ..face(id, "", kind)
        },
        members,
    }
}

fn parsed(document: &str) -> Value {
    serde_json::from_str(document).unwrap_or_default()
}

fn members<T: Serialize>(value: &T, without: &[&str]) -> Map<String, Value> {
    let mut members = flat(serde_json::to_value(value).unwrap_or_default());
    for name in without {
        members.remove(*name);
    }
    members
}

fn flat(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
