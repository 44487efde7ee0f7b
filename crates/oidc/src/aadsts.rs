//! The error codes of Entra ID, each with its OAuth error, HTTP status and text.
//! <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
//!
//! Clients must not branch on the numbers; people search for them.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $error:literal, $status:literal, $text:literal;)*) => {
        /// An error code of the provider.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Aadsts {
            $($(#[$doc])* $name,)*
        }

        impl Aadsts {
            /// Every code of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The number after `AADSTS`.
            pub const fn number(self) -> u32 {
                match self { $(Self::$name => $number),* }
            }

            /// The OAuth error it is reported as.
            pub const fn error(self) -> &'static str {
                match self { $(Self::$name => $error),* }
            }

            /// The HTTP status at the token endpoint, or of the page.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            /// The text; `{0}` and `{1}` stand for what the request said.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

codes! {
    /// The `sid` of the request is no session of this browser.
    SessionNotFound = 160_021, "login_required", 400, "Application requested a user session which does not exist.";
    /// Several accounts are signed in and none was named.
    SelectAccount = 16_000, "interaction_required", 400, "Either multiple user identities are available for the current request or the selected account is not supported for the scenario.";
    /// A fault of ours.
    ServiceFault = 50_000, "server_error", 500, "There was an error issuing a token or an issue with our sign-in service.";
    /// The resource is not an application of this tenant.
    UnknownResource = 500_011, "invalid_resource", 400, "The resource principal named {0} was not found in the tenant named {1}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.";
    /// The target of an exchange is not a resource of this tenant, or not one that tokens are exchanged for (RFC 8693 §2.2.2).
    BadTarget = 50_001, "invalid_target", 400, "The resource '{0}' is disabled or does not exist, or no token is exchanged for it.";
    /// The redirect URI of the request is not registered.
    RedirectMismatch = 50_011, "invalid_request", 400, "The redirect URI '{0}' specified in the request does not match the redirect URIs configured for the application '{1}'.";
    /// The redirect URI at the token endpoint is not the one of the authorization request.
    RedirectChanged = 500_112, "invalid_grant", 400, "The reply address '{0}' does not match the reply address provided when requesting the authorization code.";
    /// The account belongs to another tenant.
    OtherTenant = 50_020, "invalid_grant", 400, "The user account does not exist in tenant '{0}' and cannot access the application '{1}' in that tenant.";
    /// The account is not in the directory.
    UnknownUser = 50_034, "invalid_grant", 400, "The user account does not exist in the directory.";
    /// Instance discovery for a host that is not ours.
    UnknownInstance = 50_049, "invalid_instance", 400, "Unknown or invalid instance.";
    /// A token in a parameter cannot be read.
    BadJwt = 50_027, "invalid_request", 400, "The JWT token in the parameter '{0}' is invalid or malformed{1}.";
    /// The token on whose behalf a client acts is not one of ours, or not a person's.
    BadUserAssertion = 50_013, "invalid_grant", 400, "Assertion failed signature validation, or is not an access token of a user.";
    /// It is for another application.
    AssertionAudience = 500_131, "invalid_grant", 400, "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was not one of the application's identifiers.";
    /// It has ended.
    UserAssertionTime = 500_133, "invalid_grant", 400, "Assertion is not within its valid time range. Ensure that the access token is not expired before using it for user assertion, or request a new token.";
    /// Locked after too many failures.
    Locked = 50_053, "invalid_grant", 400, "The account is locked because the user tried to sign in too many times with an incorrect user ID or password.";
    /// The password must be changed before anything else.
    PasswordExpired = 50_055, "invalid_grant", 400, "The password is expired. The user's password must be changed before they can sign in.";
    /// The account has no password.
    NoPassword = 50_056, "invalid_grant", 400, "Invalid or null password: password does not exist in the directory for this user.";
    /// The account is disabled.
    UserDisabled = 50_057, "invalid_grant", 400, "The user account is disabled.";
    /// `prompt=none` without a usable session.
    NoSession = 50_058, "login_required", 400, "A silent sign-in request was sent but no user is signed in.";
    /// A second factor was wrong.
    StrongAuthentication = 500_121, "invalid_grant", 400, "Authentication failed during strong authentication request.";
    /// The tenant cannot be told from the request.
    NoTenant = 50_059, "invalid_request", 400, "No tenant-identifying information found in either the request or implied by any provided credentials.";
    /// The sign-in page was left open too long, or is not of this browser.
    FlowExpired = 50_089, "invalid_grant", 400, "Authentication failed due to flow token expired.";
    /// A certificate does not lead to a trusted root, or is not for signing in.
    CertificateInvalid = 50_017, "access_denied", 400, "Certificate validation failed: the certificate is not one that the tenant trusts for signing in.";
    /// No certificate was shown.
    NoCertificate = 50_192, "access_denied", 400, "Invalid request: no client certificate was sent.";
    /// A certificate was revoked.
    CertificateRevoked = 500_183, "access_denied", 400, "Certificate has been revoked.";
    /// Nobody can tell whether a certificate was revoked.
    RevocationListUnavailable = 220_501, "access_denied", 400, "Unable to download or use the certificate revocation list (CRL) of an authority.";
    /// Certificates are not a method of the tenant, or of the person.
    CertificateNotOffered = 1_001_000, "access_denied", 400, "Certificates are not an authentication method of this account by the policy of the tenant.";
    /// A certificate is not that of the account.
    CertificateUnbound = 1_001_003, "access_denied", 400, "The value of no binding in the certificate is that of an account.";
    /// Policies ask for a second factor, which the person has.
    MfaRequired = 50_076, "interaction_required", 400, "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{0}'.";
    /// Policies ask for a second factor, and the person has none yet.
    MfaEnrolment = 50_079, "interaction_required", 400, "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '{0}'.";
    /// Policies ask for another password.
    PasswordChangeRequired = 50_142, "interaction_required", 400, "Password change is required due to a conditional access policy.";
    /// Policies ask for terms of use to be accepted.
    ExternalChallenge = 50_158, "interaction_required", 400, "External security challenge not satisfied. User will be redirected to another page or authentication provider to satisfy additional authentication challenges.";
    /// Policies ask for a device that obeys its own.
    DeviceNotCompliant = 53_000, "interaction_required", 400, "Device is not in required device state: compliant. Conditional Access policy requires a compliant device, and the device is not compliant.";
    /// The person is asked whether they stay signed in.
    KeepSignedIn = 50_140, "interaction_required", 400, "This error occurred due to 'Keep me signed in' interrupt when the user was signing-in.";
    /// The person is asked to register a passkey.
    RegistrationCampaign = 50_203, "interaction_required", 400, "User has not registered the authentication method that the registration campaign of the tenant asks for.";
    /// Policies ask for a device of the establishment's domain.
    DeviceNotJoined = 53_001, "interaction_required", 400, "Device is not in required device state: domain_joined. Conditional Access policy requires a domain joined device, and the device is not domain joined.";
    /// Policies ask for an approved program.
    AppNotApproved = 53_002, "interaction_required", 400, "The app used isn't an approved app for Conditional Access.";
    /// Policies ask for a protected program.
    AppNotProtected = 53_009, "interaction_required", 400, "Application needs to enforce Intune protection policies.";
    /// Policies refuse.
    Blocked = 53_003, "access_denied", 400, "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.";
    /// The security defaults of the tenant refuse.
    BlockedByDefaults = 530_035, "invalid_grant", 400, "Access has been blocked by security defaults. The request is deemed unsafe by security defaults policies.";
    /// Somebody at risk would register a means of identification.
    RegistrationBlocked = 53_004, "interaction_required", 400, "User needs to complete the multi-factor authentication registration process before accessing this content, and cannot do so because of suspicious activity.";
    /// Policies ask for a remedy of the risk.
    RiskRemediation = 53_011, "interaction_required", 400, "User blocked due to risk on the home tenant.";
    /// The sign-in frequency of a policy has passed, for a refresh token.
    RefreshTooOld = 70_043, "invalid_grant", 400, "The refresh token has expired or is invalid due to sign-in frequency checks by Conditional Access. The token was issued on {0} and the maximum allowed lifetime for this request is {1}.";
    /// The same for a session.
    SessionTooOld = 70_044, "interaction_required", 400, "The session has expired or is invalid due to sign-in frequency checks by Conditional Access.";
    /// The application requires an assignment that the user has not.
    NotAssigned = 50_105, "invalid_grant", 400, "Your administrator has configured the application {0} to block users unless they are specifically granted ('assigned') access to the application.";
    /// Wrong user name or password.
    BadCredentials = 50_126, "invalid_grant", 400, "Error validating credentials due to invalid username or password.";
    /// The session that vouched is revoked.
    SessionRevoked = 50_132, "invalid_grant", 400, "The session is not valid due to password expiration or recent password change, or it was revoked.";
    /// The length of the code challenge or verifier is out of bounds.
    ChallengeSize = 501_491, "invalid_request", 400, "Invalid size of Code_Challenge parameter.";
    /// The code verifier is malformed.
    VerifierSize = 50_147, "invalid_request", 400, "The size of the Code_Verifier parameter is not valid, or it holds characters that are not allowed.";
    /// The verifier does not belong to the challenge.
    VerifierMismatch = 501_481, "invalid_grant", 400, "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
    /// The grant was revoked or the token reused.
    GrantRevoked = 50_173, "invalid_grant", 400, "The provided grant has expired due to it being revoked, a fresh auth token is needed.";
    /// A single-tenant application at an endpoint for all tenants.
    NotMultiTenant = 50_194, "invalid_request", 400, "Application '{0}' is not configured as a multi-tenant application. Usage of the {1} endpoint is not supported for such applications.";
    /// A code was redeemed twice.
    CodeReused = 54_005, "invalid_grant", 400, "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.";
    /// Neither the user nor an administrator has consented.
    NoConsent = 65_001, "invalid_grant", 400, "The user or administrator has not consented to use the application with ID '{0}'. Send an interactive authorization request for this user and resource.";
    /// Only an administrator can consent to what is asked.
    AdministratorNeeded = 90_094, "access_denied", 400, "An administrator of {1} has set a policy that prevents users from granting the application '{0}' the permissions it is requesting. Contact an administrator, who can grant permissions to this application on your behalf.";
    /// The same where the person may ask one.
    ApprovalNeeded = 90_095, "access_denied", 400, "Admin consent is required for the permissions requested by the application '{0}'. An admin consent request may be sent to the admin.";
    /// The application asks for a permission that its resource does not offer.
    UnknownScope = 650_053, "invalid_resource", 400, "The application '{0}' asked for scope '{1}' that doesn't exist on the resource. Contact the app vendor.";
    /// The application needs a service that is not in the tenant.
    ServiceAbsent = 650_052, "invalid_resource", 400, "The app needs access to a service ('{0}') that your organization '{1}' has not subscribed to or enabled. Contact your IT Admin to review the configuration of your service subscriptions.";
    /// The registration of the application does not ask for what it is to be given.
    NothingAsked = 650_056, "invalid_request", 400, "Misconfigured application '{0}'. Its registration asks for none of the permissions of this request.";
    /// The person declined.
    Declined = 65_004, "authorization_declined", 400, "User declined to consent to access the app.";
    /// The grant is not one of this client.
    BadGrant = 70_000, "invalid_grant", 400, "The provided value for the '{0}' parameter is not valid.";
    /// A code redeemed at another tenant.
    CodeOfOtherTenant = 700_005, "invalid_grant", 400, "The provided authorization code is intended to be used against another tenant, thus rejected.";
    /// The application is disabled in this tenant.
    AppDisabled = 7_000_112, "unauthorized_client", 400, "Application '{0}' is disabled.";
    /// The client is not one that exchanges tokens.
    NotExchanging = 70_001, "unauthorized_client", 400, "The application '{0}' is not one that may exchange tokens.";
    /// The client is not an application of this tenant.
    UnknownClient = 700_016, "unauthorized_client", 400, "Application with identifier '{0}' was not found in the directory '{1}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.";
    /// Two ways of authentication at once, or a malformed one.
    ClientCredential = 70_002, "invalid_client", 401, "Error validating client credentials.";
    /// The secret is wrong.
    BadSecret = 7_000_215, "invalid_client", 401, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{0}'.";
    /// A credential is needed.
    NoCredential = 7_000_218, "invalid_client", 401, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
    /// The secret has expired.
    SecretExpired = 7_000_222, "invalid_client", 401, "The provided client secret keys for app '{0}' are expired.";
    /// A public client sent a credential.
    PublicClient = 700_025, "invalid_client", 401, "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.";
    /// The key that signed the assertion is not registered.
    UnknownAssertionKey = 700_027, "invalid_client", 401, "The certificate with identifier used to sign the client assertion is not registered on application '{0}', or it has expired.";
    /// The assertion of a client is not what it must be.
    BadAssertion = 50_012, "invalid_client", 401, "Authentication of the client failed. The client assertion {0}.";
    /// The assertion of a client has not begun, has ended, or lasts too long.
    AssertionTime = 700_024, "invalid_client", 401, "Client assertion is not within its valid time range. Current time: {0}, assertion valid from {1}, expiry time of assertion {2}.";
    /// No federated credential of the client has the issuer of the assertion.
    FederatedIssuer = 700_211, "invalid_client", 401, "No matching federated identity record found for presented assertion issuer '{0}'. Check the Subject, Audience and Issuer of the federated identity credential against the presented assertion.";
    /// None of that issuer has its audience.
    FederatedAudience = 700_212, "invalid_client", 401, "No matching federated identity record found for presented assertion audience '{0}'. Check the Subject, Audience and Issuer of the federated identity credential against the presented assertion.";
    /// None of that issuer has its subject.
    FederatedSubject = 700_213, "invalid_client", 401, "No matching federated identity record found for presented assertion subject '{0}'. Check the Subject, Audience and Issuer of the federated identity credential against the presented assertion.";
    /// The assertion is a person's token.
    FederatedUser = 700_229, "invalid_client", 401, "Only app-only tokens can be used as federated identity credentials for this issuer.";
    /// The issuer of the assertion does not give its keys.
    FederatedUnavailable = 50_166, "temporarily_unavailable", 503, "Request to the external OpenID Connect endpoint of the issuer of the client assertion failed.";
    /// The grant type is not one of ours.
    GrantType = 70_003, "unsupported_grant_type", 400, "The app requested an unsupported grant type '{0}'.";
    /// Nobody has signed in for the device yet.
    AuthorizationPending = 70_016, "authorization_pending", 400, "OAuth 2.0 device flow error. Authorization is pending. Continue polling.";
    /// The device or user code is none of ours, or of another client.
    BadDeviceCode = 70_018, "bad_verification_code", 400, "Invalid verification code due to User typing in wrong user code for device code flow.";
    /// The device code has ended.
    DeviceCodeExpired = 70_019, "expired_token", 400, "Verification code expired. Have the user retry the sign-in.";
    /// The device asks too often.
    SlowDown = 9_900_005, "slow_down", 400, "The device asks more often than it was told to. Wait longer between two requests.";
    /// A client asks for a person's tokens again and again.
    ClientLoop = 50_196, "temporarily_unavailable", 429, "The server terminated an operation because it encountered a client request loop. Please contact your app vendor.";
    /// Nobody has the name, or the id token, of a request that names its person. Entra ID has no such requests: the numbers
    /// of these four are ours.
    UnknownPerson = 9_900_001, "unknown_user_id", 400, "The person that the request names is not known.";
    /// The message for the person is too long, or none that can be shown.
    BindingMessage = 9_900_002, "invalid_binding_message", 400, "The binding_message is too long, or holds characters that cannot be shown.";
    /// The person said no.
    BackchannelDenied = 9_900_003, "access_denied", 400, "The person declined the request.";
    /// The client is not registered for such requests.
    NoBackchannel = 9_900_004, "unauthorized_client", 400, "The application '{0}' is not one that may ask for people it names.";
    /// The response type is not one of ours.
    UnsupportedResponseType = 70_005, "unsupported_response_type", 400, "The response type '{0}' is not supported.";
    /// The application may not have tokens from the authorization endpoint.
    ResponseTypeDisabled = 700_054, "unsupported_response_type", 400, "response_type '{0}' is not enabled for the application.";
    /// The response mode is not one of ours, or forbidden with the response type.
    UnsupportedResponseMode = 70_007, "invalid_request", 400, "'{0}' is not a supported value of 'response_mode' when requesting a token.";
    /// The code is too old.
    CodeExpired = 70_008, "invalid_grant", 400, "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.";
    /// The refresh token was not used for too long.
    RefreshExpired = 700_082, "invalid_grant", 400, "The refresh token has expired due to inactivity.";
    /// The refresh token of a single-page application has reached its end.
    SpaRefreshExpired = 700_084, "invalid_grant", 400, "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00, which cannot be extended. It is now expired.";
    /// The scope cannot be understood.
    BadScope = 70_011, "invalid_scope", 400, "The provided value for the input parameter 'scope' is not valid. The scope {0} is not valid.";
    /// Scopes of several resources where one is allowed.
    SeveralResources = 700_022, "invalid_scope", 400, "The provided value for the input parameter scope is not valid because it contains more than one resource.";
    /// No resource where one is needed.
    NoResource = 700_023, "invalid_scope", 400, "The provided value for the input parameter scope is not valid because it does not contain a resource.";
    /// Client credentials need `/.default`.
    NotDefault = 1_002_012, "invalid_scope", 400, "The provided value for scope {0} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).";
    /// There is no such tenant.
    UnknownTenant = 90_002, "invalid_tenant", 400, "Tenant '{0}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.";
    /// A parameter is missing.
    Missing = 900_144, "invalid_request", 400, "The request body must contain the following parameter: '{0}'.";
    /// The grant needs a tenant of its own.
    TenantNeeded = 9_001_023, "invalid_request", 400, "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.";
    /// Duplicated parameters, broken encoding, too long.
    Malformed = 9_002_313, "invalid_request", 400, "Invalid request. Request is malformed or invalid.";
    /// A parameter has a value that it cannot have.
    BadParameter = 90_023, "invalid_request", 400, "The value of the parameter '{0}' is not valid.";
    /// `resource` at a v2 endpoint.
    ResourceOnV2 = 901_002, "invalid_request", 400, "The 'resource' request parameter isn't supported.";
    /// Another HTTP method is wanted.
    WrongVerb = 900_561, "invalid_request", 405, "The endpoint only accepts {0} requests. Received a {1} request.";
    /// The application has no redirect URI.
    NoRedirect = 900_971, "invalid_request", 400, "No reply address provided.";
    /// A part that is needed does not answer.
    Unavailable = 90_033, "temporarily_unavailable", 503, "A transient error has occurred. Please try again.";
    /// Too many requests.
    Throttled = 90_055, "temporarily_unavailable", 429, "The request was throttled. Please try again later.";
    /// There are no personal accounts here.
    NoPersonalAccounts = 90_130, "invalid_request", 400, "Application is not supported over the /common or /consumers endpoints for personal accounts. Please use the /organizations or tenant-specific endpoint.";
    /// A public client without PKCE.
    PkceRequired = 9_002_325, "invalid_request", 400, "Proof Key for Code Exchange is required for cross-origin authorization code redemption.";
    /// A browser redeemed for an application that is not a single-page one.
    CrossOrigin = 9_002_326, "invalid_request", 400, "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request origin: '{0}'.";
    /// A single-page application redeemed outside of a browser.
    NotCrossOrigin = 9_002_327, "invalid_request", 400, "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.";
}

impl Aadsts {
    /// The code with this number.
    pub fn find(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.number() == number)
    }

    /// Whether the person, not the application, must be told: such an error never goes to a redirect URI, but with
    /// `prompt=none` (OpenID Connect Core §3.1.2.6).
    pub const fn stays_here(self) -> bool {
        matches!(
            self,
            Self::UnknownClient
                | Self::AppDisabled
                | Self::RedirectMismatch
                | Self::NoRedirect
                | Self::UnknownTenant
                | Self::NoTenant
                | Self::NoPersonalAccounts
                | Self::NotMultiTenant
                | Self::NotAssigned
                | Self::Locked
                | Self::UserDisabled
                | Self::NoPassword
                | Self::FlowExpired
                | Self::OtherTenant
                | Self::AdministratorNeeded
                | Self::ApprovalNeeded
                | Self::ServiceAbsent
                | Self::MfaEnrolment
                | Self::DeviceNotCompliant
                | Self::DeviceNotJoined
                | Self::AppNotApproved
                | Self::AppNotProtected
                | Self::Blocked
                | Self::BlockedByDefaults
                | Self::RiskRemediation
                | Self::RegistrationBlocked
        )
    }

    /// The error as reported to a redirect URI, where an interaction of the person would help.
    pub const fn authorize_error(self) -> &'static str {
        match self {
            Self::NoConsent => "consent_required",
            Self::SessionRevoked
            | Self::GrantRevoked
            | Self::BadCredentials
            | Self::OtherTenant
            | Self::PasswordExpired => "interaction_required",
            Self::NotAssigned | Self::UserDisabled | Self::Locked | Self::Declined | Self::BlockedByDefaults => {
                "access_denied"
            }
            other => other.error(),
        }
    }

    /// The sub-error that tells client libraries what to do.
    pub const fn suberror(self) -> Option<&'static str> {
        match self {
            Self::NoConsent => Some("consent_required"),
            Self::PasswordExpired => Some("user_password_expired"),
            Self::GrantRevoked | Self::SessionRevoked => Some("bad_token"),
            Self::MfaRequired | Self::MfaEnrolment | Self::SessionTooOld => Some("basic_action"),
            Self::DeviceNotCompliant
            | Self::DeviceNotJoined
            | Self::AppNotApproved
            | Self::AppNotProtected
            | Self::Blocked
            | Self::BlockedByDefaults
            | Self::RiskRemediation
            | Self::RegistrationBlocked => Some("message_only"),
            Self::PasswordChangeRequired | Self::ExternalChallenge => Some("additional_action"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_are_unique_and_found() {
        let numbers: HashSet<u32> = Aadsts::ALL.iter().map(|code| code.number()).collect();
        assert_eq!(numbers.len(), Aadsts::ALL.len());
        for &code in Aadsts::ALL {
            assert_eq!(Aadsts::find(code.number()), Some(code));
        }
        assert_eq!(Aadsts::find(1), None);
    }

    #[test]
    fn errors_are_registered_names() {
        // RFC 6749 §4.1.2.1 and §5.2, RFC 8628 §3.5, RFC 8693 §2.2.2, OpenID Connect Core §3.1.2.6, CIBA Core §13, and Entra's own.
        let known = [
            "invalid_request",
            "invalid_client",
            "invalid_grant",
            "unauthorized_client",
            "unsupported_grant_type",
            "unsupported_response_type",
            "invalid_scope",
            "access_denied",
            "server_error",
            "temporarily_unavailable",
            "login_required",
            "consent_required",
            "interaction_required",
            "invalid_resource",
            "invalid_tenant",
            "invalid_instance",
            "invalid_target",
            "authorization_pending",
            "authorization_declined",
            "slow_down",
            "expired_token",
            "bad_verification_code",
            "unknown_user_id",
            "invalid_binding_message",
        ];
        for code in Aadsts::ALL {
            assert!(known.contains(&code.error()), "{code:?}");
            assert!(known.contains(&code.authorize_error()), "{code:?}");
            assert_eq!(code.error() == "invalid_client", code.status() == 401, "{code:?}");
        }
    }
}
