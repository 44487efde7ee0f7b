//! What policies do to a session: how often one authenticates anew, whether it outlives the browser.
//! <https://learn.microsoft.com/entra/identity/conditional-access/concept-session-lifetime>
//!
//! # Deviations
//!
//! - The strictest sign-in frequency wins, and each is kept, where Entra ID leaves the choice open.
//! - [`Effects::tokens_until`] bounds tokens: in Entra ID an access token outlives the frequency by up to its own life.
//! - Of `always` and `never` for a persistent browser, `never` wins.

use std::time::Duration;

use hygie_core::Timestamp;

use crate::policy::{
    AuthenticationType, CloudAppSecurityType, FrequencyInterval, FrequencyType, PersistentBrowserMode, SessionControls,
    SignInFrequency, Switch,
};
use crate::signin::{Session, Used};
use crate::strength::Mode;

/// With `everyTime`, what was given less long ago still counts, and tokens live until then: the way back from the sign-in page
/// takes its time.
pub const TOLERANCE: Duration = Duration::from_mins(5);

/// How often one authenticates anew; the smaller is the stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Frequency {
    /// Unset is each time.
    pub period: Option<Duration>,
    /// Which factors.
    pub factors: AuthenticationType,
}

impl Frequency {
    /// That of a control which is on. One without a time, which is refused when it is stored, is each time.
    pub fn of(control: &SignInFrequency) -> Option<Self> {
        if control.is_enabled != Some(true) {
            return None;
        }
        let period = match (control.interval, control.unit, control.value) {
            (Some(FrequencyInterval::EveryTime), ..) => None,
            (_, Some(FrequencyType::Hours), Some(value)) => Some(Duration::from_hours(value.into())),
            (_, Some(FrequencyType::Days), Some(value)) => Some(Duration::from_hours(u64::from(value) * 24)),
            _ => None,
        };
        let factors = control
            .authentication_type
            .unwrap_or(AuthenticationType::PrimaryAndSecondary);
        Some(Self { period, factors })
    }

    /// When the oldest of its factors was given. A second factor that never was is asked for by no frequency, only by
    /// a grant control.
    fn since(self, session: &Session) -> Option<Timestamp> {
        match (self.factors, session.primary_at, session.secondary_at) {
            (AuthenticationType::Secondary, _, secondary) => secondary,
            (AuthenticationType::PrimaryAndSecondary, Some(primary), Some(secondary)) => Some(primary.min(secondary)),
            (AuthenticationType::PrimaryAndSecondary, primary, None) => primary,
            (AuthenticationType::PrimaryAndSecondary, None, Some(_)) => None,
        }
    }

    /// Whether its factors must be given anew.
    pub fn is_over(self, session: &Session, now: Timestamp) -> bool {
        let Some(since) = self.since(session) else {
            return self.factors == AuthenticationType::PrimaryAndSecondary;
        };
        now.since(since) >= self.reach()
    }

    /// How long what was given counts.
    pub(crate) fn reach(self) -> Duration {
        self.period.unwrap_or(TOLERANCE)
    }

    /// Whether a method was used so lately that it still counts.
    pub fn counts(self, used: &Used, now: Timestamp) -> bool {
        now.since(self.since_use(used, now)) < self.reach()
    }

    /// When a method was used, as far as this frequency asks: a password may be of any age where the second factor is meant.
    pub(crate) fn since_use(self, used: &Used, now: Timestamp) -> Timestamp {
        let is_first_only = matches!(used.usage.mode, Mode::Password | Mode::FederatedSingleFactor);
        if self.factors == AuthenticationType::Secondary && is_first_only {
            now
        } else {
            used.at
        }
    }

    /// Until when tokens may live that are issued on these factors: none after it asks anew.
    pub fn tokens_until(self, session: &Session) -> Option<Timestamp> {
        Some(self.since(session)? + self.reach())
    }
}

/// What the policies that apply do to the session together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The strictest frequency.
    pub frequency: Option<Frequency>,
    /// Until when access and refresh tokens may live, at most.
    pub tokens_until: Option<Timestamp>,
    /// Whether the session outlives the browser; unset leaves it to the person.
    pub persistent_browser: Option<PersistentBrowserMode>,
    /// The application restricts by itself.
    pub has_application_restrictions: bool,
    /// What a broker of cloud applications does.
    pub cloud_app_security: Option<CloudAppSecurityType>,
    /// No session goes on when policies cannot be evaluated.
    pub has_no_resilience: bool,
    /// Tokens are bound to the device.
    pub is_bound_to_device: bool,
}

impl Effects {
    /// Lets tokens end at an instant, if not before.
    pub(crate) fn end(&mut self, until: Option<Timestamp>) {
        self.tokens_until = [self.tokens_until, until].into_iter().flatten().min();
    }

    /// Adds those of one more policy.
    pub(crate) fn add(&mut self, controls: &SessionControls, session: &Session) {
        if let Some(frequency) = controls.sign_in_frequency.as_ref().and_then(Frequency::of) {
            // `None` is the smallest period, and would be the smallest frequency if there were none yet.
            self.frequency = Some(self.frequency.map_or(frequency, |strictest| strictest.min(frequency)));
            self.end(frequency.tokens_until(session));
        }
        if let Some(browser) = controls
            .persistent_browser
            .as_ref()
            .filter(|browser| browser.is_enabled == Some(true))
        {
            let is_never = self.persistent_browser == Some(PersistentBrowserMode::Never);
            self.persistent_browser = if is_never {
                self.persistent_browser
            } else {
                browser.mode
            };
        }
        if let Some(broker) = controls
            .cloud_app_security
            .as_ref()
            .filter(|broker| broker.is_enabled == Some(true))
        {
            self.cloud_app_security = self.cloud_app_security.max(broker.kind);
        }
        self.has_application_restrictions |= is_on(controls.application_enforced_restrictions.as_ref());
        self.is_bound_to_device |= is_on(controls.secure_sign_in_session.as_ref());
        self.has_no_resilience |= controls.disable_resilience_defaults == Some(true);
    }
}

fn is_on(switch: Option<&Switch>) -> bool {
    switch.is_some_and(|switch| switch.is_enabled == Some(true))
}

impl SessionControls {
    /// The controls that are on, as the sign-in log names them.
    pub(crate) fn names(&self) -> Vec<String> {
        let browser = self.persistent_browser.as_ref().and_then(|browser| browser.is_enabled);
        let frequency = self
            .sign_in_frequency
            .as_ref()
            .and_then(|frequency| frequency.is_enabled);
        let broker = self.cloud_app_security.as_ref().and_then(|broker| broker.is_enabled);
        let named = [
            (
                is_on(self.application_enforced_restrictions.as_ref()),
                "applicationEnforcedRestrictions",
            ),
            (broker == Some(true), "cloudAppSecurity"),
            (browser == Some(true), "persistentBrowser"),
            (frequency == Some(true), "signInFrequency"),
            (
                self.disable_resilience_defaults == Some(true),
                "disableResilienceDefaults",
            ),
            (is_on(self.secure_sign_in_session.as_ref()), "secureSignInSession"),
        ];
        named
            .into_iter()
            .filter(|(is_on, _)| *is_on)
            .map(|(_, name)| name.to_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000;

    #[expect(clippy::unnecessary_wraps, reason = "facts are optional")]
    fn ago(minutes: i64) -> Option<Timestamp> {
        Some(Timestamp::from_secs(NOW - minutes * 60))
    }

    #[test]
    fn frequencies() {
        let (both, second) = (AuthenticationType::PrimaryAndSecondary, AuthenticationType::Secondary);
        for (hours, factors, primary, secondary, is_over) in [
            (Some(4), both, ago(239), None, false),
            (Some(4), both, ago(240), None, true),
            (Some(4), both, ago(10), ago(241), true),
            (Some(4), both, ago(241), ago(10), true),
            (Some(4), both, None, ago(10), true),
            (Some(4), both, None, None, true),
            (Some(4), second, ago(999), ago(10), false),
            (Some(4), second, ago(10), ago(240), true),
            (Some(4), second, ago(999), None, false),
            (None, both, ago(4), ago(4), false),
            (None, both, ago(5), ago(4), true),
            (None, second, ago(999), ago(4), false),
            (None, second, ago(1), ago(5), true),
            (Some(4), both, ago(-10), None, false),
        ] {
            let session = Session {
                primary_at: primary,
                secondary_at: secondary,
                ..Session::default()
            };
            let frequency = Frequency {
                period: hours.map(Duration::from_hours),
                factors,
            };
            let found = frequency.is_over(&session, Timestamp::from_secs(NOW));
            assert_eq!(found, is_over, "{frequency:?} {primary:?} {secondary:?}");
        }
    }

    #[test]
    fn tokens_end_with_the_shortest_frequency() {
        let frequency = |value, unit, interval| SessionControls {
            application_enforced_restrictions: None,
            cloud_app_security: None,
            persistent_browser: None,
            sign_in_frequency: Some(SignInFrequency {
                is_enabled: Some(true),
                value,
                unit,
                interval,
                authentication_type: None,
            }),
            disable_resilience_defaults: None,
            secure_sign_in_session: None,
        };
        let session = Session {
            primary_at: ago(60),
            secondary_at: ago(30),
            ..Session::default()
        };
        let mut effects = Effects::default();
        effects.add(&frequency(Some(1), Some(FrequencyType::Days), None), &session);
        assert_eq!(effects.tokens_until, ago(60 - 24 * 60));
        effects.add(&frequency(Some(4), Some(FrequencyType::Hours), None), &session);
        assert_eq!(effects.tokens_until, ago(60 - 4 * 60));
        effects.add(&frequency(None, None, Some(FrequencyInterval::EveryTime)), &session);
        assert_eq!(effects.tokens_until, ago(60 - 5));
        assert_eq!(effects.frequency.map(|frequency| frequency.period), Some(None));
    }
}
