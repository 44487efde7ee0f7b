//! libFuzzer on [`hygie_fuzz::resource`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(resource);
