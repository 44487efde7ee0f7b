//! libFuzzer on [`hygie_fuzz::record`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(record);
