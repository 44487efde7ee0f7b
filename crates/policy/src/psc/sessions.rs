//! Sessions and tokens that live longer than an establishment's own identity provider may let them.

use std::time::Duration;

use super::points::point;
use super::{MAX_HOURS, Point, Verdict};
use crate::lifetime::SessionLifetime;
use crate::token_lifetime::TokenLifetimePolicy;

/// The policy of Pro Santé Connect asks again after four hours in any case; a session of the house that lives longer is looked
/// up, for the rules of means of identification end it then (RIE-PS 13).
pub fn lifetime(of: &SessionLifetime) -> Point {
    let most = MAX_HOURS * 60;
    if of.longest <= most {
        return point(
            "session-lifetime",
            Verdict::Conforms,
            format!("Une session dure au plus {} minutes.", of.longest),
            format!("A session lives {} minutes at most.", of.longest),
        );
    }
    point(
        "session-lifetime",
        Verdict::CannotTell,
        format!(
            "Une session dure jusqu'à {} minutes, au-delà de quatre heures : réduire maximumLifetimeInMinutes à {most}, ou \
             vérifier que chaque application sensible est soumise à une fréquence de connexion.",
            of.longest
        ),
        format!(
            "A session lives up to {} minutes, beyond four hours: lower maximumLifetimeInMinutes to {most}, or see that each \
             sensitive application is under a sign-in frequency.",
            of.longest
        ),
    )
}

/// Tokens that outlive four hours, by policies of their lifetime: who has such a token is not asked again meanwhile, unless a
/// sign-in frequency ends it. Nothing is said where there are no such policies.
pub fn tokens(policies: &[TokenLifetimePolicy]) -> Option<Point> {
    let most = Duration::from_hours(u64::from(MAX_HOURS));
    // What says no lifetime that is understood may be a long one.
    let is_long = |policy: &&TokenLifetimePolicy| !policy.lifetime().is_ok_and(|lifetime| lifetime <= most);
    let long: Vec<&str> = policies
        .iter()
        .filter(is_long)
        .map(|policy| policy.display_name.as_str())
        .collect();
    if policies.is_empty() {
        return None;
    }
    if long.is_empty() {
        return Some(point(
            "token-lifetime",
            Verdict::Conforms,
            "Aucune stratégie ne fait durer un jeton plus de quatre heures.".to_owned(),
            "No policy lets a token live longer than four hours.".to_owned(),
        ));
    }
    let named = long.join(", ");
    Some(point(
        "token-lifetime",
        Verdict::CannotTell,
        format!(
            "Des jetons peuvent durer plus de quatre heures, par {named} : réduire AccessTokenLifetime, ou vérifier que leurs \
             applications sont soumises à une fréquence de connexion."
        ),
        format!(
            "Tokens may live longer than four hours, by {named}: lower AccessTokenLifetime, or see that their applications \
             are under a sign-in frequency."
        ),
    ))
}
