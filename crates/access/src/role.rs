//! Roles: sets of data actions with Azure's names and ids.

use hygie_core::ObjectId;
use uuid::Uuid;

use crate::DataAction::{
    DicomDelete, DicomExport, DicomManageExtendedQueryTags, DicomRead, DicomWrite, FhirBulkOperator, FhirConvertData,
    FhirDelete, FhirEditProfileDefinitions, FhirExport, FhirHardDelete, FhirImport, FhirRead, FhirReindex,
    FhirResourceValidate, FhirSearchParameter, FhirSmart, FhirWrite, MedTechSend,
};
use crate::{ActionSet, Kind};

/// Which definition of the roles holds in a workspace.
///
/// Microsoft's guide and Microsoft's role definitions differ: the guide's Writer reads, writes and deletes, Azure's
/// also exports, imports, converts, reindexes and edits profiles; the guide's SMART user writes, Azure's only reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoleSemantics {
    /// As the guide describes the roles; each can do what its name says and no more.
    #[default]
    Documented,
    /// As Azure defines them.
    Azure,
}

macro_rules! roles {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $id:literal, $kind:ident;)*) => {
        /// A role that can be assigned.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Role {$(
            $(#[$doc])*
            $variant,
        )*}

        impl Role {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name, as Azure shows it.
            pub const fn name(self) -> &'static str {
                match self {$(
                    Self::$variant => $name,
                )*}
            }

            /// Azure's id of the role definition.
            pub const fn id(self) -> ObjectId {
                ObjectId::from_uuid(match self {$(
                    Self::$variant => Uuid::from_u128($id),
                )*})
            }

            /// The kind of service it is for.
            pub const fn kind(self) -> Kind {
                match self {$(
                    Self::$variant => Kind::$kind,
                )*}
            }
        }
    };
}

roles! {
    /// Reads; validates.
    FhirDataReader = "FHIR Data Reader", 0x4c8d0bbc_75d3_4935_991f_5f3c56d81508, Fhir;
    /// Reads, writes, soft-deletes; validates.
    FhirDataWriter = "FHIR Data Writer", 0x3f88fce4_5892_4214_ae73_ba5294559913, Fhir;
    /// Reads and exports.
    FhirDataExporter = "FHIR Data Exporter", 0x3db33094_8700_4567_8da5_1501d4e7e843, Fhir;
    /// Reads and imports.
    FhirDataImporter = "FHIR Data Importer", 0x4465e953_8ced_4406_a58e_0f6e3f3b530b, Fhir;
    /// Everything but acting as a SMART user.
    FhirDataContributor = "FHIR Data Contributor", 0x5a1fc7df_4bf1_4951_a576_89034ee01acd, Fhir;
    /// Converts, and sees no data.
    FhirDataConverter = "FHIR Data Converter", 0xa1705bd2_3a8f_45a5_8683_466fcfd5cc24, Fhir;
    /// Reads and writes within SMART scopes.
    FhirSmartUser = "FHIR SMART User", 0x4ba50f17_9666_485c_a643_ff00808643f0, Fhir;
    /// Everything on images.
    DicomDataOwner = "DICOM Data Owner", 0x58a3b984_7adf_4c20_983a_32417c86fbc8, Dicom;
    /// Reads images.
    DicomDataReader = "DICOM Data Reader", 0xe89c7a3c_2f64_4fa1_a847_3e4c9ba4283a, Dicom;
    /// Sends device messages.
    EventHubsDataSender = "Azure Event Hubs Data Sender", 0x2b629674_e913_4c01_ae53_ef4638d8f975, MedTech;
}

/// `*` except `smart/action`.
const FHIR_ALL: ActionSet = ActionSet::of(&[
    FhirRead,
    FhirWrite,
    FhirDelete,
    FhirHardDelete,
    FhirExport,
    FhirImport,
    FhirResourceValidate,
    FhirReindex,
    FhirConvertData,
    FhirEditProfileDefinitions,
    FhirSearchParameter,
    FhirBulkOperator,
]);

const DICOM_ALL: ActionSet = ActionSet::of(&[
    DicomRead,
    DicomWrite,
    DicomDelete,
    DicomManageExtendedQueryTags,
    DicomExport,
]);

impl Role {
    /// The role of this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.name() == name)
    }

    /// The role of this id.
    pub fn find_id(id: ObjectId) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.id() == id)
    }

    /// What it allows.
    pub const fn actions(self, semantics: RoleSemantics) -> ActionSet {
        let azure = matches!(semantics, RoleSemantics::Azure);
        match self {
            Self::FhirDataReader if azure => ActionSet::of(&[FhirRead]),
            Self::FhirDataReader => ActionSet::of(&[FhirRead, FhirResourceValidate]),
            Self::FhirDataWriter if azure => ActionSet::of(&[
                FhirRead,
                FhirWrite,
                FhirDelete,
                FhirExport,
                FhirResourceValidate,
                FhirReindex,
                FhirConvertData,
                FhirEditProfileDefinitions,
                FhirImport,
            ]),
            Self::FhirDataWriter => ActionSet::of(&[FhirRead, FhirWrite, FhirDelete, FhirResourceValidate]),
            Self::FhirDataExporter => ActionSet::of(&[FhirRead, FhirExport]),
            Self::FhirDataImporter => ActionSet::of(&[FhirRead, FhirImport]),
            Self::FhirDataContributor => FHIR_ALL,
            Self::FhirDataConverter => ActionSet::of(&[FhirConvertData]),
            Self::FhirSmartUser if azure => ActionSet::of(&[FhirRead, FhirSmart]),
            Self::FhirSmartUser => ActionSet::of(&[FhirRead, FhirWrite, FhirDelete, FhirSmart]),
            Self::DicomDataOwner => DICOM_ALL,
            Self::DicomDataReader => ActionSet::of(&[DicomRead]),
            Self::EventHubsDataSender => ActionSet::of(&[MedTechSend]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_find_their_role() {
        for role in Role::ALL {
            assert_eq!(Role::find(role.name()), Some(*role));
            assert_eq!(Role::find_id(role.id()), Some(*role));
        }
        assert_eq!(
            Role::FhirSmartUser.id().to_string(),
            "4ba50f17-9666-485c-a643-ff00808643f0"
        );
        assert_eq!(Role::find("Owner"), None);
    }
}
