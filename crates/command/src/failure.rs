//! How a command ends when it does not succeed: one clear line and an exit status.

use std::fmt;

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The command line or a file it names is wrong: exit status 2.
    Usage(String),
    /// It was tried and did not work: exit status 1.
    Failed(anyhow::Error),
    /// It did not work and has said so already: exit status 1, nothing more is printed.
    Reported,
}

impl Failure {
    /// Wrong usage, in one line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// The exit status of the process.
    pub const fn exit_status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) | Self::Reported => 1,
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) => f.write_str(message),
            Self::Failed(error) => write!(f, "{error:#}"),
            Self::Reported => Ok(()),
        }
    }
}
