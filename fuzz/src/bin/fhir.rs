//! libFuzzer on [`hygie_fuzz::fhir`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(fhir);
