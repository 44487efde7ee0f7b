//! libFuzzer on [`hygie_fuzz::primitives`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(primitives);
