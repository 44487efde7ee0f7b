# Interface commune. Les espaces avant ; : ! ? et dans « » deviennent insécables au chargement.
product = hygie
skip-to-content = Aller au contenu
language-other = English
language-switch = Changer de langue
theme = Affichage
theme-system = Comme le système
theme-light = Clair
theme-dark = Sombre
session-of = Session de
sign-out = Se déconnecter
required-hint = Obligatoire
error-prefix = Erreur :
summary-title = { $count ->
    [one] Une réponse est à corriger
   *[other] { $count } réponses sont à corriger
}
copy = Copier
copy-what = Copier { $what }
copied = Copié
reveal = Afficher
conceal = Masquer
reveal-what = Afficher le mot de passe
conceal-what = Masquer le mot de passe
notice-information = Information
notice-success = Réussite
notice-warning = Attention
notice-danger = Important
cancel = Annuler
back = Retour
continue = Continuer

# Connexion
signin-title = Se connecter
signin-to = pour accéder à <strong>{ $app }</strong>
signin-at = Établissement : { $organisation }
signin-username = Identifiant
signin-username-hint = Par exemple prenom.nom@{ $domain }
signin-username-missing = Saisissez votre identifiant.
signin-username-unknown = Cet identifiant n'est pas connu ici. Vérifiez-le ou adressez-vous à votre direction informatique.
signin-next = Suivant
password-title = Saisissez votre mot de passe
password-label = Mot de passe
password-missing = Saisissez votre mot de passe.
password-wrong = L'identifiant ou le mot de passe est incorrect. Vérifiez le verrouillage des majuscules, puis réessayez.
password-account = Compte
password-other = Utiliser un autre compte
password-submit = Se connecter
signin-shared = Poste partagé ? Votre session reste ouverte dans ce navigateur jusqu'à ce que vous vous déconnectiez ou que vous le fermiez.

# Choix du compte
choose-title = Choisissez un compte
choose-signed-in = Session ouverte
choose-signed-out = Mot de passe demandé
choose-other = Utiliser un autre compte

# Déconnexion
signedout-title = Votre session est terminée
signedout-nobody = Aucune session n'est ouverte
signedout-others = Une session reste ouverte
signedout-text = Sur un poste partagé, fermez aussi les fenêtres du navigateur : une application peut garder sa propre session.
signedout-remaining = Sessions encore ouvertes dans ce navigateur :
signedout-everyone = Fermer toutes les sessions

# Retour vers l'application
formpost-title = Retour à l'application
formpost-text = Si l'application ne s'ouvre pas d'elle-même, continuez.
formpost-to = La suite se passe dans <strong>{ $app }</strong>.

# Portail
portal-title = Portail
portal-lead = L'identité des professionnels et les données de santé de votre établissement, sur vos machines.
portal-attention = À surveiller
portal-services = Services
portal-service = Service
portal-state = État
portal-address = Adresse
portal-state-up = En service
portal-state-degraded = Ralenti
portal-state-down = Arrêté
portal-services-empty = Aucun service n'est encore configuré
portal-services-empty-text = Déclarez un service dans le fichier de configuration, puis redémarrez hygie.
portal-often = Accès rapides
portal-path = Découvrir la démonstration
portal-path-lead = Quelques minutes suffisent, sans rien installer.

# Erreurs : .why dit pourquoi, .do ce que la personne peut faire
error-what-to-do = Que pouvez-vous faire ?
error-reference = Référence
error-reference-hint = Si vous contactez l'assistance, communiquez-lui cette référence et cette heure.
error-time = Heure
error-technical = Détail technique
error-code = Code
error-message = Message
error-home = Revenir à l'accueil
error-again = Réessayer
error-invalid = La demande n'a pas pu être comprise
    .why = Une information manque ou n'a pas la forme attendue.
    .do = Revenez à la page précédente et recommencez. Si vous avez suivi un lien, il est peut-être incomplet.
error-unauthenticated = Vous devez vous identifier
    .why = Cette page demande une session ouverte. La vôtre n'existe pas ou s'est terminée.
    .do = Connectez-vous, puis revenez à cette page.
error-forbidden = Vous n'avez pas accès à cette page
    .why = Votre compte est reconnu, mais il n'a pas le rôle demandé.
    .do = Demandez l'accès à l'administrateur de votre établissement, en donnant la référence ci-dessous.
error-not-found = Cette page n'existe pas
    .why = L'adresse est incomplète, ou la page a été déplacée.
    .do = Vérifiez l'adresse, ou repartez de l'accueil.
error-gone = Ce contenu a été supprimé
    .why = Il existait à cette adresse, mais quelqu'un l'a supprimé.
    .do = Repartez de l'accueil pour retrouver ce que vous cherchez.
error-conflict = Quelqu'un a modifié ce contenu avant vous
    .why = Vos modifications portent sur une version plus ancienne.
    .do = Rechargez la page pour voir la version actuelle, puis refaites vos modifications.
error-too-large = L'envoi est trop volumineux
    .why = Sa taille dépasse la limite fixée pour ce service.
    .do = Réduisez la taille de l'envoi, ou faites-en plusieurs.
error-not-supported = Cette action n'est pas proposée ici
    .why = L'adresse existe, mais elle n'accepte pas cette demande.
    .do = Repartez de l'accueil et suivez les liens de la page.
error-too-many = Trop de demandes en peu de temps
    .why = Le service limite le nombre de demandes pour rester disponible à tous.
    .do = Attendez une minute, puis réessayez.
error-unavailable = Le service ne répond pas pour le moment
    .why = Une partie du système est arrêtée ou surchargée. Rien n'a été perdu.
    .do = Réessayez dans une minute. Si cela dure, prévenez votre direction informatique.
error-timeout = La demande a pris trop de temps
    .why = La connexion est lente, ou l'envoi ne s'est pas terminé à temps.
    .do = Vérifiez votre connexion au réseau, puis réessayez.
error-internal = Une erreur est survenue de notre côté
    .why = Ce n'est pas de votre fait. L'incident est enregistré.
    .do = Réessayez. Si l'erreur revient, donnez la référence ci-dessous à l'assistance.
error-csrf = Cette page est restée ouverte trop longtemps
    .why = Le formulaire ne correspond plus à votre session, ou les cookies sont bloqués par le navigateur.
    .do = Rechargez la page, puis recommencez. Vérifiez que les cookies sont autorisés pour ce site.

# Page du système de conception
design-title = Système de conception
design-lead = Les éléments de toutes les pages de hygie, tels qu'ils sont. Changez de langue et d'affichage en haut de la page.
design-contents = Sommaire
design-tokens = Couleurs
design-tokens-lead = Une seule liste de jetons donne le clair et le sombre. Une couleur de sens n'est jamais seule : un mot ou une forme la double.
design-token = Jeton
design-token-use = Usage
design-type = Texte
design-type-sample = Présentez votre carte, puis saisissez son code.
design-type-lead = Police du système, 16 px, interligne 1,5, échelle 1,2 ; au plus 70 signes par ligne.
design-actions = Boutons
design-actions-lead = Une action principale par page. Une action dangereuse dit ce qu'elle détruit et n'est jamais principale.
design-action-primary = Enregistrer la stratégie
design-action-secondary = Voir les effets
design-action-danger = Supprimer l'application « Dossier patient »
design-action-link = Utiliser un autre moyen
design-fields = Champs
design-fields-lead = Libellé au-dessus, aide sous le libellé, erreur entre les deux et le champ. Ce qui a été saisi est conservé.
design-field-name = Nom de l'application
design-field-name-hint = Tel que les professionnels le connaissent.
design-field-code = Code de l'établissement
design-field-code-error = Le numéro FINESS compte neuf chiffres.
design-notices = Avis
design-notice-information = La synchronisation du répertoire a lieu chaque nuit à 2 h.
design-notice-success = La stratégie est active depuis 14 h 32.
design-notice-warning = Trois comptes n'ont pas de second moyen d'identification.
design-notice-danger = Le certificat du serveur expire le 3 mars. Les cartes ne seront plus acceptées ensuite.
design-data = Données
design-data-lead = Les identifiants se copient. La première colonne mène à la chose. Les nombres sont alignés.
design-data-caption = Applications et jetons émis depuis 24 heures
design-data-app = Application
design-data-role = Rôle
design-data-tokens = Jetons
design-data-id = Identifiant d'application
design-data-state = État
design-data-active = Active
design-data-inactive = Suspendue
design-empty = Aucune connexion refusée
design-empty-text = Les connexions refusées par une stratégie d'accès conditionnel apparaîtront ici, avec la règle qui a décidé.
design-empty-action = Créer une stratégie
design-progress = Avancement
design-progress-label = Import des patients : { $done } sur { $total }
design-pages = Pages
design-pages-lead = Ces pages sont partagées par les services.

# Clés d'accès
passkey-title = Utilisez votre clé d'accès
passkey-lead = Votre navigateur vous demande de présenter votre clé de sécurité, ou de déverrouiller cet appareil.
passkey-use = Utiliser ma clé d'accès
passkey-other = Se connecter autrement
passkey-no-script = Les clés d'accès ont besoin de JavaScript, qui est désactivé dans ce navigateur. Activez-le, ou utilisez un autre moyen d'identification.
passkey-missing = Ce navigateur ne connaît pas les clés d'accès. Utilisez un autre moyen d'identification, ou un navigateur plus récent.
passkey-cancelled = Aucune clé d'accès n'a été présentée à temps. Réessayez, ou utilisez un autre moyen.
passkey-known = Cette clé d'accès est déjà enregistrée.
passkey-failed = La clé d'accès n'a pas pu être utilisée. Réessayez, ou utilisez un autre moyen.
