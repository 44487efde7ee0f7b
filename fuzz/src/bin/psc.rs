//! libFuzzer on [`hygie_fuzz::psc`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(psc);
