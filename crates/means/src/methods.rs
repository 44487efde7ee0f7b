//! What a person has, and may use now.

use std::collections::BTreeSet;

use hygie_core::{Cx, GroupId, ObjectId, Secret, Timestamp};
use hygie_directory::User;
use hygie_directory::repo::{OathRow, Oaths, PassRow, Passes, PasskeyRow, Passkeys, TrustStores, Users};
use hygie_policy::Aaguid;
use hygie_policy::methods::{Method, MethodsPolicy, Passkey, PasskeyRules, PasskeyType, Person};
use hygie_policy::strength::{Details, Mode, Usage};
use hygie_store::{StoreError, Tx};
use uuid::Uuid;

use crate::passkey::MAX_PASSKEYS;
use crate::totp::MAX_OATHS;
use crate::{Means, MeansError, Refusal, certificate, policy_for};

/// What a person has and may use.
#[derive(Clone, Debug, Default)]
pub struct Methods {
    /// What may be used now, for the question of conditional access (`Session::registered`).
    pub registered: Vec<Usage>,
    /// What may be registered now by the person (`Session::registrable`).
    pub registrable: BTreeSet<Mode>,
    /// Whether there is a password.
    pub has_password: bool,
    /// Makers of one-time codes.
    pub codes: Vec<RegisteredCodes>,
    /// Passkeys.
    pub passkeys: Vec<RegisteredPasskey>,
    /// The temporary access pass, good or not.
    pub pass: Option<RegisteredPass>,
    /// What a certificate of this person may be worth; nothing where certificates are not for them, or none is theirs.
    pub certificates: BTreeSet<Mode>,
}

/// A maker of one-time codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredCodes {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub display_name: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was used last.
    pub used_at: Option<Timestamp>,
    /// Whether the policy allows it.
    pub is_usable: bool,
}

/// A passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredPasskey {
    /// Its id.
    pub id: Vec<u8>,
    /// What it is called.
    pub display_name: String,
    /// The model of its authenticator.
    pub aaguid: Aaguid,
    /// What the maker calls the model, where the installation knows.
    pub model: Option<String>,
    /// Whether it stays in one device.
    pub kind: PasskeyType,
    /// Whether its maker vouched for it.
    pub is_attested: bool,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was used last.
    pub used_at: Option<Timestamp>,
    /// Whether the policy allows it.
    pub is_usable: bool,
}

/// A temporary access pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredPass {
    /// Its id.
    pub id: Uuid,
    /// Whether it is good once only.
    pub is_usable_once: bool,
    /// When it begins.
    pub start_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it was used.
    pub is_used: bool,
    /// Whether it is good now.
    pub is_usable: bool,
}

/// What was read for it.
struct Rows {
    password: Option<Secret<String>>,
    oaths: Vec<OathRow>,
    passkeys: Vec<PasskeyRow>,
    pass: Option<PassRow>,
    codes_offered: bool,
    pass_offered: bool,
    rules: Option<PasskeyRules>,
    certificates: BTreeSet<Mode>,
}

impl Means {
    /// What a person of the tenant has and may use now.
    pub async fn methods_of(&self, cx: &Cx, user: ObjectId) -> Result<Methods, MeansError> {
        let rows = self
            .store()
            .read(cx, user, |user, tx| {
                Box::pin(async move {
                    let found = Users(tx).find(*user).await?.ok_or(Refusal::NotFound("user"))?;
                    let named = Users(tx).find_by_name(&found.user_principal_name).await?;
                    let (policy, groups) = policy_for(tx, *user).await?;
                    let person = Person {
                        id: *user,
                        groups: &groups,
                    };
                    Ok::<_, MeansError>(Rows {
                        password: named.and_then(|(_, password)| password),
                        oaths: Oaths(tx).list(*user).await?,
                        passkeys: Passkeys(tx).list(*user).await?,
                        pass: Passes(tx).find(*user).await?,
                        codes_offered: policy.is_for(Method::SoftwareOath, person),
                        pass_offered: policy.is_for(Method::TemporaryAccessPass, person),
                        rules: policy.passkeys(person),
                        certificates: certificates(tx, &policy, &found, &groups).await?,
                    })
                })
            })
            .await?;
        Ok(self.methods(cx.now, rows))
    }

    fn methods(&self, now: Timestamp, rows: Rows) -> Methods {
        let mut registrable = BTreeSet::new();
        if rows.codes_offered && rows.oaths.len() < MAX_OATHS {
            registrable.insert(Mode::SoftwareOath);
        }
        let is_self_service = rows.rules.as_ref().is_some_and(|rules| rules.is_self_service_allowed);
        if is_self_service && rows.passkeys.len() < MAX_PASSKEYS {
            registrable.insert(Mode::Fido2);
        }
        let rules = rows.rules.as_ref();
        let passkeys = rows.passkeys.into_iter().map(|row| self.passkey(row, rules));
        let mut methods = Methods {
            registered: Vec::new(),
            registrable,
            has_password: rows.password.is_some(),
            codes: rows
                .oaths
                .into_iter()
                .map(|row| codes(row, rows.codes_offered))
                .collect(),
            passkeys: passkeys.collect(),
            pass: rows.pass.map(|row| pass(&row, rows.pass_offered, now)),
            certificates: rows.certificates,
        };
        methods.registered = methods.usages();
        methods
    }

    fn passkey(&self, row: PasskeyRow, rules: Option<&PasskeyRules>) -> RegisteredPasskey {
        let passkey = policy_view(&row);
        RegisteredPasskey {
            id: row.id,
            display_name: row.display_name,
            aaguid: passkey.aaguid,
            model: self.model(passkey.aaguid),
            kind: passkey.kind,
            is_attested: row.is_attested,
            created_at: row.created_at,
            used_at: row.used_at,
            is_usable: rules.is_some_and(|rules| rules.admit(passkey).is_some()),
        }
    }

    /// What the maker calls a model.
    fn model(&self, aaguid: Aaguid) -> Option<String> {
        let metadata = self.inner().metadata.as_ref()?;
        metadata.model(aaguid).map(str::to_owned)
    }
}

/// A passkey as the policy sees it.
pub(crate) fn policy_view(row: &PasskeyRow) -> Passkey {
    Passkey {
        aaguid: Aaguid::from_uuid(row.aaguid),
        kind: if row.is_synced {
            PasskeyType::Synced
        } else {
            PasskeyType::DeviceBound
        },
    }
}

/// What a certificate of somebody may be worth: of whom the tenant lets sign in by one, and knows how it would name them.
async fn certificates(
    tx: &mut Tx<'_>,
    policy: &MethodsPolicy,
    user: &User,
    groups: &BTreeSet<GroupId>,
) -> Result<BTreeSet<Mode>, StoreError> {
    let configuration = certificate::configuration(policy);
    if !configuration.is_for(user.id, groups) || !certificate::is_bindable(&configuration, user) {
        return Ok(BTreeSet::new());
    }
    let is_trusted = !TrustStores(tx).list_authorities().await?.is_empty();
    Ok(if is_trusted {
        certificate::modes(&configuration)
    } else {
        BTreeSet::new()
    })
}

fn codes(row: OathRow, is_usable: bool) -> RegisteredCodes {
    RegisteredCodes {
        id: row.id,
        display_name: row.display_name,
        created_at: row.created_at,
        used_at: row.used_at,
        is_usable,
    }
}

fn pass(row: &PassRow, is_offered: bool, now: Timestamp) -> RegisteredPass {
    let is_used = row.used_at.is_some();
    let is_spent = row.is_usable_once && is_used;
    RegisteredPass {
        id: row.id,
        is_usable_once: row.is_usable_once,
        start_at: row.start_at,
        expires_at: row.expires_at,
        created_at: row.created_at,
        is_used,
        is_usable: is_offered && !is_spent && row.start_at <= now && now < row.expires_at,
    }
}

impl Methods {
    fn usages(&self) -> Vec<Usage> {
        let mut usages = Vec::new();
        if self.has_password {
            usages.push(Usage::of(Mode::Password));
        }
        if self.codes.iter().any(|codes| codes.is_usable) {
            usages.push(Usage::of(Mode::SoftwareOath));
        }
        let usable = self.passkeys.iter().filter(|passkey| passkey.is_usable);
        usages.extend(usable.map(|passkey| Usage {
            mode: Mode::Fido2,
            details: Details::Passkey(passkey.aaguid),
        }));
        // Which certificate it will be is seen when it is shown.
        usages.extend(self.certificates.iter().map(|mode| Usage {
            mode: *mode,
            details: Details::ToBeChosen,
        }));
        if let Some(pass) = self.pass.as_ref().filter(|pass| pass.is_usable) {
            usages.push(Usage::of(if pass.is_usable_once {
                Mode::TemporaryAccessPassOneTime
            } else {
                Mode::TemporaryAccessPassMultiUse
            }));
        }
        usages
    }
}
