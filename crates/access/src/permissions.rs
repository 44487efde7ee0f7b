//! What a principal may do on one service: roles, delegated scopes, SMART scopes.

use hygie_core::{Principal, PrincipalKind};

use crate::operation::Need;
use crate::smart::{Context, SmartDecision, SmartError, SmartScopes};
use crate::{ActionSet, DataAction, Kind, Operation, Reason, RoleSemantics};

/// How SMART scopes narrow what the roles allow.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Narrowing {
    /// Not at all.
    None,
    /// By these.
    Scopes(SmartScopes),
    /// They cannot be read.
    Unreadable(SmartError),
    /// To nothing: the role asks for SMART scopes and the token has none.
    Nothing,
}

/// What a principal may do on one service, decided once for all entries of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    kind: Kind,
    semantics: RoleSemantics,
    actions: ActionSet,
    has_scope: bool,
    narrowing: Narrowing,
}

impl Permissions {
    /// Of a principal whose roles on a service of this kind give `actions`.
    ///
    /// SMART scopes narrow whoever holds `smart/action`, and a person's token that has them *instead* of the delegated
    /// scope: the person agreed to no more than that.
    pub fn new(kind: Kind, semantics: RoleSemantics, actions: ActionSet, principal: &Principal) -> Self {
        let delegated = principal.kind == PrincipalKind::User;
        let mut has_scope = !delegated
            || kind
                .delegated_scope()
                .is_none_or(|needed| principal.scopes.iter().any(|scope| scope == needed));
        let mut narrowing = Narrowing::None;
        if kind == Kind::Fhir && (actions.has(DataAction::FhirSmart) || !has_scope) {
            // An application's scopes are application roles in Entra, which knows no `scp` for it.
            let scopes = if delegated || !principal.scopes.is_empty() {
                &principal.scopes
            } else {
                &principal.app_roles
            };
            narrowing = match SmartScopes::parse(scopes) {
                Ok(Some(scopes)) => Narrowing::Scopes(scopes),
                Ok(None) => Narrowing::Nothing,
                Err(error) => Narrowing::Unreadable(error),
            };
            has_scope |= narrowing != Narrowing::Nothing;
        }
        Self {
            kind,
            semantics,
            actions,
            has_scope,
            narrowing,
        }
    }

    /// The data actions of all roles together, before scopes.
    pub fn actions(&self) -> ActionSet {
        self.actions
    }

    /// Whether an operation is allowed; if not, why.
    pub fn check(&self, operation: Operation<'_>) -> Result<(), Reason> {
        if self.actions.is_empty() {
            return Err(Reason::NoRole);
        }
        if !self.has_scope {
            return Err(Reason::Scope);
        }
        let allowed = match operation.need(self.semantics) {
            Need::All(actions) => self.actions.contains(actions),
            Need::Any => true,
        };
        if operation.kind() != self.kind || !allowed {
            return Err(Reason::Role);
        }
        self.check_narrowing(operation)
    }

    fn check_narrowing(&self, operation: Operation<'_>) -> Result<(), Reason> {
        let Operation::Fhir(interaction, resource_type) = operation else {
            return Ok(());
        };
        let scopes = match &self.narrowing {
            Narrowing::None => return Ok(()),
            Narrowing::Nothing => return Err(Reason::SmartScope),
            Narrowing::Unreadable(_) => return Err(Reason::SmartMalformed),
            Narrowing::Scopes(scopes) => scopes,
        };
        if scopes.context() != Context::System {
            return Err(Reason::SmartContext);
        }
        match scopes.decide(interaction, resource_type) {
            SmartDecision::Allowed => Ok(()),
            SmartDecision::Refused => Err(Reason::SmartScope),
            SmartDecision::Narrowed => Err(Reason::SmartQuery),
        }
    }
}

#[cfg(test)]
mod tests {
    use hygie_core::{ObjectId, TenantId};
    use uuid::Uuid;

    use super::*;
    use crate::{Interaction, Role};

    fn principal(kind: PrincipalKind, scopes: &str, app_roles: &str) -> Principal {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        Principal {
            issuer: "https://login.example/".to_owned(),
            tenant: TenantId::from_uuid(Uuid::nil()),
            subject: ObjectId::from_uuid(Uuid::nil()),
            kind,
            app: None,
            groups: Vec::new(),
            app_roles: words(app_roles),
            scopes: words(scopes),
            session: None,
            professional: None,
        }
    }

    #[test]
    fn scopes_of_people_and_applications() {
        use PrincipalKind::{App, User};
        use Role::{FhirDataReader as Reader, FhirSmartUser as Smart};
        for (kind, scopes, app_roles, role, outcome) in [
            (App, "", "", Reader, Ok(())),
            (User, "user_impersonation", "", Reader, Ok(())),
            (User, "", "", Reader, Err(Reason::Scope)),
            (User, "User.Read", "", Reader, Err(Reason::Scope)),
            // The person agreed to SMART scopes only: they narrow the reader's role.
            (User, "system/Patient.read", "", Reader, Ok(())),
            (User, "system/Device.read", "", Reader, Err(Reason::SmartScope)),
            (User, "patient/Patient.read", "", Reader, Err(Reason::SmartContext)),
            // Agreed to act as oneself: SMART scopes change nothing without the role.
            (User, "user_impersonation patient/Device.read", "", Reader, Ok(())),
            (
                User,
                "user_impersonation patient/Patient.read",
                "",
                Smart,
                Err(Reason::SmartContext),
            ),
            (User, "user_impersonation", "", Smart, Err(Reason::SmartScope)),
            (User, "user/Patient.read", "", Smart, Err(Reason::SmartContext)),
            (
                User,
                "user/Patient.read system/Patient.read",
                "",
                Smart,
                Err(Reason::SmartMalformed),
            ),
            (App, "", "", Smart, Err(Reason::SmartScope)),
            (App, "system/Patient.rs", "", Smart, Ok(())),
            (App, "", "system.Patient.rs", Smart, Ok(())),
            (App, "", "system.Patient.rs?active=true", Smart, Err(Reason::SmartQuery)),
        ] {
            let permissions = Permissions::new(
                Kind::Fhir,
                RoleSemantics::Documented,
                role.actions(RoleSemantics::Documented),
                &principal(kind, scopes, app_roles),
            );
            assert_eq!(
                permissions.check(Interaction::Read.on("Patient")),
                outcome,
                "{kind:?} {scopes:?} {app_roles:?} {role:?}"
            );
        }
    }

    #[test]
    fn a_role_of_one_kind_gives_nothing_on_another() {
        let app = principal(PrincipalKind::App, "", "");
        let actions = Role::DicomDataOwner.actions(RoleSemantics::Documented);
        let permissions = Permissions::new(Kind::Dicom, RoleSemantics::Documented, actions, &app);
        assert_eq!(permissions.check(Interaction::Bundle.everywhere()), Err(Reason::Role));
        assert_eq!(
            permissions.check(Operation::Dicom(crate::DicomOperation::Delete)),
            Ok(())
        );
        let none = Permissions::new(Kind::Fhir, RoleSemantics::Documented, ActionSet::EMPTY, &app);
        assert_eq!(none.check(Interaction::Bundle.everywhere()), Err(Reason::NoRole));
    }
}
