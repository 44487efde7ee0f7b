//! Kinds of data service and their data actions, the units that roles are made of.

use serde::{Deserialize, Serialize};

/// A kind of data service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// FHIR R4.
    Fhir,
    /// DICOMweb.
    Dicom,
    /// Device messages to FHIR.
    MedTech,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fhir, Self::Dicom, Self::MedTech];

    /// Its name in scopes of role assignments and in `demo.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fhir => "fhir",
            Self::Dicom => "dicom",
            Self::MedTech => "medtech",
        }
    }

    /// The kind of this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The audience that every service of this kind accepts besides its own.
    pub const fn shared_audience(self) -> Option<&'static str> {
        match self {
            Self::Fhir => Some("https://fhir.azurehealthcareapis.com"),
            Self::Dicom => Some("https://dicom.healthcareapis.azure.com"),
            Self::MedTech => None,
        }
    }

    /// The scope without which a person's token opens nothing.
    pub const fn delegated_scope(self) -> Option<&'static str> {
        match self {
            Self::Fhir => Some("user_impersonation"),
            Self::Dicom | Self::MedTech => None,
        }
    }
}

macro_rules! data_actions {
    ($($(#[$doc:meta])* $name:ident = $azure:literal;)*) => {
        /// A data action: what one role may do and another not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum DataAction {$(
            $(#[$doc])*
            $name,
        )*}

        impl DataAction {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name in Azure's role definitions.
            pub const fn azure_name(self) -> &'static str {
                match self {$(
                    Self::$name => $azure,
                )*}
            }
        }
    };
}

data_actions! {
    /// Read and search resources.
    FhirRead = "Microsoft.HealthcareApis/workspaces/fhirservices/resources/read";
    /// Create, update and patch resources.
    FhirWrite = "Microsoft.HealthcareApis/workspaces/fhirservices/resources/write";
    /// Delete resources, keeping their history.
    FhirDelete = "Microsoft.HealthcareApis/workspaces/fhirservices/resources/delete";
    /// Delete resources with their history.
    FhirHardDelete = "Microsoft.HealthcareApis/workspaces/fhirservices/resources/hardDelete/action";
    /// `$export`.
    FhirExport = "Microsoft.HealthcareApis/workspaces/fhirservices/resources/export/action";
    /// `$import`.
    FhirImport = "Microsoft.HealthcareApis/workspaces/fhirservices/resources/import/action";
    /// `$validate`.
    FhirResourceValidate = "Microsoft.HealthcareApis/workspaces/fhirservices/resources/resourceValidate/action";
    /// `$reindex`, and with it the definition of search parameters.
    FhirReindex = "Microsoft.HealthcareApis/workspaces/fhirservices/resources/reindex/action";
    /// `$convert-data`.
    FhirConvertData = "Microsoft.HealthcareApis/workspaces/fhirservices/resources/convertData/action";
    /// Write conformance resources.
    FhirEditProfileDefinitions =
        "Microsoft.HealthcareApis/workspaces/fhirservices/resources/editProfileDefinitions/action";
    /// Enable and disable search parameters.
    FhirSearchParameter = "Microsoft.HealthcareApis/workspaces/fhirservices/resources/searchParameter/action";
    /// `$bulk-update`, and here `$bulk-delete`.
    FhirBulkOperator = "Microsoft.HealthcareApis/workspaces/fhirservices/resources/bulkOperator/action";
    /// Act within SMART scopes: whoever holds it is narrowed by them.
    FhirSmart = "Microsoft.HealthcareApis/workspaces/fhirservices/resources/smart/action";
    /// Every GET of the DICOM service.
    DicomRead = "Microsoft.HealthcareApis/workspaces/dicomservices/resources/read";
    /// Store, bulk update, work items.
    DicomWrite = "Microsoft.HealthcareApis/workspaces/dicomservices/resources/write";
    /// Delete studies, series, instances.
    DicomDelete = "Microsoft.HealthcareApis/workspaces/dicomservices/resources/delete";
    /// Change extended query tags.
    DicomManageExtendedQueryTags =
        "Microsoft.HealthcareApis/workspaces/dicomservices/resources/manageExtendedQueryTags/action";
    /// Export instances.
    DicomExport = "Microsoft.HealthcareApis/workspaces/dicomservices/resources/export/action";
    /// Send device messages.
    MedTechSend = "Microsoft.EventHub/namespaces/messages/send/action";
}

/// A set of data actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActionSet(u32);

impl ActionSet {
    /// None.
    pub const EMPTY: Self = Self(0);

    /// These actions.
    pub const fn of(actions: &[DataAction]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < actions.len() {
            bits |= 1 << actions[at] as u32;
            at += 1;
        }
        Self(bits)
    }

    /// Those of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every action of `other` is among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether this action is among them.
    pub const fn has(self, action: DataAction) -> bool {
        self.contains(Self::of(&[action]))
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The actions, in order.
    pub fn iter(self) -> impl Iterator<Item = DataAction> {
        DataAction::ALL.iter().copied().filter(move |action| self.has(*action))
    }
}

// A set is one word.
const _: () = assert!(DataAction::ALL.len() <= u32::BITS as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        let set = ActionSet::of(&[DataAction::FhirRead, DataAction::MedTechSend]);
        assert_eq!(
            set.iter().collect::<Vec<_>>(),
            [DataAction::FhirRead, DataAction::MedTechSend]
        );
        assert!(set.has(DataAction::FhirRead) && !set.has(DataAction::FhirWrite));
        assert!(!set.contains(ActionSet::of(&[DataAction::FhirRead, DataAction::FhirWrite])));
        assert!(ActionSet::EMPTY.is_empty() && set.contains(ActionSet::EMPTY));
    }

    #[test]
    fn kinds_have_names() {
        for kind in Kind::ALL {
            assert_eq!(Kind::find(kind.name()), Some(kind));
        }
        assert_eq!(Kind::find("FHIR"), None);
    }
}
