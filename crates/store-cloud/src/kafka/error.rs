//! What a caller of the events' delivery distinguishes.

use std::fmt;
use std::io;

use hygie_core::{ErrorKind, Fault};

use super::wire::Malformed;
use crate::tokens::TokenError;

/// Why events do not get to Kafka.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// No address of a broker.
    #[error("{0} is no address of a broker: HOST:PORT is")]
    Address(String),
    /// A broker that would be reached in clear over the network.
    #[error("{0} is reached over the network: TLS is wanted")]
    Clear(String),
    /// What was given does not make a TLS client.
    #[error("TLS cannot be used")]
    Tls(#[source] rustls::Error),
    /// A broker does not answer, or not with a certificate that is trusted.
    #[error("the broker {address} cannot be reached")]
    Unreachable {
        /// Which.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A broker does not answer in time. What it was sent may have arrived.
    #[error("the broker {0} does not answer in time")]
    TimedOut(String),
    /// The brokers do not know us.
    #[error("the broker refuses the login: {0}")]
    Refused(String),
    /// There is no token to log in with.
    #[error("there is no token for the login")]
    Token(#[source] TokenError),
    /// A broker that does not speak what we do.
    #[error("the broker does not know {0}: Kafka 0.11 or newer is wanted")]
    Unsupported(&'static str),
    /// There is no such topic, or it may not be seen.
    #[error("there is no topic {0}")]
    NoTopic(String),
    /// Nobody takes records for a partition.
    #[error("partition {partition} of {topic} has no leader")]
    NoLeader {
        /// The topic.
        topic: String,
        /// Its partition.
        partition: i32,
    },
    /// One event alone is more than the topic takes.
    #[error("the event {0} is longer than a message of the topic may be (max.message.bytes)")]
    TooLong(i64),
    /// Another error of the protocol.
    #[error("the broker answers {0}")]
    Broker(Code),
    /// An answer that is none.
    #[error("the broker answers what is not of the protocol")]
    Malformed(#[from] Malformed),
}

impl KafkaError {
    /// Whether trying again at once may help: a broker that is lost or a leader that moves.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut(_) | Self::NoLeader { .. } => true,
            Self::Broker(code) => code.is_passing(),
            _ => false,
        }
    }
}

impl Fault for KafkaError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Address(_) | Self::Clear(_) | Self::Tls(_) => ErrorKind::Internal,
            _ => ErrorKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self.kind() {
            ErrorKind::Internal => "internal",
            _ => "unavailable",
        }
    }

    fn public(&self) -> String {
        match self.kind() {
            ErrorKind::Internal => "an internal error occurred".to_owned(),
            _ => "the event broker does not answer; try again".to_owned(),
        }
    }
}

/// An error code. <https://kafka.apache.org/protocol.html#protocol_error_codes>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub i16);

impl Code {
    pub(super) const NONE: Self = Self(0);
    pub(super) const NO_TOPIC: Self = Self(3);
    pub(super) const MESSAGE_TOO_LARGE: Self = Self(10);
    pub(super) const RECORD_LIST_TOO_LARGE: Self = Self(18);
    pub(super) const OUT_OF_ORDER: Self = Self(45);
    /// The broker has had the batch long ago.
    pub(super) const DUPLICATE: Self = Self(46);
    pub(super) const INVALID_EPOCH: Self = Self(47);
    pub(super) const UNKNOWN_PRODUCER: Self = Self(59);

    /// Ok without an error.
    pub(super) fn ok(self) -> Result<(), KafkaError> {
        if self == Self::NONE {
            Ok(())
        } else {
            Err(KafkaError::Broker(self))
        }
    }

    /// Whether the broker has lost track of us: the next attempt is that of a new producer.
    pub(super) fn wants_new_producer(self) -> bool {
        [Self::OUT_OF_ORDER, Self::INVALID_EPOCH, Self::UNKNOWN_PRODUCER].contains(&self)
    }

    /// Those that Kafka calls retriable, of what a producer meets.
    fn is_passing(self) -> bool {
        matches!(self.0, 2 | 3 | 5 | 6 | 7 | 9 | 13 | 14 | 15 | 16 | 19 | 20 | 56 | 89) || self.wants_new_producer()
    }

    fn name(self) -> &'static str {
        match self.0 {
            -1 => "UNKNOWN_SERVER_ERROR",
            2 => "CORRUPT_MESSAGE",
            3 => "UNKNOWN_TOPIC_OR_PARTITION",
            5 => "LEADER_NOT_AVAILABLE",
            6 => "NOT_LEADER_OR_FOLLOWER",
            7 => "REQUEST_TIMED_OUT",
            9 => "REPLICA_NOT_AVAILABLE",
            10 => "MESSAGE_TOO_LARGE",
            13 => "NETWORK_EXCEPTION",
            14 => "COORDINATOR_LOAD_IN_PROGRESS",
            15 => "COORDINATOR_NOT_AVAILABLE",
            16 => "NOT_COORDINATOR",
            17 => "INVALID_TOPIC_EXCEPTION",
            18 => "RECORD_LIST_TOO_LARGE",
            19 => "NOT_ENOUGH_REPLICAS",
            20 => "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
            21 => "INVALID_REQUIRED_ACKS",
            29 => "TOPIC_AUTHORIZATION_FAILED",
            31 => "CLUSTER_AUTHORIZATION_FAILED",
            32 => "INVALID_TIMESTAMP",
            33 => "UNSUPPORTED_SASL_MECHANISM",
            34 => "ILLEGAL_SASL_STATE",
            35 => "UNSUPPORTED_VERSION",
            42 => "INVALID_REQUEST",
            43 => "UNSUPPORTED_FOR_MESSAGE_FORMAT",
            44 => "POLICY_VIOLATION",
            45 => "OUT_OF_ORDER_SEQUENCE_NUMBER",
            46 => "DUPLICATE_SEQUENCE_NUMBER",
            47 => "INVALID_PRODUCER_EPOCH",
            56 => "KAFKA_STORAGE_ERROR",
            58 => "SASL_AUTHENTICATION_FAILED",
            59 => "UNKNOWN_PRODUCER_ID",
            87 => "INVALID_RECORD",
            89 => "THROTTLING_QUOTA_EXCEEDED",
            _ => "error",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}
