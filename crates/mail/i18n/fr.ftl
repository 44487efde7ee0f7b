# Lettres : du texte seul. Les lignes vides entre les parties sont ajoutées ensuite.
mail-hello = Bonjour { $name },
mail-hello-all = Bonjour,
mail-when = le { $day } à { $time } (UTC)
mail-by = Demandé par : { $who }
mail-unexpected = Si vous ne vous y attendiez pas, prévenez sans attendre la sécurité informatique de l'établissement.
mail-foot = --
    Message automatique du service d'identification de { $establishment }. Une réponse ne serait lue par personne.

mail-means-subject = Vos moyens d'identification ont changé
mail-means = { $change }, { $when }.
mail-means-own = Ce changement a été fait depuis votre compte.
mail-means-administrator = Ce changement a été fait par l'administration de l'établissement.
mail-means-not-you = Ce n'était pas vous ? Prévenez tout de suite le service informatique, puis vérifiez vos moyens d'identification :
    { $url }
mail-means-ask = Vous ne l'avez pas demandé ? Prévenez tout de suite le service informatique. Vos moyens d'identification :
    { $url }

mail-change-passkey-added = Clé d'accès « { $name } » ajoutée
mail-change-passkey-renamed = Clé d'accès renommée en « { $name } »
mail-change-passkey-removed = Clé d'accès « { $name } » supprimée
mail-change-codes-added = Application de codes « { $name } » ajoutée
mail-change-codes-renamed = Application de codes renommée en « { $name } »
mail-change-codes-removed = Application de codes « { $name } » supprimée
mail-change-pass-created = Passe d'accès temporaire créé
mail-change-pass-removed = Passe d'accès temporaire supprimé
mail-change-password-changed = Mot de passe changé
mail-change-certificates-changed = Cartes et certificats de connexion modifiés
mail-change-other = Moyens d'identification modifiés

mail-alert = { $alert }, { $when }.
mail-alert-by = Par : { $value }
mail-alert-address = Depuis l'adresse : { $value }
mail-alert-target = Sur : { $value }
mail-alert-where = L'alerte et son journal :
    { $url }
mail-alert-emergencyAccountUsed = Un compte de secours a été utilisé
mail-alert-credentialAdded = Un secret ou un certificat a été ajouté à une application
mail-alert-consentGranted = Une autorisation a été accordée à une application
mail-alert-policyChanged = Une règle de connexion a été modifiée
mail-alert-roleAssigned = Un rôle d'annuaire a été attribué

mail-alerts-end-subject = Cette adresse ne reçoit plus les alertes
mail-alerts-end = Cette adresse a été retirée de celles qui reçoivent les alertes de sécurité, { $when }.

mail-asked-subject = Une autorisation est demandée pour { $application }
mail-asked = { $who } demande que l'application { $application } soit autorisée.
mail-asked-where = La demande attend votre décision :
    { $url }

mail-approved-subject = { $application } est autorisée
mail-approved = L'application { $application }, que vous aviez demandée, est autorisée.
mail-denied-subject = { $application } n'est pas autorisée
mail-denied = L'application { $application }, que vous aviez demandée, n'est pas autorisée.
mail-words = Motif : { $words }
mail-decided-where = Vos applications :
    { $url }

mail-address-subject = L'adresse où l'on vous écrit a changé
mail-address = L'adresse à laquelle ce service vous écrit a été changée { $when }.

mail-invited-subject = Vous êtes invité
mail-invited-by = { $who } vous invite à utiliser des services de { $establishment } avec votre propre compte.
mail-invited = Vous êtes invité à utiliser des services de { $establishment } avec votre propre compte.
mail-invited-words = Message : { $words }
mail-invited-where = Connectez-vous comme dans votre propre établissement pour accepter ; rien n'est communiqué avant. Si vous ne vous y attendiez pas, ne faites rien.
    { $url }
