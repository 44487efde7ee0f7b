//! Who asks at the authorization endpoint: the tenant of the path, the client, where an answer may go. Every refusal of
//! this step is shown to the person (RFC 6749 §4.1.2.1).

use hygie_core::{AppId, Cx, TenantId};
use hygie_directory::repo::{Applications, Global, Principals, Tenants};
use hygie_directory::{Application, Arrival, Audience, Place};
use hygie_oidc::{Aadsts, AuthorizeRequest, AuthorizeTarget, Params, Platform, Refusal, ResponseMode, Version};
use hygie_store::Tx;

use super::DeviceWay;
use crate::signin::{SECURITY_INFO, own_page, security_info as application};
use crate::{Idp, IdpError};

/// The tenant of personal accounts in Entra ID.
const PERSONAL_ACCOUNTS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// A request of the authorization endpoint whose client and redirect URI are good: refusals may go there.
#[derive(Clone, Debug)]
pub struct Asking {
    /// What the path named.
    pub place: Place,
    /// Endpoint family.
    pub version: Version,
    /// All parameters, to be carried through the sign-in pages.
    pub params: Params,
    /// The client and what it wants back.
    pub target: AuthorizeTarget,
    /// Its registration.
    pub application: Application,
    /// Name of the establishment, when the path names one.
    pub organisation: Option<String>,
    /// Its domain name, as its people type it.
    pub domain: Option<String>,
    /// The platform of the redirect URI.
    pub platform: Platform,
    /// Where the answer goes; empty when a device waits for it.
    pub redirect_uri: String,
    /// The device that waits for it.
    pub device: Option<DeviceWay>,
    /// From where and how the person comes.
    pub arrival: Arrival,
    /// Whether people may be asked for a certificate here.
    pub offers_certificates: bool,
}

/// Where a client is registered, and the establishment it is asked at.
pub(super) struct Found {
    pub home: TenantId,
    /// Whether it has a service principal at that place; somebody may consent to it where it has none.
    pub is_present: bool,
    pub organisation: Option<String>,
    pub domain: Option<String>,
}

impl Idp {
    /// Checks who asks.
    pub async fn asking(&self, cx: &Cx, place: Place, version: Version, params: Params) -> Result<Asking, IdpError> {
        let target = AuthorizeTarget::parse(&params)?;
        let (found, application) = self.client_at(cx, place, &target.client_id).await?;
        let redirect_uris = &application.definition.redirect_uris;
        let (platform, redirect_uri) =
            redirect_uris.choose(target.redirect_uri.as_deref(), &application.app.to_string())?;
        Ok(Asking {
            place,
            version,
            params,
            target,
            application,
            organisation: found.organisation,
            domain: found.domain,
            platform,
            redirect_uri,
            device: None,
            arrival: Arrival::default(),
            offers_certificates: self.offers_certificates(cx, place).await?,
        })
    }

    /// Checks for which application an administrator is asked to consent: a redirect URI is not needed, and none is picked.
    pub async fn asking_for_consent(
        &self,
        cx: &Cx,
        place: Place,
        version: Version,
        params: Params,
    ) -> Result<Asking, IdpError> {
        let target = AuthorizeTarget::parse(&params)?;
        let (found, application) = self.client_at(cx, place, &target.client_id).await?;
        let redirect_uris = &application.definition.redirect_uris;
        let (platform, redirect_uri) = match target.redirect_uri.as_deref() {
            Some(uri) => redirect_uris.choose(Some(uri), &application.app.to_string())?,
            None => (Platform::Web, String::new()),
        };
        Ok(Asking {
            place,
            version,
            params,
            target,
            application,
            organisation: found.organisation,
            domain: found.domain,
            platform,
            redirect_uri,
            device: None,
            arrival: Arrival::default(),
            offers_certificates: self.offers_certificates(cx, place).await?,
        })
    }

    /// The same for a device that waits.
    pub(super) async fn asking_of(&self, cx: &Cx, way: DeviceWay) -> Result<Asking, IdpError> {
        let ask = &way.row.ask;
        let client_id = way.row.waiting.client.to_string();
        let offers_certificates = self.offers_certificates(cx, ask.place).await?;
        let (found, application) = self.client_at(cx, ask.place, &client_id).await?;
        Ok(Asking {
            place: ask.place,
            version: ask.version,
            params: Params::default(),
            target: AuthorizeTarget {
                client_id,
                redirect_uri: None,
                state: None,
                mode: ResponseMode::Query,
            },
            application,
            organisation: found.organisation,
            domain: found.domain,
            platform: ask.platform,
            redirect_uri: String::new(),
            arrival: Arrival::default().waited_for(way.backchannel().is_some()),
            device: Some(way),
            offers_certificates,
        })
    }

    /// Whether people may be asked for a certificate: shown to everybody of a tenant that has the method, so that nobody
    /// learns who has one. Where the tenant is told by a name that is yet to be typed, it is found out then.
    async fn offers_certificates(&self, cx: &Cx, place: Place) -> Result<bool, IdpError> {
        match (&self.inner().certauth, place.tenant()) {
            (None, _) => Ok(false),
            (Some(_), None) => Ok(true),
            (Some(_), Some(tenant)) => Ok(self.means().offers_certificates(&cx.for_tenant(tenant)).await?),
        }
    }

    /// A client that may be used at a place, and where it was found.
    pub(super) async fn client_at(
        &self,
        cx: &Cx,
        place: Place,
        client_id: &str,
    ) -> Result<(Found, Application), IdpError> {
        let segment = place.segment();
        let unknown = || Refusal::about(Aadsts::UnknownClient, &[client_id, &segment]);
        let app: AppId = client_id.parse().map_err(|_| unknown())?;
        if let (true, Some(tenant)) = (app == SECURITY_INFO, place.tenant()) {
            let found = self.establishment(cx, tenant).await?;
            return Ok((found, application(&self.provider().login, tenant)));
        }
        if let Some(page) = own_page(&self.provider().login, app, place) {
            let found = match place.tenant() {
                Some(tenant) => self.establishment(cx, tenant).await?,
                None => Found {
                    home: page.home,
                    is_present: true,
                    organisation: None,
                    domain: None,
                },
            };
            return Ok((found, page));
        }
        let found = self.found(cx, place, app).await?.ok_or_else(unknown)?;
        let application = self
            .inner()
            .store
            .read(&cx.for_tenant(found.home), app, |app, tx| {
                Box::pin(async move { Ok::<_, IdpError>(Applications(tx).find(*app).await?) })
            })
            .await?
            .ok_or_else(unknown)?;
        let is_for_others = application.definition.sign_in_audience == Audience::Tenants;
        if place.tenant() != Some(found.home) && !is_for_others {
            if !found.is_present && place.tenant().is_some() {
                return Err(unknown().into());
            }
            return Err(Refusal::about(Aadsts::NotMultiTenant, &[client_id, &format!("/{segment}")]).into());
        }
        Ok((found, application))
    }

    /// A tenant, for a page of ours.
    async fn establishment(&self, cx: &Cx, home: TenantId) -> Result<Found, IdpError> {
        self.inner()
            .store
            .read(&cx.for_tenant(home), home, |home, tx| {
                Box::pin(async move {
                    Ok(Found {
                        home: *home,
                        is_present: true,
                        organisation: Tenants(tx).find().await?.map(|tenant| tenant.display_name),
                        domain: Tenants(tx).list_domains().await?.into_iter().next(),
                    })
                })
            })
            .await
    }

    /// The client at a tenant by its service principal there, at all of them by its registration.
    async fn found(&self, cx: &Cx, place: Place, app: AppId) -> Result<Option<Found>, IdpError> {
        let store = &self.inner().store;
        match place {
            Place::Tenant(tenant) => {
                store
                    .read(&cx.for_tenant(tenant), app, |app, tx| {
                        Box::pin(async move {
                            match present(tx, *app).await? {
                                Some(found) => Ok(Some(found)),
                                None => absent(tx, *app).await,
                            }
                        })
                    })
                    .await
            }
            Place::Organizations | Place::Common => store.read(cx, app, |app, tx| Box::pin(registered(tx, *app))).await,
        }
    }

    /// What the first segment of a path names: a tenant by id or domain name, or all of them.
    pub async fn place(&self, cx: &Cx, segment: &str) -> Result<Place, IdpError> {
        let place = self.named_place(cx, segment).await?;
        let Some(tenant) = place.tenant() else { return Ok(place) };
        let exists = self
            .inner()
            .store
            .read(&cx.for_tenant(tenant), (), |(), tx| {
                Box::pin(async move { Ok::<_, IdpError>(Tenants(tx).find().await?.is_some()) })
            })
            .await?;
        if exists {
            Ok(place)
        } else {
            Err(Refusal::about(Aadsts::UnknownTenant, &[segment]).into())
        }
    }

    /// The same without asking whether a tenant named by its id exists, for who will find out anyway.
    pub async fn named_place(&self, cx: &Cx, segment: &str) -> Result<Place, IdpError> {
        let unknown = || Refusal::about(Aadsts::UnknownTenant, &[segment]);
        match segment {
            "organizations" => return Ok(Place::Organizations),
            "common" => return Ok(Place::Common),
            "consumers" | PERSONAL_ACCOUNTS => return Err(Refusal::new(Aadsts::NoPersonalAccounts).into()),
            _ if segment.len() > 253 => return Err(unknown().into()),
            _ => {}
        }
        let tenant = match segment.parse() {
            Ok(id) => Some(id),
            Err(_) => self.tenant_of_domain(cx, segment).await?,
        };
        Ok(Place::Tenant(tenant.ok_or_else(unknown)?))
    }

    /// The tenant of a verified domain name.
    pub async fn tenant_of_domain(&self, cx: &Cx, domain: &str) -> Result<Option<TenantId>, IdpError> {
        self.inner()
            .store
            .read(cx, domain.to_owned(), |domain, tx| {
                Box::pin(async move { Ok(Global(tx).find_tenant_of_domain(domain).await?) })
            })
            .await
    }
}

/// The client by its registration, wherever that is.
async fn registered(tx: &mut Tx<'_>, app: AppId) -> Result<Option<Found>, IdpError> {
    let home = Global(tx).find_home_of_app(app).await?;
    Ok(home.map(|home| Found {
        home,
        is_present: false,
        organisation: None,
        domain: None,
    }))
}

/// The same at a tenant in which it has no service principal, with the names of that tenant.
async fn absent(tx: &mut Tx<'_>, app: AppId) -> Result<Option<Found>, IdpError> {
    let Some(found) = registered(tx, app).await? else {
        return Ok(None);
    };
    Ok(Some(Found {
        organisation: Tenants(tx).find().await?.map(|tenant| tenant.display_name),
        domain: Tenants(tx).list_domains().await?.into_iter().next(),
        ..found
    }))
}

/// The client as present in the tenant of the transaction, and the tenant's names.
async fn present(tx: &mut Tx<'_>, app: AppId) -> Result<Option<Found>, IdpError> {
    let Some(principal) = Principals(tx).find_by_app(app).await? else {
        return Ok(None);
    };
    if !principal.is_enabled {
        return Err(Refusal::about(Aadsts::AppDisabled, &[&app.to_string()]).into());
    }
    let organisation = Tenants(tx).find().await?.map(|tenant| tenant.display_name);
    let domain = Tenants(tx).list_domains().await?.into_iter().next();
    Ok(Some(Found {
        home: principal.home,
        is_present: true,
        organisation,
        domain,
    }))
}

impl Found {
    /// Whether an extra grant of the registration counts at this tenant: at home, where the client is present. Refuses a
    /// client that nobody has there, before anything is looked at.
    pub fn is_at_home(&self, client_id: &str, tenant: TenantId) -> Result<bool, Refusal> {
        if !self.is_present {
            return Err(Refusal::about(Aadsts::UnknownClient, &[client_id, &tenant.to_string()]));
        }
        Ok(self.home == tenant)
    }
}

impl Asking {
    /// The rest of the request. Refusals of this step go to the application.
    pub fn request(&self) -> Result<AuthorizeRequest, Refusal> {
        if let Some(way) = &self.device {
            return Ok(way.request());
        }
        let request = AuthorizeRequest::parse(&self.params, self.version)?;
        let definition = &self.application.definition;
        let disabled = |word: &str| Refusal::about(Aadsts::ResponseTypeDisabled, &[word]);
        if request.response_type.id_token && !definition.enable_id_token_issuance {
            return Err(disabled("id_token"));
        }
        if request.response_type.token && !definition.enable_access_token_issuance {
            return Err(disabled("token"));
        }
        if request.response_type.code && self.platform != Platform::Web && request.challenge.is_none() {
            return Err(Refusal::new(Aadsts::PkceRequired));
        }
        Ok(request)
    }
}
