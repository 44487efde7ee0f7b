//! libFuzzer on [`hygie_fuzz::scopes`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(scopes);
