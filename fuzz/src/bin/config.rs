//! libFuzzer on [`hygie_fuzz::config`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(config);
