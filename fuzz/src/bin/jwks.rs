//! libFuzzer on [`hygie_fuzz::jwks`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(jwks);
