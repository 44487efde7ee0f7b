//! Inviting.

use hygie_core::{Cx, ObjectId, TenantId};
use hygie_jose::random_secret;
use hygie_store::Tx;
use hygie_store::audit::Record;
use url::Url;

use super::{Invitation, NewInvitation, PENDING, guest_name};
use crate::admin::{changed, named};
use crate::repo::{Became, Followed, Global, GuestRow, Guests, Tenants, Users};
use crate::revocation::revoke_all_of;
use crate::{Directory, DirectoryError, User, UserProfile, is_user_principal_name};

/// Longest address that somebody is sent to.
const MAX_REDIRECT: usize = 2048;

/// What an invitation writes.
#[derive(Clone)]
struct Draft {
    new: NewInvitation,
    home: TenantId,
    /// The user where there is none yet.
    id: ObjectId,
    ticket: [u8; 32],
}

impl Directory {
    /// Invites somebody of another establishment of this installation. Who was invited before keeps their user.
    pub async fn invite(&self, cx: &Cx, new: NewInvitation) -> Result<Invitation, DirectoryError> {
        let new = checked(new)?;
        let domain = new.address.rsplit_once('@').map_or("", |(_, domain)| domain);
        let home = self
            .store()
            .read(cx, domain.to_owned(), |domain, tx| {
                Box::pin(async move { Global(tx).find_tenant_of_domain(domain).await })
            })
            .await?;
        let home = home.filter(|home| *home != cx.tenant);
        let ticket = random_secret(&*cx.random);
        let draft = Draft {
            home: home.ok_or(DirectoryError::Value("invitedUserEmailAddress"))?,
            id: ObjectId::random(&*cx.random),
            ticket: self.tickets().digest(ticket.expose()),
            new,
        };
        let resets = draft.new.resets;
        let (user, is_pending) = self.change(cx, draft, |draft, tx| Box::pin(write(tx, draft))).await?;
        if resets {
            self.know_revoked(cx, user.id).await?;
        }
        Ok(Invitation {
            user,
            ticket,
            is_pending,
        })
    }

    /// Keyed digests of tickets.
    pub(super) fn tickets(&self) -> hygie_jose::Keyed {
        self.derive("invitations")
    }
}

fn checked(new: NewInvitation) -> Result<NewInvitation, DirectoryError> {
    let address = new.address.trim().to_owned();
    if !is_user_principal_name(&address) {
        return Err(DirectoryError::Value("invitedUserEmailAddress"));
    }
    let is_page = Url::parse(&new.redirect).is_ok_and(|url| matches!(url.scheme(), "https" | "http"));
    if !is_page || new.redirect.len() > MAX_REDIRECT {
        return Err(DirectoryError::Value("inviteRedirectUrl"));
    }
    let display_name = new.display_name.map(named).transpose();
    Ok(NewInvitation {
        display_name: display_name.map_err(|_| DirectoryError::Value("invitedUserDisplayName"))?,
        address,
        ..new
    })
}

async fn write(tx: &mut Tx<'_>, draft: &Draft) -> Result<(User, bool), DirectoryError> {
    let domains = Tenants(tx).list_domains().await?;
    let domain = domains.first().ok_or(DirectoryError::NotFound("domain"))?;
    let name = guest_name(&draft.new.address, domain);
    if !is_user_principal_name(&name) {
        return Err(DirectoryError::Value("invitedUserEmailAddress"));
    }
    let user = if let Some((user, _)) = Users(tx).find_by_name(&name).await? {
        again(tx, user, draft).await?
    } else {
        let user = made(tx, draft, name);
        Users(tx).insert(&user, None).await?;
        user
    };
    let row = GuestRow {
        user: user.id,
        home: draft.home,
        home_user: user.profile.home.map(|home| home.user),
        address: draft.new.address.clone(),
        redirect: draft.new.redirect.clone(),
        invited_at: tx.cx().now,
    };
    Guests(tx).put(&row, &draft.ticket).await?;
    changed(tx, Followed::Users, user.id, Became::Different).await?;
    let record = Record::success(tx.cx(), "idp.guest.invite", format!("user/{}", user.id));
    tx.audit(&record).await?;
    let is_pending = user.profile.home.is_none();
    Ok((user, is_pending))
}

/// Somebody who was invited before.
async fn again(tx: &mut Tx<'_>, mut user: User, draft: &Draft) -> Result<User, DirectoryError> {
    if Guests(tx).find(user.id).await?.is_none() {
        return Err(DirectoryError::Exists);
    }
    if draft.new.resets {
        pending(tx, &mut user.profile);
        user.profile.home = None;
        Users(tx).update(&user).await?;
        revoke_all_of(tx, user.id).await?;
    }
    Ok(user)
}

fn made(tx: &Tx<'_>, draft: &Draft, name: String) -> User {
    let now = tx.cx().now;
    let mut profile = UserProfile {
        user_type: draft.new.user_type,
        creation_type: Some("Invitation".to_owned()),
        ..UserProfile::default()
    };
    pending(tx, &mut profile);
    let address = &draft.new.address;
    User {
        id: draft.id,
        user_principal_name: name,
        display_name: draft.new.display_name.clone().unwrap_or_else(|| address.clone()),
        given_name: None,
        surname: None,
        mail: Some(address.clone()),
        is_enabled: true,
        valid_from: now,
        created_at: now,
        password_at: None,
        profile: Box::new(profile),
    }
}

fn pending(tx: &Tx<'_>, profile: &mut UserProfile) {
    profile.external_user_state = Some(PENDING.to_owned());
    profile.external_user_state_change_date_time = Some(tx.cx().now.to_rfc3339());
}
