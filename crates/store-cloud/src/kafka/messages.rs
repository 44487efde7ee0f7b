//! The messages that a producer sends and gets, each in one version that is old enough for Kafka 0.11 and Event Hubs and
//! still known to Kafka 4. <https://kafka.apache.org/protocol.html#protocol_api_keys>

use super::error::{Code, KafkaError};
use super::wire::{In, Malformed, Out};

/// A request that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Api {
    pub key: i16,
    pub version: i16,
    pub name: &'static str,
}

const fn api(key: i16, version: i16, name: &'static str) -> Api {
    Api { key, version, name }
}

pub const PRODUCE: Api = api(0, 3, "Produce");
pub const METADATA: Api = api(3, 4, "Metadata");
pub const SASL_HANDSHAKE: Api = api(17, 1, "SaslHandshake");
pub const API_VERSIONS: Api = api(18, 0, "ApiVersions");
pub const INIT_PRODUCER_ID: Api = api(22, 0, "InitProducerId");
pub const SASL_AUTHENTICATE: Api = api(36, 0, "SaslAuthenticate");

/// Longest answer: metadata of a topic with thousands of partitions stays below.
pub const MAX_ANSWER: usize = 4 << 20;

/// What goes before a request: its own length first (request header v1).
pub fn request(api: Api, correlation: i32, body: &[u8]) -> Vec<u8> {
    let mut header = Out::default();
    header
        .int16(api.key)
        .int16(api.version)
        .int32(correlation)
        .string("hygie");
    let mut request = Out::default();
    request.int32((header.0.len() + body.len()) as i32);
    request.raw(&header.0).raw(body);
    request.0
}

/// What a broker knows: requests with their lowest and highest version.
#[derive(Default)]
pub struct Versions(Vec<(i16, i16, i16)>);

impl Versions {
    pub fn parse(answer: &[u8]) -> Result<Self, KafkaError> {
        let mut answer = In(answer);
        Code(answer.int16()?).ok()?;
        let one = |answer: &mut In<'_>| Ok((answer.int16()?, answer.int16()?, answer.int16()?));
        Ok(Self(answer.array(one)?))
    }

    pub fn has(&self, api: Api) -> bool {
        let versions = self.0.iter().find(|(key, _, _)| *key == api.key);
        versions.is_some_and(|(_, min, max)| (*min..=*max).contains(&api.version))
    }

    pub fn need(&self, api: Api) -> Result<(), KafkaError> {
        self.has(api).then_some(()).ok_or(KafkaError::Unsupported(api.name))
    }
}

pub fn handshake(mechanism: &str) -> Vec<u8> {
    let mut body = Out::default();
    body.string(mechanism);
    body.0
}

/// Whether the broker takes the mechanism; those it takes are named otherwise.
pub fn handshaken(answer: &[u8], mechanism: &str) -> Result<(), KafkaError> {
    let mut answer = In(answer);
    if Code(answer.int16()?) == Code::NONE {
        return Ok(());
    }
    let offered = answer.array(In::string)?;
    let offered: Vec<_> = offered.into_iter().flatten().collect();
    let offered = offered.join(", ");
    Err(KafkaError::Refused(format!(
        "it does not offer {mechanism}, but {offered}"
    )))
}

pub fn authenticate(message: &[u8]) -> Vec<u8> {
    let mut body = Out::default();
    body.bytes(message);
    body.0
}

/// Whether the broker knows us; what it goes on with, which is nothing when it does.
pub fn authenticated(answer: &[u8]) -> Result<&[u8], KafkaError> {
    let mut answer = In(answer);
    let code = Code(answer.int16()?);
    let reason = answer.string()?.unwrap_or_default();
    if code == Code::NONE {
        return Ok(answer.bytes()?);
    }
    Err(refused(&format!("{code} {reason}")))
}

/// A refusal for a reason that the broker tells.
pub fn refused(reason: &str) -> KafkaError {
    KafkaError::Refused(reason.chars().take(200).flat_map(char::escape_debug).collect())
}

/// Of one topic, which is not made when there is none.
pub fn metadata(topic: &str) -> Vec<u8> {
    let mut body = Out::default();
    body.int32(1).string(topic).int8(0);
    body.0
}

/// Where a topic is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Id and address of each broker.
    pub brokers: Vec<(i32, String)>,
    /// The leader of each partition, that of partition 0 first; -1 when there is none.
    pub leaders: Vec<i32>,
}

impl Metadata {
    pub fn parse(answer: &[u8], topic: &str) -> Result<Self, KafkaError> {
        let mut answer = In(answer);
        let _throttled = answer.int32()?;
        let brokers = answer.array(broker)?;
        let _cluster = answer.string()?;
        let _controller = answer.int32()?;
        let topics = answer.array(|answer| {
            let code = Code(answer.int16()?);
            let name = answer.string()?;
            let _is_internal = answer.int8()?;
            Ok((code, name, answer.array(partition)?))
        })?;
        let ours = topics.into_iter().find(|(_, name, _)| *name == Some(topic));
        let (code, _, mut partitions) = ours.ok_or(Malformed)?;
        if code == Code::NO_TOPIC {
            return Err(KafkaError::NoTopic(topic.to_owned()));
        }
        code.ok()?;
        partitions.sort_unstable();
        let is_whole = partitions.iter().zip(0..).all(|((index, _), at)| *index == at);
        if partitions.is_empty() || !is_whole {
            return Err(Malformed.into());
        }
        let leaders = partitions.into_iter().map(|(_, leader)| leader).collect();
        Ok(Self { brokers, leaders })
    }
}

fn broker(answer: &mut In<'_>) -> Result<(i32, String), Malformed> {
    let id = answer.int32()?;
    let host = answer.string()?.ok_or(Malformed)?;
    let port = answer.int32()?;
    let _rack = answer.string()?;
    let address = if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    Ok((id, address))
}

/// Index and leader of a partition.
fn partition(answer: &mut In<'_>) -> Result<(i32, i32), Malformed> {
    let _code = answer.int16()?;
    let partition = (answer.int32()?, answer.int32()?);
    let _replicas = answer.array(In::int32)?;
    let _in_sync = answer.array(In::int32)?;
    Ok(partition)
}

/// A new producer, without transactions.
pub fn init_producer() -> Vec<u8> {
    let mut body = Out::default();
    body.no_string().int32(0);
    body.0
}

/// Id and epoch of the new producer.
pub fn producer(answer: &[u8]) -> Result<(i64, i16), KafkaError> {
    let mut answer = In(answer);
    let _throttled = answer.int32()?;
    Code(answer.int16()?).ok()?;
    Ok((answer.int64()?, answer.int16()?))
}

/// A batch for one partition, to be answered when all replicas in sync have it.
pub fn produce((topic, partition): (&str, i32), timeout_ms: i32, batch: &[u8]) -> Vec<u8> {
    let mut body = Out(Vec::with_capacity(batch.len() + topic.len() + 64));
    body.no_string().int16(-1).int32(timeout_ms);
    body.int32(1).string(topic);
    body.int32(1).int32(partition).bytes(batch);
    body.0
}

/// What became of the batch.
pub fn produced(answer: &[u8], (topic, partition): (&str, i32)) -> Result<Code, KafkaError> {
    let topics = In(answer).array(|answer| {
        let name = answer.string()?;
        let partitions = answer.array(|answer| {
            let outcome = (answer.int32()?, Code(answer.int16()?));
            let (_offset, _appended) = (answer.int64()?, answer.int64()?);
            Ok(outcome)
        })?;
        Ok((name, partitions))
    })?;
    match topics.as_slice() {
        [(name, partitions)] if *name == Some(topic) => match partitions.as_slice() {
            [(index, code)] if *index == partition => Ok(*code),
            _ => Err(Malformed.into()),
        },
        _ => Err(Malformed.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata_of(code: i16, partitions: &[(i32, i32)]) -> Vec<u8> {
        let mut out = Out::default();
        out.int32(0).int32(2);
        out.int32(1).string("one").int32(9092).no_string();
        out.int32(2).string("::1").int32(9093).string("rack");
        out.string("cluster").int32(1);
        out.int32(1)
            .int16(code)
            .string("t")
            .int8(0)
            .int32(partitions.len() as i32);
        for (index, leader) in partitions {
            out.int16(0).int32(*index).int32(*leader).int32(1).int32(1).int32(0);
        }
        out.0
    }

    #[test]
    fn metadata_is_read() {
        let found = Metadata::parse(&metadata_of(0, &[(1, -1), (0, 2)]), "t").unwrap();
        let brokers = vec![(1, "one:9092".to_owned()), (2, "[::1]:9093".to_owned())];
        assert_eq!(
            found,
            Metadata {
                brokers,
                leaders: vec![2, -1]
            }
        );
        let missing = Metadata::parse(&metadata_of(3, &[]), "t");
        assert!(matches!(missing, Err(KafkaError::NoTopic(_))), "{missing:?}");
        for partitions in [&[][..], &[(1, 1)], &[(0, 1), (0, 2)], &[(0, 1), (2, 1)]] {
            let odd = Metadata::parse(&metadata_of(0, partitions), "t");
            assert!(matches!(odd, Err(KafkaError::Malformed(_))), "{partitions:?}: {odd:?}");
        }
        assert!(Metadata::parse(&metadata_of(0, &[(0, 1)]), "another").is_err());
    }

    #[test]
    fn no_answer_that_is_cut_off_is_read() {
        let whole = metadata_of(0, &[(0, 1), (1, 2)]);
        for len in 0..whole.len() {
            assert!(Metadata::parse(&whole[..len], "t").is_err(), "{len} bytes");
        }
    }

    #[test]
    fn an_outcome_is_that_of_our_partition() {
        let mut out = Out::default();
        out.int32(1)
            .string("t")
            .int32(1)
            .int32(4)
            .int16(19)
            .int64(-1)
            .int64(-1)
            .int32(0);
        assert_eq!(produced(&out.0, ("t", 4)).unwrap(), Code(19));
        assert!(produced(&out.0, ("t", 5)).is_err());
        assert!(produced(&out.0, ("u", 4)).is_err());
        assert!(produced(&[0; 4], ("t", 4)).is_err());
    }

    #[test]
    fn a_refusal_says_why_on_one_line() {
        let mut out = Out::default();
        out.int16(58).string("no\nsuch user");
        let refused = authenticated(&out.0).unwrap_err().to_string();
        assert!(refused.contains("SASL_AUTHENTICATION_FAILED"), "{refused}");
        assert!(refused.ends_with("no\\nsuch user"), "{refused}");
    }
}
