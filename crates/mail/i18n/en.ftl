# Letters: text alone. The empty lines between the parts are added later.
mail-hello = Hello { $name },
mail-hello-all = Hello,
mail-when = on { $day } at { $time } (UTC)
mail-by = Asked for by: { $who }
mail-unexpected = If you did not expect this, tell the security team of your establishment at once.
mail-foot = --
    Automatic message of the identity service of { $establishment }. Nobody would read a reply.

mail-means-subject = What you sign in with has changed
mail-means = { $change } { $when }.
mail-means-own = This was done from your account.
mail-means-administrator = This was done by the administration of your establishment.
mail-means-not-you = It was not you? Tell the IT department at once, then check what you sign in with:
    { $url }
mail-means-ask = You did not ask for it? Tell the IT department at once. What you sign in with:
    { $url }

mail-change-passkey-added = Passkey “{ $name }” added
mail-change-passkey-renamed = Passkey renamed to “{ $name }”
mail-change-passkey-removed = Passkey “{ $name }” removed
mail-change-codes-added = Authenticator app “{ $name }” added
mail-change-codes-renamed = Authenticator app renamed to “{ $name }”
mail-change-codes-removed = Authenticator app “{ $name }” removed
mail-change-pass-created = Temporary access pass made
mail-change-pass-removed = Temporary access pass removed
mail-change-password-changed = Password changed
mail-change-certificates-changed = Cards and certificates for signing in changed
mail-change-other = What you sign in with changed

mail-alert = { $alert }, { $when }.
mail-alert-by = By: { $value }
mail-alert-address = From the address: { $value }
mail-alert-target = To: { $value }
mail-alert-where = The alert and its log:
    { $url }
mail-alert-emergencyAccountUsed = An emergency account was used
mail-alert-credentialAdded = A secret or certificate was added to an application
mail-alert-consentGranted = A permission was granted to an application
mail-alert-policyChanged = A rule of signing in was changed
mail-alert-roleAssigned = A directory role was assigned

mail-alerts-end-subject = This address gets no more alerts
mail-alerts-end = This address was taken out of those that get security alerts, { $when }.

mail-asked-subject = { $application } is asked for
mail-asked = { $who } asks that the application { $application } be allowed.
mail-asked-where = The request awaits your decision:
    { $url }

mail-approved-subject = { $application } is allowed
mail-approved = The application { $application }, which you asked for, is allowed.
mail-denied-subject = { $application } is not allowed
mail-denied = The application { $application }, which you asked for, is not allowed.
mail-words = Reason: { $words }
mail-decided-where = Your applications:
    { $url }

mail-address-subject = The address where you are written to has changed
mail-address = The address to which this service writes to you was changed { $when }.

mail-invited-subject = You are invited
mail-invited-by = { $who } invites you to use services of { $establishment } with your own account.
mail-invited = You are invited to use services of { $establishment } with your own account.
mail-invited-words = Message: { $words }
mail-invited-where = Sign in as you do at your own establishment to accept; nothing is shared before. If you did not expect this, do nothing.
    { $url }
