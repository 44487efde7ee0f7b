//! libFuzzer on [`hygie_fuzz::redirect`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(redirect);
