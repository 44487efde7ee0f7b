//! Where the large objects of a FHIR service lie: beside its database, unless a bucket is named.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::storage::SIZE_LIMIT;
use super::{Config, FhirInstance, SecretPlace, Workspace};
use crate::files;
use crate::wiring::{bucket, own_workload};

/// What Azure Storage is called in the tokens that it takes, in every cloud.
pub const AZURE_STORAGE: &str = "https://storage.azure.com";

/// A bucket of S3, or a container of Azure Blob Storage: exactly one of the two.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Blobs {
    /// Amazon S3, or a server with its protocol.
    pub s3: Option<S3>,
    /// Azure Blob Storage.
    pub azure: Option<Azure>,
    /// Certificates, in PEM form, of who signs for the service; those that the system trusts when absent.
    pub authorities: Option<PathBuf>,
}

/// A bucket, which must exist.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// Address of the server; Amazon's own in the region when absent.
    pub endpoint: Option<String>,
    /// The region; servers of other makers mostly want `us-east-1`.
    pub region: String,
    /// Its name.
    pub bucket: String,
    /// Id of the access key.
    pub key_id: String,
    /// The secret access key.
    pub secret_key: SecretPlace,
}

/// A container, which must exist.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Azure {
    /// Address of the account; `https://ACCOUNT.blob.core.windows.net` when absent.
    pub endpoint: Option<String>,
    /// Name of the account.
    pub account: String,
    /// Name of the container.
    pub container: String,
    /// A key of the account, in base64.
    pub key: Option<SecretPlace>,
    /// Whether the service shows tokens of its managed identity instead.
    #[serde(default)]
    pub managed_identity: bool,
}

/// Everything that is wrong with the large objects of a workspace, as far as is known without reaching a bucket.
pub fn problems(config: &Config, workspace: &Workspace) -> Vec<String> {
    let tenants = config.tenants.iter().map(toml::Spanned::get_ref);
    let own = || tenants.clone().filter(|tenant| tenant.id == workspace.tenant);
    let mut applications = own().flat_map(|tenant| &tenant.applications);
    let has_storage =
        applications.any(|application| application.identifier_uris.iter().any(|uri| uri == AZURE_STORAGE));
    let mut problems = Vec::new();
    for (service, blobs) in workspace.blobs() {
        let found = blobs.problems(has_storage).into_iter().chain(bucket::problems(blobs));
        problems.extend(found.map(|problem| format!("FHIR service {} of {}: {problem}", service.name, workspace.name)));
        let name = own_workload(&workspace.name, &service.name);
        let is_theirs = own()
            .flat_map(|tenant| &tenant.workloads)
            .any(|workload| workload.name == name);
        if blobs.is_by_identity() && is_theirs {
            problems.push(format!(
                "workload {name} is a service of this program: name yours otherwise"
            ));
        }
    }
    problems
}

impl FhirInstance {
    /// Whether the service uses an identity of its own.
    pub fn has_identity(&self) -> bool {
        let by_events = self.events.as_ref().is_some_and(|events| events.resource().is_some());
        by_events || self.blobs.as_ref().is_some_and(Blobs::is_by_identity)
    }
}

impl Blobs {
    /// Takes relative paths as relative to `base`.
    pub fn make_absolute(&mut self, base: &Path) {
        let s3 = self.s3.as_mut().and_then(|s3| s3.secret_key.file.as_mut());
        let azure = self.azure.as_mut().and_then(|azure| azure.key.as_mut()?.file.as_mut());
        for path in [s3, azure, self.authorities.as_mut()].into_iter().flatten() {
            *path = base.join(&*path);
        }
    }

    /// The text of the authorities' certificates; empty when none are named.
    pub fn read_authorities(&self) -> anyhow::Result<Vec<u8>> {
        let read = |file: &PathBuf| files::read_limited(file, SIZE_LIMIT);
        self.authorities.as_ref().map_or(Ok(Vec::new()), read)
    }

    /// Whether the service is known by its managed identity.
    pub fn is_by_identity(&self) -> bool {
        self.azure.as_ref().is_some_and(|azure| azure.managed_identity)
    }

    /// What is wrong with it besides its addresses; `has_storage` says whether the tenant has an application that stands
    /// for Azure Storage.
    fn problems(&self, has_storage: bool) -> Vec<String> {
        let mut problems = Vec::new();
        if self.s3.is_some() == self.azure.is_some() {
            problems.push("blobs need `s3` or `azure`, and not both".to_owned());
        }
        if let Some(azure) = &self.azure {
            if azure.key.is_some() == azure.managed_identity {
                problems.push("azure needs `key`, or `managed_identity = true`".to_owned());
            }
            if azure.managed_identity && !has_storage {
                problems.push(format!(
                    "{AZURE_STORAGE} is no application of the tenant: name it in the `identifier_uris` of one"
                ));
            }
        }
        let secret = self.s3.as_ref().map(|s3| &s3.secret_key);
        let secret = secret.or(self.azure.as_ref().and_then(|azure| azure.key.as_ref()));
        let unread = secret.and_then(|secret| secret.read().err());
        problems.extend(unread.map(|error| format!("the key of blobs: {error:#}")));
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_is_named() {
        let s3 = "s3 = { region = \"eu-west-3\", bucket = \"b\", key_id = \"k\", secret_key = { env = \"PATH\" } }";
        let azure = |more: &str| format!("azure = {{ account = \"a\", container = \"c\"{more} }}");
        let with = |text: &str, has_storage| {
            let blobs: Blobs = toml::from_str(text).expect("blobs");
            blobs.problems(has_storage)
        };
        let by_identity = azure(", managed_identity = true");
        for (fine, has_storage) in [
            (s3, false),
            (&azure(", key = { env = \"PATH\" }"), false),
            (&by_identity, true),
        ] {
            assert_eq!(with(fine, has_storage), Vec::<String>::new(), "{fine}");
        }
        for (text, expected) in [
            (String::new(), "blobs need `s3` or `azure`"),
            (format!("{s3}\n{by_identity}"), "and not both"),
            (azure(""), "azure needs `key`, or"),
            (
                azure(", key = { env = \"PATH\" }, managed_identity = true"),
                "azure needs `key`, or",
            ),
            (
                by_identity.clone(),
                "https://storage.azure.com is no application of the tenant",
            ),
            (
                azure(", key = { env = \"NO_SUCH\" }"),
                "the key of blobs: the variable NO_SUCH of the environment",
            ),
        ] {
            let found = with(&text, false);
            assert!(
                found.iter().any(|problem| problem.contains(expected)),
                "{text}: {found:?}"
            );
        }
        assert!(toml::from_str::<Blobs>("local = true").is_err());
    }
}
