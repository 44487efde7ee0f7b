# The interface that all services share.
product = hygie
skip-to-content = Skip to content
language-other = Français
language-switch = Change language
theme = Display
theme-system = Same as system
theme-light = Light
theme-dark = Dark
session-of = Session of
sign-out = Sign out
required-hint = Required
error-prefix = Error:
summary-title = { $count ->
    [one] One answer needs correcting
   *[other] { $count } answers need correcting
}
copy = Copy
copy-what = Copy { $what }
copied = Copied
reveal = Show
conceal = Hide
reveal-what = Show password
conceal-what = Hide password
notice-information = Information
notice-success = Success
notice-warning = Warning
notice-danger = Important
cancel = Cancel
back = Back
continue = Continue

# Sign-in
signin-title = Sign in
signin-to = to continue to <strong>{ $app }</strong>
signin-at = Organisation: { $organisation }
signin-username = User name
signin-username-hint = For example firstname.lastname@{ $domain }
signin-username-missing = Enter your user name.
signin-username-unknown = This user name is not known here. Check it or contact your IT department.
signin-next = Next
password-title = Enter your password
password-label = Password
password-missing = Enter your password.
password-wrong = The user name or password is incorrect. Check that Caps Lock is off, then try again.
password-account = Account
password-other = Use another account
password-submit = Sign in
signin-shared = Shared workstation? Your session stays open in this browser until you sign out or close the browser.

# Choice of account
choose-title = Choose an account
choose-signed-in = Signed in
choose-signed-out = Password required
choose-other = Use another account

# Sign-out
signedout-title = Your session has ended
signedout-nobody = No session is open
signedout-others = A session is still open
signedout-text = On a shared workstation, close the browser windows too: an application may keep a session of its own.
signedout-remaining = Sessions still open in this browser:
signedout-everyone = Close all sessions

# Back to the application
formpost-title = Back to the application
formpost-text = If the application does not open by itself, continue.
formpost-to = It goes on in <strong>{ $app }</strong>.

# Portal
portal-title = Portal
portal-lead = The identity of professionals and the health data of your organisation, on your own machines.
portal-attention = Needs attention
portal-services = Services
portal-service = Service
portal-state = State
portal-address = Address
portal-state-up = Running
portal-state-degraded = Slow
portal-state-down = Stopped
portal-services-empty = No service is configured yet
portal-services-empty-text = Declare a service in the configuration file, then restart hygie.
portal-often = Shortcuts
portal-path = Discover the demonstration
portal-path-lead = It takes a few minutes, with nothing to install.

# Errors: .why says why, .do what the person can do
error-what-to-do = What you can do
error-reference = Reference
error-reference-hint = If you contact support, give them this reference and this time.
error-time = Time
error-technical = Technical detail
error-code = Code
error-message = Message
error-home = Back to the start page
error-again = Try again
error-invalid = The request could not be understood
    .why = Something is missing or does not have the expected form.
    .do = Go back to the previous page and start again. If you followed a link, it may be incomplete.
error-unauthenticated = You need to sign in
    .why = This page needs an open session. Yours does not exist or has ended.
    .do = Sign in, then come back to this page.
error-forbidden = You do not have access to this page
    .why = Your account is recognised, but it does not have the required role.
    .do = Ask the administrator of your organisation for access, giving the reference below.
error-not-found = This page does not exist
    .why = The address is incomplete, or the page has moved.
    .do = Check the address, or start again from the start page.
error-gone = This content was deleted
    .why = It existed at this address, but someone deleted it.
    .do = Start again from the start page to find what you are looking for.
error-conflict = Someone changed this content before you
    .why = Your changes apply to an older version.
    .do = Reload the page to see the current version, then make your changes again.
error-too-large = What you sent is too large
    .why = Its size exceeds the limit of this service.
    .do = Make it smaller, or send it in several parts.
error-not-supported = This action is not offered here
    .why = The address exists, but does not accept this request.
    .do = Start again from the start page and follow the links there.
error-too-many = Too many requests in a short time
    .why = The service limits the number of requests to stay available to everyone.
    .do = Wait a minute, then try again.
error-unavailable = The service is not answering at the moment
    .why = Part of the system is stopped or overloaded. Nothing was lost.
    .do = Try again in a minute. If this goes on, tell your IT department.
error-timeout = The request took too long
    .why = The connection is slow, or the request did not arrive in time.
    .do = Check your network connection, then try again.
error-internal = Something went wrong on our side
    .why = It is not your fault. The incident has been recorded.
    .do = Try again. If the error comes back, give the reference below to support.
error-csrf = This page was open for too long
    .why = The form no longer matches your session, or your browser blocks cookies.
    .do = Reload the page, then start again. Check that cookies are allowed for this site.

# The page of the design system
design-title = Design system
design-lead = The parts of every hygie page, as they are. Change language and display at the top of the page.
design-contents = Contents
design-tokens = Colours
design-tokens-lead = One list of tokens gives light and dark. A colour with a meaning never stands alone: a word or a shape says the same.
design-token = Token
design-token-use = Use
design-type = Text
design-type-sample = Present your card, then enter its code.
design-type-lead = System font, 16 px, line height 1.5, scale 1.2; at most 70 characters a line.
design-actions = Buttons
design-actions-lead = One primary action a page. A dangerous action says what it destroys and is never primary.
design-action-primary = Save the policy
design-action-secondary = See its effects
design-action-danger = Delete the application “Patient record”
design-action-link = Use another method
design-fields = Fields
design-fields-lead = Label above, hint under the label, error between these and the field. What was typed is kept.
design-field-name = Application name
design-field-name-hint = As professionals know it.
design-field-code = Organisation code
design-field-code-error = A FINESS number has nine digits.
design-notices = Notices
design-notice-information = The directory is synchronised every night at 2 am.
design-notice-success = The policy has been active since 2:32 pm.
design-notice-warning = Three accounts have no second sign-in method.
design-notice-danger = The server certificate expires on 3 March. Cards will not be accepted after that.
design-data = Data
design-data-lead = Identifiers can be copied. The first column leads to the thing. Numbers are aligned.
design-data-caption = Applications and tokens issued in the last 24 hours
design-data-app = Application
design-data-role = Role
design-data-tokens = Tokens
design-data-id = Application id
design-data-state = State
design-data-active = Active
design-data-inactive = Suspended
design-empty = No refused sign-in
design-empty-text = Sign-ins refused by a conditional access policy will appear here, with the rule that decided.
design-empty-action = Create a policy
design-progress = Progress
design-progress-label = Importing patients: { $done } of { $total }
design-pages = Pages
design-pages-lead = The services share these pages.

# Passkeys
passkey-title = Use your passkey
passkey-lead = Your browser asks you to present your security key, or to unlock this device.
passkey-use = Use my passkey
passkey-other = Sign in another way
passkey-no-script = Passkeys need JavaScript, which is switched off in this browser. Switch it on, or use another sign-in method.
passkey-missing = This browser does not know passkeys. Use another sign-in method, or a newer browser.
passkey-cancelled = No passkey was presented in time. Try again, or use another way.
passkey-known = This passkey is registered already.
passkey-failed = The passkey could not be used. Try again, or use another way.
