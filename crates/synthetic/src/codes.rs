//! The codes of care in use: LOINC and UCUM for results, ATC for medicines and vaccines, CCAM for procedures, SNOMED CT
//! for allergies. Illnesses are those of [`crate::illness`].

use super::area::Role;
use super::json::{Coding, LOINC, Unit};

pub const PROFESSION: &str = "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante";
pub const CIM10: &str = "http://hl7.org/fhir/sid/icd-10";
pub const ATC: &str = "http://www.whocc.no/atc";
pub const CCAM: &str = "https://smt.esante.gouv.fr/terminologie-ccam";
pub const SNOMED: &str = "http://snomed.info/sct";

/// Role, name, specialty of who works there, and how many an area has: 34 in all, the hospital first.
pub const SITES: &[(Role, &str, &str, u32)] = &[
    (Role::Hospital, "Centre hospitalier", "Médecine d’urgence", 1),
    (Role::Department, "Médecine polyvalente", "Médecine générale", 2),
    (Role::Department, "Cardiologie", "Cardiologie", 2),
    (Role::Department, "Pneumologie", "Pneumologie", 2),
    (Role::Department, "Néphrologie", "Néphrologie", 1),
    (Role::Department, "Endocrinologie", "Endocrinologie et métabolismes", 2),
    (Role::Practice, "Cabinet du docteur", "Médecine générale", 18),
    (Role::Pharmacy, "Pharmacie", "Pharmacie d’officine", 6),
];

/// A quantity of a laboratory with the range of healthy people, in units of its last place.
pub struct Analyte {
    pub code: &'static str,
    pub label: &'static str,
    pub unit: Unit,
    pub places: u32,
    pub range: (u32, u32),
}

const fn analyte(code: &'static str, label: &'static str, unit: Unit, (places, low, high): (u32, u32, u32)) -> Analyte {
    let range = (low, high);
    Analyte {
        code,
        label,
        unit,
        places,
        range,
    }
}

const GIGA: Unit = ("G/L", "10*9/L");
const MMOL: Unit = ("mmol/L", "mmol/L");
const UI: Unit = ("UI/L", "U/L");

/// A report, how often of a hundred, and its results.
pub struct Panel {
    pub coding: Coding<'static>,
    pub percent: u32,
    pub analytes: &'static [Analyte],
}

pub const PANELS: &[Panel] = &[
    Panel {
        coding: Coding::new(LOINC, "58410-2", "Numération formule sanguine"),
        percent: 50,
        analytes: &[
            analyte("6690-2", "Leucocytes", GIGA, (1, 40, 100)),
            analyte("789-8", "Hématies", ("T/L", "10*12/L"), (2, 400, 560)),
            analyte("718-7", "Hémoglobine", ("g/dL", "g/dL"), (1, 120, 170)),
            analyte("4544-3", "Hématocrite", ("%", "%"), (1, 370, 500)),
            analyte("787-2", "Volume globulaire moyen", ("fL", "fL"), (0, 80, 98)),
            analyte(
                "785-6",
                "Teneur corpusculaire moyenne en hémoglobine",
                ("pg", "pg"),
                (1, 270, 320),
            ),
            analyte(
                "786-4",
                "Concentration corpusculaire moyenne en hémoglobine",
                ("g/dL", "g/dL"),
                (1, 320, 360),
            ),
            analyte("777-3", "Plaquettes", GIGA, (0, 150, 400)),
        ],
    },
    Panel {
        coding: Coding::new(LOINC, "24323-8", "Bilan biochimique"),
        percent: 30,
        analytes: &[
            analyte("2951-2", "Sodium", MMOL, (0, 136, 145)),
            analyte("2823-3", "Potassium", MMOL, (1, 35, 51)),
            analyte("2075-0", "Chlorures", MMOL, (0, 98, 107)),
            analyte("14682-9", "Créatinine", ("µmol/L", "umol/L"), (0, 45, 104)),
            analyte("22664-7", "Urée", MMOL, (1, 25, 75)),
            analyte("14749-6", "Glucose", MMOL, (1, 39, 61)),
            analyte("2000-8", "Calcium", MMOL, (2, 215, 255)),
        ],
    },
    Panel {
        coding: Coding::new(LOINC, "24331-1", "Bilan lipidique"),
        percent: 20,
        analytes: &[
            analyte("14647-2", "Cholestérol total", MMOL, (1, 36, 52)),
            analyte("14646-4", "Cholestérol HDL", MMOL, (1, 10, 20)),
            analyte("22748-8", "Cholestérol LDL", MMOL, (1, 18, 34)),
            analyte("14927-8", "Triglycérides", MMOL, (1, 5, 17)),
            analyte("1742-6", "ALAT", UI, (0, 10, 45)),
        ],
    },
];

/// What is prescribed for an illness: CIM-10, ATC, name of the substance.
pub const MEDICINES: &[(&str, &str, &str)] = &[
    ("I10", "C09AA05", "Ramipril"),
    ("E11.9", "A10BA02", "Metformine"),
    ("E78.0", "C10AA05", "Atorvastatine"),
    ("N18.3", "C09CA01", "Losartan"),
    ("I50.9", "C07AB07", "Bisoprolol"),
    ("J45.9", "R03AC02", "Salbutamol"),
    ("J44.9", "R03BB04", "Bromure de tiotropium"),
    ("D50.9", "B03AA07", "Sulfate ferreux"),
    ("J18.9", "J01CA04", "Amoxicilline"),
    ("N39.0", "J01XX01", "Fosfomycine"),
    ("F41.1", "N06AB06", "Sertraline"),
    ("M54.5", "N02BE01", "Paracétamol"),
    ("J06.9", "N02BE01", "Paracétamol"),
];

/// Vaccines: youngest and oldest age in full years, ATC, name.
pub const VACCINES: &[(u32, u32, &str, &str)] = &[
    (0, 1, "J07CA09", "Vaccin hexavalent"),
    (0, 4, "J07AL02", "Vaccin pneumococcique conjugué"),
    (0, 4, "J07AH07", "Vaccin méningococcique C conjugué"),
    (1, 18, "J07BD52", "Vaccin rougeole, oreillons et rubéole"),
    (
        5,
        13,
        "J07CA02",
        "Vaccin diphtérie, tétanos, coqueluche et poliomyélite",
    ),
    (11, 19, "J07BM03", "Vaccin papillomavirus à neuf valences"),
    (14, 120, "J07CA01", "Vaccin diphtérie, tétanos et poliomyélite"),
    (18, 120, "J07BB02", "Vaccin grippal inactivé"),
    (65, 120, "J07BK03", "Vaccin zona à antigène purifié"),
];

/// Procedures: youngest age in full years (which sorts them), CCAM, name.
pub const PROCEDURES: &[(u32, &str, &str)] = &[
    (0, "DEQP003", "Électrocardiographie sur au moins 12 dérivations"),
    (0, "DZQM006", "Échographie-doppler transthoracique du cœur"),
    (0, "ZCQM008", "Échographie transcutanée de l’abdomen"),
    (0, "ZBQK002", "Radiographie du thorax"),
    (
        6,
        "GLQP012",
        "Mesure de la capacité vitale lente et de l’expiration forcée",
    ),
    (12, "HBJD001", "Détartrage et polissage des dents"),
    (18, "HEQE002", "Endoscopie œso-gastro-duodénale"),
    (40, "HHQE005", "Coloscopie totale"),
];

/// SNOMED CT, category of FHIR, label.
pub const ALLERGIES: &[(&str, &str, &str)] = &[
    ("300916003", "environment", "Allergie au latex"),
    ("91936005", "medication", "Allergie à la pénicilline"),
    ("91935009", "food", "Allergie à l’arachide"),
];
