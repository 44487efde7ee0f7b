//! libFuzzer on [`hygie_fuzz::patch`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(patch);
