//! libFuzzer on the targets of `hygie_fuzz`: a binary for each, so that each counts the branches of its own code alone.

use std::path::Path;
use std::{fs, io};

use hygie_fuzz::Target;
#[doc(hidden)]
pub use {hygie_fuzz, libfuzzer_sys};

/// Puts the seeds of a target into `directory`, and its words as a dictionary of libFuzzer beside it.
pub fn begin(target: &Target, directory: &Path) -> io::Result<()> {
    for (number, seed) in (target.seeds)().iter().enumerate() {
        fs::write(directory.join(format!("seed-{number}")), seed)?;
    }
    let word = |word: &str| {
        let bytes = word.bytes().map(|byte| format!("\\x{byte:02x}"));
        format!("\"{}\"\n", bytes.collect::<String>())
    };
    let words: String = target.words.split_ascii_whitespace().map(word).collect();
    fs::write(directory.with_extension("words"), words)
}

/// The body of a binary of `src/bin`, which begins with the seeds.
#[macro_export]
macro_rules! driver {
    ($target:ident) => {
        $crate::libfuzzer_sys::fuzz_target!(
            init: {
                let directory = std::env::args_os().nth(1).map(std::path::PathBuf::from);
                if let Some(directory) = directory.filter(|path| path.is_dir()) {
                    $crate::begin(&$crate::hygie_fuzz::$target::TARGET, &directory).expect("a directory to write to");
                }
            },
            |input: &[u8]| ($crate::hygie_fuzz::$target::TARGET.run)(input)
        );
    };
}
