//! libFuzzer on [`hygie_fuzz::oauth`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(oauth);
