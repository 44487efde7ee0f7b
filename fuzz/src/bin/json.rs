//! libFuzzer on [`hygie_fuzz::json`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(json);
