//! libFuzzer on [`hygie_fuzz::head`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(head);
