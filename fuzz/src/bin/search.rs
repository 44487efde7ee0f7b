//! libFuzzer on [`hygie_fuzz::search`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(search);
