//! libFuzzer on [`hygie_fuzz::access`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(access);
