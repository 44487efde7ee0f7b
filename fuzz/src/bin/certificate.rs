//! libFuzzer on [`hygie_fuzz::certificate`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(certificate);
