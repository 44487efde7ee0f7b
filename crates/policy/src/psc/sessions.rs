//! Sessions that live longer than an establishment's own identity provider may let them.

use super::points::point;
use super::{MAX_HOURS, Point, Verdict};
use crate::lifetime::SessionLifetime;

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
