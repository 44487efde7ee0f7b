//! Where an establishment wants to be told by mail of what is for nobody by name.
//! <https://learn.microsoft.com/graph/api/resources/organization>

use hygie_core::Cx;
use hygie_store::StoreError;
use hygie_store::audit::Record;

use crate::repo::{Letters, Topic};
use crate::{Directory, DirectoryError};

/// Addresses of one topic.
const MOST: usize = 20;
/// Longest address (RFC 5321 §4.5.3.1).
const MAX_ADDRESS: usize = 254;

/// The addresses of the two topics; a change leaves out what stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotificationMails<T> {
    /// `securityComplianceNotificationMails`: where alerts go.
    pub security: T,
    /// `technicalNotificationMails`: kept for those who look after the establishment.
    pub technical: T,
}

impl Directory {
    /// Where the context's tenant wants to be told.
    pub async fn notification_mails(&self, cx: &Cx) -> Result<NotificationMails<Vec<String>>, StoreError> {
        self.store()
            .read(cx, (), |(), tx| {
                Box::pin(async move {
                    Ok(NotificationMails {
                        security: Letters(tx).list_addresses(Topic::Security).await?,
                        technical: Letters(tx).list_addresses(Topic::Technical).await?,
                    })
                })
            })
            .await
    }

    /// Changes it. An address that alerts go to no more is told so.
    pub async fn change_notification_mails(
        &self,
        cx: &Cx,
        change: NotificationMails<Option<Vec<String>>>,
    ) -> Result<(), DirectoryError> {
        checked(change.security.as_deref(), "securityComplianceNotificationMails")?;
        checked(change.technical.as_deref(), "technicalNotificationMails")?;
        let record = Record::success(cx, "idp.organization.update", format!("tenant/{}", cx.tenant));
        self.change(cx, (change, record), |(change, record), tx| {
            Box::pin(async move {
                for (topic, wanted) in [
                    (Topic::Security, &change.security),
                    (Topic::Technical, &change.technical),
                ] {
                    if let Some(wanted) = wanted {
                        Letters(tx).put_addresses(topic, wanted).await?;
                    }
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }
}

fn checked(addresses: Option<&[String]>, member: &'static str) -> Result<(), DirectoryError> {
    let addresses = addresses.unwrap_or_default();
    if addresses.len() > MOST || !addresses.iter().all(|address| is_address(address)) {
        return Err(DirectoryError::Value(member));
    }
    Ok(())
}

/// One mailbox, without a name before it.
fn is_address(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | ',' | ';' | ':' | '"' | '(' | ')' | '\\');
    let parts = text.rsplit_once('@');
    text.len() <= MAX_ADDRESS
        && text.chars().all(is_plain)
        && parts.is_some_and(|(local, domain)| !local.is_empty() && !local.contains('@') && !domain.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["securite@chu.example", "o'neil+alertes@a-b.example", "x@localhost"] {
            assert!(is_address(good), "{good}");
        }
        let long = format!("{}@chu.example", "a".repeat(250));
        for wrong in [
            "",
            "chu.example",
            "@chu.example",
            "a@",
            "a@b@c",
            "A <a@b.example>",
            "a@b, c@d",
            "a\r\nBcc: x@y",
            &long,
        ] {
            assert!(!is_address(wrong), "{wrong}");
        }
    }
}
