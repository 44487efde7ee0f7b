//! What callers ask to do, and which data actions that needs.

use crate::DataAction::{
    DicomDelete, DicomExport, DicomManageExtendedQueryTags, DicomRead, DicomWrite, FhirBulkOperator, FhirConvertData,
    FhirDelete, FhirEditProfileDefinitions, FhirExport, FhirHardDelete, FhirImport, FhirRead, FhirReindex,
    FhirResourceValidate, FhirSearchParameter, FhirWrite, MedTechSend,
};
use crate::{ActionSet, Kind, RoleSemantics};

macro_rules! interactions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// An interaction or operation of the FHIR API, built or not yet.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Interaction {$(
            $(#[$doc])*
            $variant,
        )*}

        impl Interaction {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name, as in a CapabilityStatement where it has one there.
            pub const fn name(self) -> &'static str {
                match self {$(
                    Self::$variant => $name,
                )*}
            }
        }
    };
}

interactions! {
    /// `GET {type}/{id}`.
    Read = "read";
    /// `GET {type}/{id}/_history/{vid}`.
    Vread = "vread";
    /// `GET {type}/{id}/_history`.
    HistoryInstance = "history-instance";
    /// `GET {type}/_history`.
    HistoryType = "history-type";
    /// `GET _history`.
    HistorySystem = "history-system";
    /// `GET {type}` and `POST {type}/_search`; searches of a compartment.
    SearchType = "search-type";
    /// `GET /` and `POST _search`.
    SearchSystem = "search-system";
    /// `Patient/{id}/$everything`.
    Everything = "$everything";
    /// `Patient/$member-match`.
    MemberMatch = "$member-match";
    /// `DocumentReference/$docref`.
    DocRef = "$docref";
    /// `ValueSet/$expand`.
    Expand = "$expand";
    /// `{type}/$includes`.
    Includes = "$includes";
    /// `POST {type}`.
    Create = "create";
    /// `POST {type}` with `If-None-Exist`.
    ConditionalCreate = "create, conditional";
    /// `PUT {type}/{id}`, which may create.
    Update = "update";
    /// `PUT {type}?…`.
    ConditionalUpdate = "update, conditional";
    /// `PATCH {type}/{id}`.
    Patch = "patch";
    /// `PATCH {type}?…`.
    ConditionalPatch = "patch, conditional";
    /// `DELETE {type}/{id}`, keeping the history.
    Delete = "delete";
    /// `DELETE {type}?…`.
    ConditionalDelete = "delete, conditional";
    /// `DELETE {type}/{id}?hardDelete=true`.
    HardDelete = "delete, hard";
    /// `DELETE {type}/{id}/$purge-history`.
    PurgeHistory = "$purge-history";
    /// `POST /`: to enter; each entry is authorized on its own.
    Bundle = "batch or transaction";
    /// `{type}/$validate`.
    Validate = "$validate";
    /// `$convert-data`.
    ConvertData = "$convert-data";
    /// `$export`, the state of a job and its cancellation.
    Export = "$export";
    /// `$import`, the state of a job and its cancellation.
    Import = "$import";
    /// `$reindex`, the state of a job and its cancellation.
    Reindex = "$reindex";
    /// `$bulk-delete` of current versions.
    BulkDelete = "$bulk-delete";
    /// `$bulk-delete` with history, `$bulk-delete-soft-deleted`.
    BulkHardDelete = "$bulk-delete, hard";
    /// `$bulk-update`.
    BulkUpdate = "$bulk-update";
    /// The state of a bulk delete or update.
    BulkStatus = "bulk job status";
    /// `GET SearchParameter/$status`.
    SearchParameterStatus = "$status";
    /// `PUT SearchParameter/$status`.
    SetSearchParameterStatus = "$status, change";
}

impl Interaction {
    /// This interaction with resources of a type.
    pub const fn on(self, resource_type: &str) -> Operation<'_> {
        Operation::Fhir(self, Some(resource_type))
    }

    /// This interaction with the whole service.
    pub const fn everywhere(self) -> Operation<'static> {
        Operation::Fhir(self, None)
    }

    /// Whether it changes or removes resources of its type.
    pub(crate) const fn is_write(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::ConditionalCreate
                | Self::Update
                | Self::ConditionalUpdate
                | Self::Patch
                | Self::ConditionalPatch
                | Self::Delete
                | Self::ConditionalDelete
                | Self::HardDelete
                | Self::PurgeHistory
                | Self::BulkDelete
                | Self::BulkHardDelete
                | Self::BulkUpdate
        )
    }
}

/// A call of the DICOM service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DicomOperation {
    /// Every GET.
    Read,
    /// Store, bulk update, work items.
    Write,
    /// Delete a study, series or instance.
    Delete,
    /// Change extended query tags.
    ManageExtendedQueryTags,
    /// Export instances.
    Export,
}

/// What a caller asks to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// An interaction of FHIR, with resources of one type or of all.
    Fhir(Interaction, Option<&'a str>),
    /// A call of DICOM.
    Dicom(DicomOperation),
    /// Sending device messages.
    MedTechSend,
}

/// What an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// All of these actions.
    All(ActionSet),
    /// Any action of its kind.
    Any,
}

impl Operation<'_> {
    /// The kind of service that offers it.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Fhir(..) => Kind::Fhir,
            Self::Dicom(_) => Kind::Dicom,
            Self::MedTechSend => Kind::MedTech,
        }
    }

    /// The actions it needs.
    pub(crate) fn need(self, semantics: RoleSemantics) -> Need {
        match self {
            Self::Fhir(Interaction::Bundle, _) => Need::Any,
            Self::Fhir(interaction, resource_type) => {
                let base = ActionSet::of(fhir_actions(interaction, semantics));
                // The guide's Importer brings data. Azure's may bring everything, and so may whoever imports as a whole there.
                let brings = interaction == Interaction::Import
                    && resource_type.is_some()
                    && semantics == RoleSemantics::Documented;
                let special = if interaction.is_write() || brings {
                    special_actions(resource_type, semantics)
                } else {
                    &[]
                };
                Need::All(base.union(ActionSet::of(special)))
            }
            Self::Dicom(operation) => Need::All(ActionSet::of(match operation {
                DicomOperation::Read => &[DicomRead],
                DicomOperation::Write => &[DicomWrite],
                DicomOperation::Delete => &[DicomDelete],
                DicomOperation::ManageExtendedQueryTags => &[DicomManageExtendedQueryTags],
                DicomOperation::Export => &[DicomExport],
            })),
            Self::MedTechSend => Need::All(ActionSet::of(&[MedTechSend])),
        }
    }
}

fn fhir_actions(interaction: Interaction, semantics: RoleSemantics) -> &'static [crate::DataAction] {
    use Interaction as I;
    let azure = semantics == RoleSemantics::Azure;
    match interaction {
        I::Read
        | I::Vread
        | I::HistoryInstance
        | I::HistoryType
        | I::HistorySystem
        | I::SearchType
        | I::SearchSystem
        | I::Everything
        | I::MemberMatch
        | I::DocRef
        | I::Expand
        | I::Includes
        | I::SearchParameterStatus => &[FhirRead],
        I::Create | I::Update => &[FhirWrite],
        // What is written is found by a search, or answered with what was there.
        I::ConditionalCreate | I::ConditionalUpdate | I::ConditionalPatch | I::Patch => &[FhirRead, FhirWrite],
        I::Delete => &[FhirDelete],
        I::ConditionalDelete => &[FhirRead, FhirDelete],
        I::HardDelete | I::PurgeHistory => &[FhirDelete, FhirHardDelete],
        // Entering needs any action (`Need::Any`).
        I::Bundle => &[],
        I::Validate => &[FhirResourceValidate],
        I::ConvertData => &[FhirConvertData],
        I::Export => &[FhirExport],
        I::Import => &[FhirImport],
        I::Reindex => &[FhirReindex],
        // In Azure whoever deletes one resource deletes many; the guide leaves bulk work to the Contributor.
        I::BulkDelete if azure => &[FhirDelete],
        I::BulkDelete => &[FhirDelete, FhirBulkOperator],
        I::BulkHardDelete if azure => &[FhirDelete, FhirHardDelete],
        I::BulkHardDelete => &[FhirDelete, FhirHardDelete, FhirBulkOperator],
        I::BulkStatus if azure => &[FhirRead],
        I::BulkUpdate | I::BulkStatus => &[FhirBulkOperator],
        I::SetSearchParameterStatus => &[FhirSearchParameter],
    }
}

/// What writes of resources that change the service itself need besides.
///
/// Azure guards the four types that its profile validation reads. The guide leaves "conformance resources" to the
/// Contributor, which we take as the R4 modules Conformance and Terminology: a changed ConceptMap or NamingSystem
/// alters the meaning of everybody's data as much as a changed profile.
fn special_actions(resource_type: Option<&str>, semantics: RoleSemantics) -> &'static [crate::DataAction] {
    match resource_type {
        Some("SearchParameter") => &[FhirReindex],
        Some("StructureDefinition" | "ValueSet" | "CodeSystem" | "ConceptMap") => &[FhirEditProfileDefinitions],
        Some(
            "CapabilityStatement"
            | "CompartmentDefinition"
            | "ExampleScenario"
            | "GraphDefinition"
            | "ImplementationGuide"
            | "MessageDefinition"
            | "NamingSystem"
            | "OperationDefinition"
            | "StructureMap"
            | "TerminologyCapabilities",
        ) if semantics == RoleSemantics::Documented => &[FhirEditProfileDefinitions],
        // Work on all types touches those above.
        None => &[FhirReindex, FhirEditProfileDefinitions],
        Some(_) => &[],
    }
}
