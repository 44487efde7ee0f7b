#![no_main]

hygie_fuzz_libfuzzer::driver!(graph);
