//! What conditional access decides by: the names and kinds of the members of its documents, which `hygie_policy` writes.
//! <https://learn.microsoft.com/graph/api/resources/conditionalaccessroot>

use hygie_odata::{EntityType, Kind, Property};

const TEXT: Kind = Kind::Text;
const TEXTS: Kind = Kind::List(&Kind::Text);
const INSTANT: Kind = Kind::Instant;

const APPLICATIONS: &[Property] = &[
    Property::new("includeApplications", TEXTS),
    Property::new("excludeApplications", TEXTS),
    Property::new("includeUserActions", TEXTS),
    Property::new("includeAuthenticationContextClassReferences", TEXTS),
];
const USERS: &[Property] = &[
    Property::new("includeUsers", TEXTS),
    Property::new("excludeUsers", TEXTS),
    Property::new("includeGroups", TEXTS),
    Property::new("excludeGroups", TEXTS),
    Property::new("includeRoles", TEXTS),
    Property::new("excludeRoles", TEXTS),
];
const LOCATIONS: &[Property] = &[
    Property::new("includeLocations", TEXTS),
    Property::new("excludeLocations", TEXTS),
];
const CONDITIONS: &[Property] = &[
    Property::new("applications", Kind::Complex(APPLICATIONS)),
    Property::new("users", Kind::Complex(USERS)),
    Property::new("locations", Kind::Complex(LOCATIONS)),
    Property::new("clientAppTypes", TEXTS),
];
const GRANTS: &[Property] = &[
    Property::new("operator", TEXT),
    Property::new("builtInControls", TEXTS),
    Property::new("termsOfUse", TEXTS),
    Property::new("authenticationStrength", Kind::Complex(&[Property::new("id", TEXT)])),
];

/// `conditionalAccessPolicy`.
pub static POLICY: EntityType = EntityType {
    name: "conditionalAccessPolicy",
    properties: &[
        Property::new("id", TEXT),
        Property::new("templateId", TEXT),
        Property::new("displayName", TEXT),
        Property::new("description", TEXT),
        Property::new("createdDateTime", INSTANT),
        Property::new("modifiedDateTime", INSTANT),
        Property::new("deletedDateTime", INSTANT),
        Property::new("state", TEXT),
        Property::new("conditions", Kind::Complex(CONDITIONS)),
        Property::new("grantControls", Kind::Complex(GRANTS)),
        Property::new("sessionControls", Kind::Complex(&[])),
    ],
    navigations: &[],
};

/// `namedLocation`, of either kind.
pub static NAMED_LOCATION: EntityType = EntityType {
    name: "namedLocation",
    properties: &[
        Property::new("@odata.type", TEXT),
        Property::new("id", TEXT),
        Property::new("displayName", TEXT),
        Property::new("createdDateTime", INSTANT),
        Property::new("modifiedDateTime", INSTANT),
        Property::new("deletedDateTime", INSTANT),
        Property::new("isTrusted", Kind::Flag),
        Property::new(
            "ipRanges",
            Kind::List(&Kind::Complex(&[Property::new("cidrAddress", TEXT)])),
        ),
        Property::new("countriesAndRegions", TEXTS),
        Property::new("includeUnknownCountriesAndRegions", Kind::Flag),
        Property::new("countryLookupMethod", TEXT),
    ],
    navigations: &[],
};

/// `authenticationStrengthPolicy`.
pub static STRENGTH: EntityType = EntityType {
    name: "authenticationStrengthPolicy",
    properties: &[
        Property::new("id", TEXT),
        Property::new("displayName", TEXT),
        Property::new("description", TEXT),
        Property::new("policyType", TEXT),
        Property::new("requirementsSatisfied", TEXT),
        Property::new("allowedCombinations", TEXTS),
        Property::new("combinationConfigurations", Kind::List(&Kind::Complex(&[]))),
        Property::new("createdDateTime", INSTANT),
        Property::new("modifiedDateTime", INSTANT),
    ],
    navigations: &["combinationConfigurations"],
};

/// `authenticationContextClassReference`.
pub static CONTEXT: EntityType = EntityType {
    name: "authenticationContextClassReference",
    properties: &[
        Property::new("id", TEXT),
        Property::new("displayName", TEXT),
        Property::new("description", TEXT),
        Property::new("isAvailable", Kind::Flag),
    ],
    navigations: &[],
};

/// `conditionalAccessTemplate`.
pub static TEMPLATE: EntityType = EntityType {
    name: "conditionalAccessTemplate",
    properties: &[
        Property::new("id", TEXT),
        Property::new("name", TEXT),
        Property::new("description", TEXT),
        Property::new("scenarios", TEXT),
        Property::new("details", Kind::Complex(&[])),
    ],
    navigations: &[],
};

/// `authenticationCombinationConfiguration`, of either kind.
pub static CONFIGURATION: EntityType = EntityType {
    name: "authenticationCombinationConfiguration",
    properties: &[
        Property::new("@odata.type", TEXT),
        Property::new("id", TEXT),
        Property::new("appliesToCombinations", TEXTS),
        Property::new("allowedAAGUIDs", TEXTS),
        Property::new("allowedIssuerSkis", TEXTS),
        Property::new("allowedPolicyOIDs", TEXTS),
    ],
    navigations: &[],
};

/// `identitySecurityDefaultsEnforcementPolicy`.
pub static SECURITY_DEFAULTS: EntityType = EntityType {
    name: "identitySecurityDefaultsEnforcementPolicy",
    properties: &[
        Property::new("id", TEXT),
        Property::new("displayName", TEXT),
        Property::new("description", TEXT),
        Property::new("isEnabled", Kind::Flag),
    ],
    navigations: &[],
};

/// `tokenLifetimePolicy`.
pub static TOKEN_LIFETIME_POLICY: EntityType = EntityType {
    name: "tokenLifetimePolicy",
    properties: &[
        Property::new("id", TEXT),
        Property::new("deletedDateTime", INSTANT),
        Property::new("displayName", TEXT),
        Property::new("description", TEXT),
        Property::new("definition", TEXTS),
        Property::new("isOrganizationDefault", Kind::Flag),
    ],
    navigations: &[],
};
