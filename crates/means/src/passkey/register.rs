//! Registration of passkeys, by their person or for them.

use std::time::Duration;

use hygie_core::{Cx, ObjectId};
use hygie_directory::User;
use hygie_directory::repo::{Attempts, PasskeyRow, Passkeys, Users};
use hygie_policy::Aaguid;
use hygie_policy::methods::{Origin, Passkey, PasskeyRules, PasskeyType, Person};
use hygie_store::audit::Record;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs_core::internals::AuthenticatorData;
use webauthn_rs_core::proto::{
    AttestationConveyancePreference, CreationChallengeResponse, Credential, RegisterPublicKeyCredential, Registration,
    RegistrationState, RequestRegistrationExtensions, UserVerificationPolicy,
};

use super::challenge::{self, Purpose};
use super::{By, MAX_ID, MAX_PASSKEYS, PasskeyOptions, handle, parse, with_challenge};
use crate::methods::policy_view;
use crate::notice::{Change, tell};
use crate::{Means, MeansError, Refusal, named, policy_for};

/// What is known of whom a passkey is for.
struct Known {
    user: User,
    rules: PasskeyRules,
    passkeys: Vec<PasskeyRow>,
}

/// What is asked of the authenticator, with what its answer is checked by.
struct Ceremony {
    options: CreationChallengeResponse,
    state: RegistrationState,
}

impl Means {
    /// What the browser is asked to make a passkey for this person; the answer comes within `ttl`, or five minutes.
    pub async fn begin_passkey(
        &self,
        cx: &Cx,
        user: ObjectId,
        by: By,
        ttl: Option<Duration>,
    ) -> Result<PasskeyOptions, MeansError> {
        let known = self.known_passkeys(cx, user).await?;
        self.check_passkey_room(&known, by)?;
        let ttl = ttl.unwrap_or(super::TTL);
        let mut options = self.ceremony(cx, &known)?.options.public_key;
        let challenge = challenge::make(&self.inner().challenges, cx, Purpose::Register(user), ttl);
        options.challenge.clone_from(&challenge.bytes);
        options.timeout = u32::try_from(ttl.as_millis()).ok();
        Ok(PasskeyOptions {
            public_key: serde_json::to_value(options)?,
            expires_at: challenge.expires_at,
        })
    }

    /// Registers the passkey that the browser made (`RegistrationResponseJSON`).
    pub async fn register_passkey(
        &self,
        cx: &Cx,
        user: ObjectId,
        by: By,
        (response, name): (&str, &str),
    ) -> Result<Vec<u8>, MeansError> {
        let name = named(name)?;
        let response: RegisterPublicKeyCredential = parse(response)?;
        let known = self.known_passkeys(cx, user).await?;
        self.check_passkey_room(&known, by)?;
        let bytes = challenge::answered(&response.response.client_data_json)?;
        let challenge = challenge::check(&self.inner().challenges, cx, Purpose::Register(user), bytes)?;
        let state = with_challenge(&self.ceremony(cx, &known)?.state, &challenge.bytes)?;
        let row = self.verified(cx, &known, (&response, &state), name)?;
        let id = row.id.clone();
        let digest = self.inner().challenges.digest(&challenge.bytes);
        let notice = Change::PasskeyAdded.of(cx, user, &row.display_name);
        let record = Record::success(cx, "idp.passkey.create", format!("user/{user}/passkey/{}", shown(&id)));
        let input = (row, (digest, challenge.expires_at), notice, record);
        self.store()
            .write(cx, input, |(row, (digest, until), notice, record), tx| {
                Box::pin(async move {
                    if !Attempts(tx).take_challenge(digest, *until).await? {
                        return Err(Refusal::Expired.into());
                    }
                    if Passkeys(tx).list(row.user).await?.len() >= MAX_PASSKEYS {
                        return Err(Refusal::Full.into());
                    }
                    Passkeys(tx).insert(row).await?;
                    tell(tx, notice).await?;
                    tx.audit(record).await?;
                    Ok::<_, MeansError>(())
                })
            })
            .await?;
        Ok(id)
    }

    /// What the authenticator made, if it is good and the policy admits it.
    fn verified(
        &self,
        cx: &Cx,
        known: &Known,
        (response, state): (&RegisterPublicKeyCredential, &RegistrationState),
        display_name: String,
    ) -> Result<PasskeyRow, MeansError> {
        let is_resident = response.extensions.cred_props.as_ref().and_then(|props| props.rk);
        if is_resident == Some(false) {
            return Err(Refusal::Model.into());
        }
        let core = &self.inner().party.core;
        let credential = core.register_credential(response, state, None).map_err(|error| {
            tracing::info!(%error, "a passkey is not registered");
            Refusal::Wrong
        })?;
        let aaguid = model(&response.response.attestation_object, &credential)?;
        let kind = if credential.backup_eligible {
            PasskeyType::Synced
        } else {
            PasskeyType::DeviceBound
        };
        let passkey = Passkey {
            aaguid: Aaguid::from_uuid(aaguid),
            kind,
        };
        let origin = known.rules.admit(passkey).ok_or(Refusal::Model)?;
        let is_attested = self.is_attested(&credential, aaguid);
        match origin {
            Origin::Attested if self.inner().metadata.is_none() => return Err(Refusal::NoMetadata.into()),
            Origin::Attested if !is_attested => return Err(Refusal::Attestation.into()),
            _ => {}
        }
        let id: Vec<u8> = credential.cred_id.clone();
        if id.is_empty() || id.len() > MAX_ID {
            return Err(Refusal::Wrong.into());
        }
        Ok(PasskeyRow {
            id,
            user: known.user.id,
            display_name,
            counter: credential.counter,
            credential: serde_json::to_string(&credential)?,
            aaguid,
            is_synced: kind == PasskeyType::Synced,
            is_attested,
            created_at: cx.now,
            used_at: None,
        })
    }

    /// Whether a maker that we know vouches for this very model.
    fn is_attested(&self, credential: &Credential, aaguid: Uuid) -> bool {
        let Some(metadata) = &self.inner().metadata else {
            return false;
        };
        let authorities = metadata.authorities();
        if authorities.is_empty() {
            return false;
        }
        let found = credential.verify_attestation(authorities);
        found.is_ok_and(|authority| authority.is_some_and(|authority| authority.aaguids().contains_key(&aaguid)))
    }

    fn ceremony(&self, cx: &Cx, known: &Known) -> Result<Ceremony, MeansError> {
        let core = &self.inner().party.core;
        let failed = |_| MeansError::Setting("no challenge for a passkey");
        let (name, display_name) = (&known.user.user_principal_name, &known.user.display_name);
        let there = known.passkeys.iter().map(|row| row.id.clone()).collect();
        let builder = core
            .new_challenge_register_builder(&handle(cx.tenant, known.user.id), name, display_name)
            .map_err(failed)?
            .attestation(AttestationConveyancePreference::Direct)
            .user_verification_policy(UserVerificationPolicy::Required)
            .require_resident_key(true)
            .exclude_credentials(Some(there))
            .extensions(Some(RequestRegistrationExtensions {
                cred_protect: None,
                uvm: None,
                cred_props: Some(true),
                min_pin_length: None,
                hmac_create_secret: None,
            }));
        let (options, state) = core.generate_challenge_register(builder).map_err(failed)?;
        Ok(Ceremony { options, state })
    }

    fn check_passkey_room(&self, known: &Known, by: By) -> Result<(), Refusal> {
        if by == By::Person && !known.rules.is_self_service_allowed {
            Err(Refusal::NotOffered)
        } else if known.passkeys.len() >= MAX_PASSKEYS {
            Err(Refusal::Full)
        } else if known.rules.needs_attestation() && self.inner().metadata.is_none() {
            Err(Refusal::NoMetadata)
        } else {
            Ok(())
        }
    }

    async fn known_passkeys(&self, cx: &Cx, user: ObjectId) -> Result<Known, MeansError> {
        self.store()
            .read(cx, user, |user, tx| {
                Box::pin(async move {
                    let (policy, groups) = policy_for(tx, *user).await?;
                    let person = Person {
                        id: *user,
                        groups: &groups,
                    };
                    Ok::<_, MeansError>(Known {
                        user: Users(tx).find(*user).await?.ok_or(Refusal::NotFound("user"))?,
                        rules: policy.passkeys(person).ok_or(Refusal::NotOffered)?,
                        passkeys: Passkeys(tx).list(*user).await?,
                    })
                })
            })
            .await
    }

    /// Renames a passkey.
    pub async fn rename_passkey(&self, cx: &Cx, user: ObjectId, id: &[u8], name: &str) -> Result<(), MeansError> {
        let name = named(name)?;
        let notice = Change::PasskeyRenamed.of(cx, user, &name);
        let record = Record::success(cx, "idp.passkey.update", format!("user/{user}/passkey/{}", shown(id)));
        let input = (user, id.to_vec(), name, notice, record);
        self.store()
            .write(cx, input, |(user, id, name, notice, record), tx| {
                Box::pin(async move {
                    if !Passkeys(tx).rename(*user, id, name).await? {
                        return Err(Refusal::NotFound("method").into());
                    }
                    tell(tx, notice).await?;
                    tx.audit(record).await?;
                    Ok::<_, MeansError>(())
                })
            })
            .await
    }

    /// Removes a passkey.
    pub async fn remove_passkey(&self, cx: &Cx, user: ObjectId, id: &[u8]) -> Result<(), MeansError> {
        let notice = Change::PasskeyRemoved.of(cx, user, "");
        let record = Record::success(cx, "idp.passkey.delete", format!("user/{user}/passkey/{}", shown(id)));
        let input = (user, id.to_vec(), notice, record);
        self.store()
            .write(cx, input, |(user, id, notice, record), tx| {
                Box::pin(async move {
                    let found = Passkeys(tx).find(id).await?.filter(|row| row.user == *user);
                    let found = found.ok_or(Refusal::NotFound("method"))?;
                    Passkeys(tx).remove(*user, id).await?;
                    let mut notice = notice.clone();
                    notice.about = found.display_name;
                    tell(tx, &notice).await?;
                    tx.audit(record).await?;
                    Ok::<_, MeansError>(())
                })
            })
            .await
    }
}

/// The answer of a client of the directory API, which leaves out what stands twice in that of a browser.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GraphCredential {
    id: String,
    response: GraphResponse,
    #[serde(default, rename = "clientExtensionResults")]
    extensions: Option<Value>,
    #[serde(default, rename = "@odata.type")]
    _type: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GraphResponse {
    #[serde(rename = "attestationObject")]
    attestation_object: String,
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    #[serde(default, rename = "@odata.type")]
    _type: Option<Value>,
}

impl By {
    /// The `publicKeyCredential` of the directory API as a browser would have written it.
    pub fn browser_form(credential: &Value) -> Result<String, Refusal> {
        let read: GraphCredential =
            serde_json::from_value(credential.clone()).map_err(|_| Refusal::Value("publicKeyCredential"))?;
        let response = json!({
            "attestationObject": read.response.attestation_object, "clientDataJSON": read.response.client_data_json,
        });
        let extensions = read.extensions.filter(Value::is_object).unwrap_or_else(|| json!({}));
        let whole = json!({
            "id": read.id, "rawId": read.id, "type": "public-key", "response": response,
            "clientExtensionResults": extensions,
        });
        Ok(whole.to_string())
    }
}

/// The model, from what the authenticator itself said and the library has read.
fn model(attestation_object: &[u8], credential: &Credential) -> Result<Uuid, Refusal> {
    use serde_cbor_2::Value as Cbor;
    let Ok(Cbor::Map(object)) = serde_cbor_2::from_slice::<Cbor>(attestation_object) else {
        return Err(Refusal::Wrong);
    };
    let Some(Cbor::Bytes(data)) = object.get(&Cbor::Text("authData".to_owned())) else {
        return Err(Refusal::Wrong);
    };
    let data = AuthenticatorData::<Registration>::try_from(data.as_slice()).map_err(|_| Refusal::Wrong)?;
    let attested = data.acd.filter(|acd| acd.credential_id == credential.cred_id);
    attested.map(|acd| Uuid::from_bytes(acd.aaguid)).ok_or(Refusal::Wrong)
}

/// The id of a passkey in records.
pub(super) fn shown(id: &[u8]) -> String {
    hygie_jose::base64url::encode(id)
}

/// Whether the policy still admits a passkey that is there.
pub(super) fn is_admitted(rules: Option<&PasskeyRules>, row: &PasskeyRow) -> bool {
    rules.is_some_and(|rules| rules.admit(policy_view(row)).is_some())
}
