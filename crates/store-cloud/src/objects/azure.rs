//! Azure Blob Storage, with the key of its account or with tokens of Entra ID.
//! <https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-requests-to-azure-storage>

use std::sync::Arc;

use async_trait::async_trait;
use hygie_core::Secret;
use object_store::azure::{AzureAccessKey, AzureCredential, MicrosoftAzure, MicrosoftAzureBuilder};
use object_store::{ClientOptions, CredentialProvider, RetryConfig};

use super::OpenError;
use crate::tokens::Tokens;

/// The resource for whose tokens storage accounts ask, whatever their cloud.
const RESOURCE: &str = "https://storage.azure.com";

/// A container and who we are there.
#[derive(Clone, Debug)]
pub struct Azure {
    /// Address of the account; none for `https://ACCOUNT.blob.core.windows.net`.
    pub endpoint: Option<String>,
    /// Name of the account.
    pub account: String,
    /// Name of the container.
    pub container: String,
    /// Who we are.
    pub credential: Credential,
}

/// Who we are in an account.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Its owner: a key of the account, in base64.
    Key(Secret<String>),
    /// An identity with the role Storage Blob Data Contributor.
    Tokens(Arc<dyn Tokens>),
}

impl Azure {
    pub(super) fn build(self, client: ClientOptions, retry: RetryConfig) -> Result<MicrosoftAzure, OpenError> {
        let who = match self.credential {
            Credential::Key(key) => {
                let key = AzureAccessKey::try_new(key.expose()).map_err(|error| OpenError::Service(error.into()))?;
                Who::Key(Arc::new(AzureCredential::AccessKey(key)))
            }
            Credential::Tokens(tokens) => Who::Tokens(tokens),
        };
        let mut builder = MicrosoftAzureBuilder::new()
            .with_account(self.account)
            .with_container_name(self.container)
            .with_credentials(Arc::new(who))
            .with_client_options(client)
            .with_retry(retry);
        if let Some(endpoint) = self.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned());
        }
        builder.build().map_err(OpenError::Service)
    }
}

#[derive(Debug)]
enum Who {
    Key(Arc<AzureCredential>),
    Tokens(Arc<dyn Tokens>),
}

#[async_trait]
impl CredentialProvider for Who {
    type Credential = AzureCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AzureCredential>> {
        match self {
            Self::Key(key) => Ok(key.clone()),
            Self::Tokens(tokens) => {
                let failed = |source| object_store::Error::Unauthenticated {
                    path: RESOURCE.to_owned(),
                    source,
                };
                let token = tokens.token(RESOURCE).await.map_err(failed)?;
                Ok(Arc::new(AzureCredential::BearerToken(token.expose().clone())))
            }
        }
    }
}
