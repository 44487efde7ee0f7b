//! The points of a report, each with what was found in both languages.

use std::fmt::Display;

use hygie_core::AppId;

use super::export::{Export, Origin};
use super::{
    Application, MAX_EMERGENCY_ACCOUNTS, MAX_HOURS, MEANS, POLICY_PREFIX, Point, SANDBOX, STRENGTH_NAMES, TERMS_PREFIX,
    Verdict, begins_with, composed, targets,
};
use crate::policy::{
    AppTarget, AuthenticationType, BuiltInControl, ClientAppType, Conditions, DevicePlatform, FrequencyInterval,
    FrequencyType, LocationTarget, Operator, Policy, SignInFrequency, State, UserTarget,
};
use crate::strength::{AuthenticationStrength, built_ins};

use Verdict::{CannotTell, Conforms, DoesNotConform};

/// Names come from a file: what would act on a terminal is left out.
pub(super) fn point(id: &'static str, verdict: Verdict, french: impl Display, english: impl Display) -> Point {
    let shown = |text: String| text.chars().filter(|sign| !sign.is_control()).collect();
    Point {
        id,
        verdict,
        french: shown(french.to_string()),
        english: shown(english.to_string()),
    }
}

/// The texts of a verdict where there are two.
fn either(id: &'static str, conforms: bool, good: [&str; 2], bad: [&str; 2]) -> Point {
    let ([french, english], verdict) = if conforms {
        (good, Conforms)
    } else {
        (bad, DoesNotConform)
    };
    point(id, verdict, french, english)
}

pub fn presence(policy: Option<&Policy>, app: AppId) -> Point {
    match policy {
        Some(policy) => point(
            "policy",
            Conforms,
            format!("La stratégie « {} » est examinée.", policy.display_name),
            format!("The policy “{}” is examined.", policy.display_name),
        ),
        None => point(
            "policy",
            DoesNotConform,
            format!("Aucune stratégie ne porte le préfixe {POLICY_PREFIX} ni ne vise l'application {app}."),
            format!("No policy has the prefix {POLICY_PREFIX} or targets the application {app}."),
        ),
    }
}

pub fn name(policy: &Policy) -> Point {
    either(
        "policy-name",
        begins_with(&policy.display_name, POLICY_PREFIX),
        [
            "Le nom porte le préfixe imposé AC02-ProSantéConnect.",
            "The name has the imposed prefix AC02-ProSantéConnect.",
        ],
        [
            "Le nom doit commencer par AC02-ProSantéConnect, quelle que soit la convention de l'établissement.",
            "The name must begin with AC02-ProSantéConnect, whatever the convention of the establishment.",
        ],
    )
}

pub fn enabled(policy: &Policy) -> Point {
    match policy.state {
        State::Enabled => point(
            "policy-enabled",
            Conforms,
            "La stratégie est activée.",
            "The policy is enabled.",
        ),
        State::Disabled => point(
            "policy-enabled",
            DoesNotConform,
            "La stratégie est désactivée : il faut l'activer.",
            "The policy is disabled: enable it.",
        ),
        State::ReportOnly => point(
            "policy-enabled",
            DoesNotConform,
            "La stratégie n'est qu'en mode rapport : elle n'impose rien.",
            "The policy is report-only: it enforces nothing.",
        ),
    }
}

pub fn application(policy: &Policy, app: AppId, asked: Application) -> Point {
    let id = "application";
    let applications = policy.conditions.applications.as_ref();
    let excluded = applications
        .map(|applications| applications.exclude_applications.as_slice())
        .unwrap_or_default();
    let others = applications
        .map(|applications| applications.include_applications.as_slice())
        .unwrap_or_default();
    if targets(policy, app) && !excluded.contains(&AppTarget::App(app)) {
        let known = if app == SANDBOX { " (PSC_BAS)" } else { "" };
        return point(
            id,
            Conforms,
            format!("La stratégie vise l'application {app}{known}."),
            format!("The policy targets the application {app}{known}."),
        );
    }
    let names_another = matches!(others, [AppTarget::App(_)]);
    if asked == Application::Assumed && names_another && !targets(policy, app) {
        return point(
            id,
            CannotTell,
            "La stratégie vise une application qui n'est pas celle du bac à sable : indiquer par --app l'identifiant de \
             l'application Pro Santé Connect.",
            "The policy targets an application that is not that of the sandbox: name the application of Pro Santé Connect \
             with --app.",
        );
    }
    point(
        id,
        DoesNotConform,
        format!("La stratégie doit viser nommément l'application {app}, sans l'exclure."),
        format!("The policy must target the application {app} by name, and not exclude it."),
    )
}

pub fn users(policy: &Policy) -> Point {
    let users = policy.conditions.users.as_ref();
    either(
        "users",
        users.is_some_and(|users| users.include_users.contains(&UserTarget::All)),
        [
            "La stratégie s'applique à tous les utilisateurs.",
            "The policy applies to all users.",
        ],
        [
            "La stratégie ne s'applique qu'à une partie des utilisateurs (déploiement progressif ?) : à terme, inclure tous \
             les utilisateurs.",
            "The policy applies to some of the users only (a roll-out?): include all users in the end.",
        ],
    )
}

pub fn exclusions(policy: &Policy) -> Point {
    let id = "exclusions";
    let Some(users) = &policy.conditions.users else {
        return point(id, Conforms, "Aucun compte n'est exclu.", "No account is excluded.");
    };
    let named = users
        .exclude_users
        .iter()
        .filter(|target| matches!(target, UserTarget::User(_)))
        .count();
    let kinds = named < users.exclude_users.len() || users.exclude_guests.is_some() || !users.exclude_roles.is_empty();
    if kinds {
        return point(
            id,
            DoesNotConform,
            "Des rôles, des invités ou tous les utilisateurs sont exclus : seuls les comptes d'accès d'urgence peuvent \
             l'être.",
            "Roles, guests or all users are excluded: only emergency accounts may be.",
        );
    }
    let groups = users.exclude_groups.len();
    if groups > 0 || named > MAX_EMERGENCY_ACCOUNTS {
        return point(
            id,
            CannotTell,
            format!(
                "{named} comptes et {groups} groupes sont exclus : vérifier que ce ne sont que les comptes d'accès d'urgence."
            ),
            format!(
                "{named} accounts and {groups} groups are excluded: make sure that these are the emergency accounts only."
            ),
        );
    }
    point(
        id,
        Conforms,
        format!("Comptes exclus : {named}, pour {MAX_EMERGENCY_ACCOUNTS} comptes d'accès d'urgence au plus."),
        format!("Excluded accounts: {named}, of {MAX_EMERGENCY_ACCOUNTS} emergency accounts at most."),
    )
}

pub fn emergency_account(policy: &Policy) -> Point {
    let users = policy.conditions.users.as_ref();
    let is_account = |target: &UserTarget| matches!(target, UserTarget::User(_));
    let is_one =
        users.is_some_and(|users| users.exclude_users.iter().any(is_account) || !users.exclude_groups.is_empty());
    either(
        "emergency-account",
        is_one,
        [
            "Un compte d'accès d'urgence est exclu.",
            "An emergency account is excluded.",
        ],
        [
            "Au moins un compte d'accès d'urgence doit être exclu de toutes les stratégies.",
            "At least one emergency account must be excluded from every policy.",
        ],
    )
}

pub fn conditions(policy: &Policy) -> Point {
    let narrowing = narrowing(&policy.conditions);
    if narrowing.is_empty() {
        return point(
            "conditions",
            Conforms,
            "Aucune condition ne réduit la portée de la stratégie.",
            "No condition narrows the policy.",
        );
    }
    let list = narrowing.join(", ");
    point(
        "conditions",
        DoesNotConform,
        format!("Des conditions réduisent la portée de la stratégie : {list}."),
        format!("Conditions narrow the policy: {list}."),
    )
}

/// The conditions by which a sign-in could get around the policy.
fn narrowing(conditions: &Conditions) -> Vec<&'static str> {
    let applications = conditions.applications.as_ref();
    let types = &conditions.client_app_types;
    let most = [
        ClientAppType::Browser,
        ClientAppType::MobileAppsAndDesktopClients,
        ClientAppType::ExchangeActiveSync,
        ClientAppType::Other,
    ];
    let are_all_types =
        types.is_empty() || types.contains(&ClientAppType::All) || most.iter().all(|one| types.contains(one));
    let are_all_platforms = conditions.platforms.as_ref().is_none_or(|platforms| {
        platforms.exclude_platforms.is_empty() && platforms.include_platforms.contains(&DevicePlatform::All)
    });
    let are_all_locations = conditions.locations.as_ref().is_none_or(|locations| {
        locations.exclude_locations.is_empty() && locations.include_locations.contains(&LocationTarget::All)
    });
    let has_filter = conditions
        .devices
        .as_ref()
        .is_some_and(|devices| devices.device_filter.is_some());
    let methods = conditions
        .authentication_flows
        .as_ref()
        .and_then(|flows| flows.transfer_methods.as_ref());
    let is_other = applications.is_some_and(|applications| {
        !applications.include_user_actions.is_empty() || !applications.include_authentication_contexts.is_empty()
    });
    let found = [
        (!are_all_types, "clientAppTypes"),
        (!are_all_platforms, "platforms"),
        (!are_all_locations, "locations"),
        (has_filter, "devices.deviceFilter"),
        (!conditions.sign_in_risk_levels.is_empty(), "signInRiskLevels"),
        (!conditions.user_risk_levels.is_empty(), "userRiskLevels"),
        (
            !conditions.service_principal_risk_levels.is_empty(),
            "servicePrincipalRiskLevels",
        ),
        (conditions.insider_risk_levels.is_some(), "insiderRiskLevels"),
        (
            methods.is_some_and(|methods| !methods.0.is_empty()),
            "authenticationFlows",
        ),
        (conditions.client_applications.is_some(), "clientApplications"),
        (
            applications.is_some_and(|applications| applications.application_filter.is_some()),
            "applications.applicationFilter",
        ),
        (is_other, "applications.includeUserActions"),
    ];
    found
        .into_iter()
        .filter(|(narrows, _)| *narrows)
        .map(|(_, name)| name)
        .collect()
}

/// Whether a strength is asked for, whether it allows nothing else, and whether it has the name.
pub fn strength(policy: &Policy, export: &Export) -> Vec<Point> {
    let grants = policy.grant_controls.as_ref();
    let reference = grants.and_then(|grants| grants.authentication_strength.as_ref());
    let asks_mfa = grants.is_some_and(|grants| grants.built_in_controls.contains(&BuiltInControl::Mfa));
    let Some(reference) = reference else {
        let is_left_out = export.origin == Origin::Script && !asks_mfa;
        return vec![if is_left_out {
            point(
                "strength",
                CannotTell,
                "L'export du script ne contient pas la force d'authentification : la vérifier dans le centre \
                 d'administration, ou exporter la stratégie depuis Microsoft Graph.",
                "The export of the script leaves the authentication strength out: look it up in the administration centre, \
                 or export the policy from Microsoft Graph.",
            )
        } else {
            point(
                "strength",
                DoesNotConform,
                "La stratégie doit exiger la force d'authentification FA01-ProSantéConnect.",
                "The policy must require the authentication strength FA01-ProSantéConnect.",
            )
        }];
    };
    let required = point(
        "strength",
        Conforms,
        "Une force d'authentification est exigée.",
        "An authentication strength is required.",
    );
    let built_ins = built_ins();
    let mut known = export.strengths.iter().chain(&built_ins);
    let found = reference
        .whole
        .as_deref()
        .or_else(|| known.find(|strength| strength.id == Some(reference.id)));
    match found {
        Some(strength) => vec![required, means(strength), strength_name(strength)],
        None => vec![
            required,
            point(
                "strength-means",
                CannotTell,
                format!("Les moyens de la force {} ne figurent pas dans l'export.", reference.id),
                format!("The means of the strength {} are not in the export.", reference.id),
            ),
        ],
    }
}

fn means(strength: &AuthenticationStrength) -> Point {
    let is_good = |combination: &&crate::strength::Combination| {
        let modes: Vec<_> = combination.modes().collect();
        matches!(modes.as_slice(), [mode] if MEANS.contains(mode))
    };
    let others: Vec<String> = strength
        .allowed_combinations
        .iter()
        .filter(|one| !is_good(one))
        .map(ToString::to_string)
        .collect();
    if others.is_empty() && !strength.allowed_combinations.is_empty() {
        return point(
            "strength-means",
            Conforms,
            "La force n'admet que Windows Hello Entreprise, FIDO2 et le certificat multifacteur.",
            "The strength allows nothing but Windows Hello for Business, FIDO2 and multifactor certificates.",
        );
    }
    let list = others.join(" ; ");
    point(
        "strength-means",
        DoesNotConform,
        format!("La force admet des moyens qui ne sont pas conformes, ou aucun : {list}."),
        format!("The strength allows means that do not conform, or none: {list}."),
    )
}

fn strength_name(strength: &AuthenticationStrength) -> Point {
    let name = composed(&strength.display_name);
    either(
        "strength-name",
        STRENGTH_NAMES.contains(&name.as_str()),
        [
            "La force porte le nom demandé.",
            "The strength has the name that is asked for.",
        ],
        [
            "La force doit se nommer FA01-ProSantéConnect.",
            "The strength must be called FA01-ProSantéConnect.",
        ],
    )
}

pub fn alternatives(policy: &Policy) -> Point {
    let grants = policy.grant_controls.as_ref();
    let is_alternative = grants.is_some_and(|grants| grants.count() > 1 && grants.operator != Some(Operator::And));
    // The strength is not counted where the export leaves it out.
    let is_replaced = grants.is_some_and(|grants| {
        grants.authentication_strength.is_none() && grants.count() > 0 && grants.operator != Some(Operator::And)
    });
    either(
        "grant-alternatives",
        !is_alternative && !is_replaced,
        [
            "Rien ne remplace la force d'authentification.",
            "Nothing replaces the authentication strength.",
        ],
        [
            "D'autres contrôles suffisent à la place de la force d'authentification (opérateur OR) : exiger tous les contrôles.",
            "Other controls are enough in the place of the authentication strength (operator OR): require all controls.",
        ],
    )
}

pub fn sign_in_frequency(policy: &Policy) -> Point {
    let id = "sign-in-frequency";
    let controls = policy.session_controls.as_ref();
    let frequency = controls.and_then(|controls| controls.sign_in_frequency.as_ref());
    let Some(frequency) = frequency.filter(|frequency| frequency.is_enabled == Some(true)) else {
        return point(
            id,
            DoesNotConform,
            format!("Aucune fréquence de connexion n'est imposée : en fixer une de {MAX_HOURS} heures au plus."),
            format!("No sign-in frequency is required: set one of {MAX_HOURS} hours at most."),
        );
    };
    if frequency.authentication_type == Some(AuthenticationType::Secondary) {
        return point(
            id,
            DoesNotConform,
            "La fréquence de connexion ne porte que sur le second facteur : elle doit porter sur les deux.",
            "The sign-in frequency is for the second factor only: it must be for both.",
        );
    }
    either(
        id,
        is_frequent(frequency),
        [
            "La réauthentification a lieu toutes les quatre heures au plus.",
            "One authenticates anew every four hours at most.",
        ],
        [
            "La fréquence de connexion dépasse quatre heures.",
            "The sign-in frequency is longer than four hours.",
        ],
    )
}

fn is_frequent(frequency: &SignInFrequency) -> bool {
    match frequency.interval {
        Some(FrequencyInterval::EveryTime) => true,
        Some(FrequencyInterval::TimeBased) | None => {
            frequency.unit == Some(FrequencyType::Hours)
                && frequency.value.is_some_and(|hours| (1..=MAX_HOURS).contains(&hours))
        }
    }
}

pub fn terms_of_use(export: &Export, app: AppId) -> Point {
    let id = "terms-of-use";
    let found = export
        .policies
        .iter()
        .find(|policy| begins_with(&policy.display_name, TERMS_PREFIX));
    let Some(policy) = found else {
        return point(
            id,
            Conforms,
            "Pas de stratégie AC01-ProSantéConnect : les conditions d'utilisation sont facultatives.",
            "No policy AC01-ProSantéConnect: terms of use are optional.",
        );
    };
    let has_terms = policy
        .grant_controls
        .as_ref()
        .is_some_and(|grants| !grants.terms_of_use.is_empty());
    either(
        id,
        has_terms && targets(policy, app) && policy.state == State::Enabled,
        [
            "La stratégie AC01-ProSantéConnect demande l'acceptation des conditions d'utilisation.",
            "The policy AC01-ProSantéConnect asks for acceptance of terms of use.",
        ],
        [
            "La stratégie AC01-ProSantéConnect doit être activée, viser la même application et exiger des conditions \
             d'utilisation, ou être supprimée.",
            "The policy AC01-ProSantéConnect must be enabled, target the same application and require terms of use, or be \
             deleted.",
        ],
    )
}

/// What was not understood may weaken a policy.
pub fn unread(export: &Export) -> Option<Point> {
    let first = export.passed_over.first()?;
    let more = export.passed_over.len() - 1;
    Some(point(
        "unread",
        CannotTell,
        format!("Des éléments de l'export n'ont pas été compris : {first} (et {more} autres)."),
        format!("Parts of the export were not understood: {first} (and {more} more)."),
    ))
}
