//! Illnesses and the results that follow them: CIM-10 for conditions, LOINC for observations, UCUM for units.

/// A condition and what it does to the observations.
#[derive(Debug)]
pub struct Illness {
    /// CIM-10.
    pub code: &'static str,
    pub label: &'static str,
    /// Youngest age at which it begins.
    pub from_age: u32,
    /// Of a hundred people old enough.
    pub percent: u32,
    /// Lasts for ever, or a few weeks.
    pub chronic: bool,
    /// Laboratory results that follow it.
    pub followed_by: &'static [Test],
}

/// A quantity that is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test {
    /// LOINC.
    pub code: &'static str,
    pub label: &'static str,
    /// As a person reads it.
    pub unit: &'static str,
    /// UCUM.
    pub ucum: &'static str,
    /// Middle and spread of a person whose illness it follows.
    pub value: (f64, f64),
    /// Above this it is flagged.
    pub high: Option<f64>,
}

const HBA1C: Test = Test {
    code: "4548-4",
    label: "Hémoglobine A1c / hémoglobine totale",
    unit: "%",
    ucum: "%",
    value: (7.4, 1.6),
    high: Some(6.5),
};
const GLUCOSE: Test = Test {
    code: "14749-6",
    label: "Glucose",
    unit: "mmol/L",
    ucum: "mmol/L",
    value: (8.6, 2.8),
    high: Some(6.1),
};
const CREATININE: Test = Test {
    code: "14682-9",
    label: "Créatinine",
    unit: "µmol/L",
    ucum: "umol/L",
    value: (142.0, 38.0),
    high: Some(104.0),
};
const POTASSIUM: Test = Test {
    code: "2823-3",
    label: "Potassium",
    unit: "mmol/L",
    ucum: "mmol/L",
    value: (4.4, 0.8),
    high: Some(5.1),
};
const LDL: Test = Test {
    code: "22748-8",
    label: "Cholestérol LDL",
    unit: "mmol/L",
    ucum: "mmol/L",
    value: (3.9, 1.1),
    high: Some(3.4),
};
const CRP: Test = Test {
    code: "1988-5",
    label: "Protéine C réactive",
    unit: "mg/L",
    ucum: "mg/L",
    value: (64.0, 45.0),
    high: Some(5.0),
};
const HAEMOGLOBIN: Test = Test {
    code: "718-7",
    label: "Hémoglobine",
    unit: "g/dL",
    ucum: "g/dL",
    value: (10.4, 1.2),
    high: None,
};
const BNP: Test = Test {
    code: "33762-6",
    label: "NT-proBNP",
    unit: "ng/L",
    ucum: "ng/L",
    value: (1650.0, 900.0),
    high: Some(450.0),
};

/// Hypertension raises the blood pressure, so that it is known by name.
pub const HYPERTENSION: &str = "I10";

pub const ILLNESSES: &[Illness] = &[
    Illness {
        code: HYPERTENSION,
        label: "Hypertension essentielle (primitive)",
        from_age: 40,
        percent: 38,
        chronic: true,
        followed_by: &[POTASSIUM],
    },
    Illness {
        code: "E11.9",
        label: "Diabète sucré de type 2, sans complication",
        from_age: 42,
        percent: 16,
        chronic: true,
        followed_by: &[HBA1C, GLUCOSE],
    },
    Illness {
        code: "E78.0",
        label: "Hypercholestérolémie essentielle",
        from_age: 38,
        percent: 24,
        chronic: true,
        followed_by: &[LDL],
    },
    Illness {
        code: "N18.3",
        label: "Maladie rénale chronique, stade 3",
        from_age: 58,
        percent: 14,
        chronic: true,
        followed_by: &[CREATININE, POTASSIUM],
    },
    Illness {
        code: "I50.9",
        label: "Insuffisance cardiaque, sans précision",
        from_age: 65,
        percent: 13,
        chronic: true,
        followed_by: &[BNP, CREATININE],
    },
    Illness {
        code: "J45.9",
        label: "Asthme, sans précision",
        from_age: 4,
        percent: 9,
        chronic: true,
        followed_by: &[],
    },
    Illness {
        code: "J44.9",
        label: "Maladie pulmonaire obstructive chronique, sans précision",
        from_age: 50,
        percent: 9,
        chronic: true,
        followed_by: &[],
    },
    Illness {
        code: "D50.9",
        label: "Anémie par carence en fer, sans précision",
        from_age: 15,
        percent: 7,
        chronic: false,
        followed_by: &[HAEMOGLOBIN],
    },
    Illness {
        code: "J18.9",
        label: "Pneumopathie, sans précision",
        from_age: 2,
        percent: 8,
        chronic: false,
        followed_by: &[CRP],
    },
    Illness {
        code: "N39.0",
        label: "Infection des voies urinaires, siège non précisé",
        from_age: 16,
        percent: 12,
        chronic: false,
        followed_by: &[CRP],
    },
    Illness {
        code: "M54.5",
        label: "Lombalgie basse",
        from_age: 20,
        percent: 21,
        chronic: false,
        followed_by: &[],
    },
    Illness {
        code: "J06.9",
        label: "Infection aiguë des voies respiratoires supérieures, sans précision",
        from_age: 0,
        percent: 34,
        chronic: false,
        followed_by: &[],
    },
    Illness {
        code: "F41.1",
        label: "Anxiété généralisée",
        from_age: 18,
        percent: 10,
        chronic: true,
        followed_by: &[],
    },
];
