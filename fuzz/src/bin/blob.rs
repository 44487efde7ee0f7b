//! libFuzzer on [`hygie_fuzz::blob`].
#![cfg_attr(fuzzing, no_main)]

hygie_fuzz::driver!(blob);
