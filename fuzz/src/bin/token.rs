//! libFuzzer on [`hygie_fuzz::token`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(token);
