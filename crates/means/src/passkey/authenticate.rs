//! Signing in with a passkey, of a person who is named or of whoever it is.

use hygie_core::{Cx, ObjectId, TenantId};
use hygie_directory::User;
use hygie_directory::repo::{Attempts, PasskeyRow, Passkeys, Users};
use hygie_policy::Aaguid;
use hygie_policy::methods::{PasskeyRules, Person};
use hygie_policy::strength::{Details, Mode, Usage};
use hygie_store::audit::Record;
use serde_json::json;
use webauthn_rs_core::proto::{AuthenticationState, Credential, PublicKeyCredential, UserVerificationPolicy};

use super::challenge::{self, Challenge, Purpose};
use super::register::{is_admitted, shown};
use super::{MAX_ID, PasskeyOptions, Proven, has_tenant, of_handle, parse, with_challenge};
use crate::guess::refused;
use crate::{Means, MeansError, Refusal, policy_for};

/// What is known of a passkey.
struct Known {
    row: PasskeyRow,
    user: User,
    rules: Option<PasskeyRules>,
}

impl Means {
    /// What the browser is asked to sign in as `user`, or, without one, as whoever has a passkey of ours; then the context
    /// may be that of no tenant. Nothing tells whether the person has a passkey: without one the question is the same as
    /// of nobody.
    pub async fn begin_sign_in(&self, cx: &Cx, user: Option<ObjectId>) -> Result<PasskeyOptions, MeansError> {
        let rows = match user {
            Some(user) => self.usable_passkeys(cx, user).await?,
            None => Vec::new(),
        };
        let purpose = user
            .filter(|_| !rows.is_empty())
            .map_or(Purpose::Discover, Purpose::SignIn);
        let challenge = challenge::make(&self.inner().challenges, cx, purpose, super::TTL);
        let state = |_| MeansError::Setting("no challenge for a passkey");
        let core = &self.inner().party.core;
        let builder = core
            .new_challenge_authenticate_builder(Vec::new(), Some(UserVerificationPolicy::Required))
            .map_err(state)?;
        let (options, _) = core.generate_challenge_authenticate(builder).map_err(state)?;
        let mut options = serde_json::to_value(options.public_key)?;
        options["challenge"] = shown(&challenge.bytes).into();
        let allowed = rows
            .iter()
            .map(|row| json!({ "type": "public-key", "id": shown(&row.id) }));
        options["allowCredentials"] = allowed.collect();
        Ok(PasskeyOptions {
            public_key: options,
            expires_at: challenge.expires_at,
        })
    }

    /// Checks what the browser signed (`AuthenticationResponseJSON`).
    pub async fn check_passkey(&self, cx: &Cx, response: &str) -> Result<Proven, MeansError> {
        let response: PublicKeyCredential = parse(response)?;
        let bytes = challenge::answered(&response.response.client_data_json)?;
        let handle = response
            .response
            .user_handle
            .as_deref()
            .filter(|handle| !handle.is_empty());
        let told = handle
            .map(|handle| of_handle(handle).ok_or(Refusal::Wrong))
            .transpose()?;
        let asked_cx = cx;
        let cx = cx_of(cx, told)?;
        let known = self.known_passkey(&cx, &response.raw_id).await?.ok_or(Refusal::Wrong)?;
        let owner = known.row.user;
        let purpose = if challenge::is_discovery(&bytes) {
            // Without a name the authenticator must say whose the passkey is.
            told.ok_or(Refusal::Wrong)?;
            Purpose::Discover
        } else {
            Purpose::SignIn(owner)
        };
        if told.is_some_and(|told| told != (cx.tenant, owner)) {
            return Err(Refusal::Wrong.into());
        }
        let challenge = challenge::check(&self.inner().challenges, asked_cx, purpose, bytes)?;
        match self.verify(&cx, &known, &response, &challenge).await {
            Ok(usage) => Ok(Proven {
                tenant: cx.tenant,
                user: known.user,
                usage,
            }),
            Err(MeansError::Refused(refusal)) => {
                self.store().record(refused(&cx, owner, refusal.reason())).await?;
                Err(MeansError::Recorded(refusal))
            }
            Err(error) => Err(error),
        }
    }

    async fn verify(
        &self,
        cx: &Cx,
        known: &Known,
        response: &PublicKeyCredential,
        challenge: &Challenge,
    ) -> Result<Usage, MeansError> {
        if !known.user.is_enabled {
            return Err(Refusal::Disabled.into());
        }
        if known.rules.is_none() {
            return Err(Refusal::NotOffered.into());
        }
        if !is_admitted(known.rules.as_ref(), &known.row) {
            return Err(Refusal::Model.into());
        }
        let mut credential: Credential = serde_json::from_str(&known.row.credential)?;
        credential.counter = known.row.counter;
        let core = &self.inner().party.core;
        let failed = |_| MeansError::Setting("no challenge for a passkey");
        let builder = core
            .new_challenge_authenticate_builder(Vec::new(), Some(UserVerificationPolicy::Required))
            .map_err(failed)?;
        let (_, state) = core.generate_challenge_authenticate(builder).map_err(failed)?;
        let state: AuthenticationState = with_challenge(&state, &challenge.bytes)?;
        let result = core
            .authenticate_single_credential(response, &state, &credential)
            .map_err(|error| {
                tracing::info!(%error, "a passkey proves nothing");
                Refusal::Wrong
            })?;
        if !result.user_verified() {
            return Err(Refusal::Wrong.into());
        }
        self.take_passkey(cx, known, challenge, result.counter()).await?;
        Ok(Usage {
            mode: Mode::Fido2,
            details: Details::Passkey(Aaguid::from_uuid(known.row.aaguid)),
        })
    }

    async fn take_passkey(
        &self,
        cx: &Cx,
        known: &Known,
        challenge: &Challenge,
        counter: u32,
    ) -> Result<(), MeansError> {
        let (id, user) = (known.row.id.clone(), known.row.user);
        let digest = self.inner().challenges.digest(&challenge.bytes);
        let record = Record::success(cx, "idp.passkey.use", format!("user/{user}/passkey/{}", shown(&id)));
        let input = (id, counter, (digest, challenge.expires_at), record);
        self.store()
            .write(cx, input, |(id, counter, (digest, until), record), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    if !Attempts(tx).take_challenge(digest, *until).await? {
                        return Err(Refusal::Expired.into());
                    }
                    if !Passkeys(tx).take_counter(id, *counter, now).await? {
                        return Err(Refusal::Wrong.into());
                    }
                    tx.audit(record).await?;
                    Ok::<_, MeansError>(())
                })
            })
            .await
    }

    /// The passkeys of a person that the policy admits.
    async fn usable_passkeys(&self, cx: &Cx, user: ObjectId) -> Result<Vec<PasskeyRow>, MeansError> {
        self.store()
            .read(cx, user, |user, tx| {
                Box::pin(async move {
                    let (policy, groups) = policy_for(tx, *user).await?;
                    let person = Person {
                        id: *user,
                        groups: &groups,
                    };
                    let rules = policy.passkeys(person);
                    let mut rows = Passkeys(tx).list(*user).await?;
                    rows.retain(|row| is_admitted(rules.as_ref(), row));
                    Ok::<_, MeansError>(rows)
                })
            })
            .await
    }

    async fn known_passkey(&self, cx: &Cx, id: &[u8]) -> Result<Option<Known>, MeansError> {
        if id.is_empty() || id.len() > MAX_ID {
            return Ok(None);
        }
        self.store()
            .read(cx, id.to_vec(), |id, tx| {
                Box::pin(async move {
                    let Some(row) = Passkeys(tx).find(id).await? else {
                        return Ok(None);
                    };
                    let Some(user) = Users(tx).find(row.user).await? else {
                        return Ok(None);
                    };
                    let (policy, groups) = policy_for(tx, row.user).await?;
                    let person = Person {
                        id: row.user,
                        groups: &groups,
                    };
                    let rules = policy.passkeys(person);
                    Ok::<_, MeansError>(Some(Known { row, user, rules }))
                })
            })
            .await
    }
}

/// The tenant that was asked for, or that of the passkey's person.
fn cx_of(cx: &Cx, told: Option<(TenantId, ObjectId)>) -> Result<Cx, Refusal> {
    match told {
        Some((tenant, _)) if has_tenant(cx) && tenant != cx.tenant => Err(Refusal::Wrong),
        Some((tenant, _)) => Ok(cx.for_tenant(tenant)),
        None if has_tenant(cx) => Ok(cx.clone()),
        None => Err(Refusal::Wrong),
    }
}
