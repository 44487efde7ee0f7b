//! Events as a batch of records, version 2. <https://kafka.apache.org/documentation/#recordbatch>
//!
//! A record is an event in the binary mode of CloudEvents: its attributes are headers, the value is its body, JSON.
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md#32-binary-content-mode>

use hygie_store::outbox::Event;

use super::wire::Out;

/// Bytes of a batch before its records.
const HEADER: usize = 61;

/// Bytes that a record takes beside names and body: lengths, and the headers of fixed length.
const RECORD: usize = 288;

/// Who sends a batch, and which of its batches this is: the broker drops what it has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Id of the producer, -1 without idempotence.
    pub id: i64,
    /// Epoch of the producer, -1 without idempotence.
    pub epoch: i16,
    /// Number of the batch's first record in its partition, -1 without idempotence.
    pub sequence: i32,
}

/// The key of a record: keys of two tenants are never the same.
pub fn key(event: &Event) -> String {
    format!("{}/{}", event.tenant, event.key)
}

/// About how many bytes an event takes in a batch, never less.
pub fn size(event: &Event, source: &str) -> usize {
    // The key is there twice: as key and as subject.
    RECORD + 2 * event.key.len() + event.kind.len() + event.body.len() + source.len()
}

/// The batch of these events, of which there is at least one.
pub fn batch(events: &[&Event], source: &str, origin: Origin) -> Vec<u8> {
    let millis = || events.iter().map(|event| event.at.millis());
    let (first, last) = (millis().next().unwrap_or(0), millis().max().unwrap_or(0));
    let mut covered = Out::default();
    // No compression, and times are those of the events.
    covered.int16(0).int32(events.len() as i32 - 1).int64(first).int64(last);
    covered.int64(origin.id).int16(origin.epoch).int32(origin.sequence);
    covered.int32(events.len() as i32);
    for (offset, event) in events.iter().enumerate() {
        let record = record(event, source, (offset as i64, event.at.millis() - first));
        covered.varbytes(&record);
    }
    let mut batch = Out(Vec::with_capacity(HEADER + covered.0.len()));
    // The offset is given by the broker; the length is of what follows; no epoch of a leader is known; version 2.
    batch.int64(0).int32(covered.0.len() as i32 + 9).int32(-1).int8(2);
    batch.raw(&crc32c(&covered.0).to_be_bytes()).raw(&covered.0);
    batch.0
}

fn record(event: &Event, source: &str, (offset, since): (i64, i64)) -> Vec<u8> {
    let headers = [
        ("ce_specversion", "1.0".to_owned()),
        ("ce_id", event.seq.to_string()),
        ("ce_source", source.to_owned()),
        ("ce_type", event.kind.clone()),
        ("ce_subject", event.key.clone()),
        ("ce_time", event.at.to_rfc3339()),
        ("ce_tenant", event.tenant.to_string()),
        ("content-type", "application/json".to_owned()),
    ];
    let mut record = Out::default();
    record.int8(0).varint(since).varint(offset);
    record.varbytes(key(event).as_bytes()).varbytes(&event.body);
    record.varint(headers.len() as i64);
    for (name, value) in headers {
        record.varbytes(name.as_bytes()).varbytes(value.as_bytes());
    }
    record.0
}

/// The partition of a key: that of Kafka's own producer, so that what others produce with the same key comes to the same.
pub fn partition(key: &[u8], partitions: u32) -> i32 {
    ((murmur2(key) & 0x7fff_ffff) % partitions.max(1)).cast_signed()
}

/// MurmurHash2 with the seed that Kafka chose.
fn murmur2(bytes: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ bytes.len() as u32;
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u32::from_le_bytes(last)).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// CRC-32C (Castagnoli). <https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4>
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes
        .iter()
        .fold(!0, |crc, byte| CRC_TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let (mut value, mut bit) = (at as u32, 0);
        while bit < 8 {
            value = if value & 1 == 1 {
                (value >> 1) ^ 0x82f6_3b78
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use hygie_core::{TenantId, Timestamp};

    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_rfc() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(b""), 0);
    }

    #[test]
    fn the_hash_is_that_of_kafka() {
        // From the tests of Kafka's own producer (UtilsTest.testMurmur2).
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
        assert_eq!(partition(b"anything", 1), 0);
        assert_eq!(partition(b"abc", 5), 479_470_107 % 5);
    }

    #[test]
    fn a_batch_is_no_longer_than_was_said() {
        let event = |body: usize, name: usize| Event {
            seq: i64::MAX,
            tenant: TenantId::from_uuid(uuid::Uuid::from_u128(u128::MAX)),
            kind: "k".repeat(name),
            key: "y".repeat(name),
            body: vec![1; body],
            at: Timestamp::from_secs(1_795_249_800),
        };
        let origin = Origin {
            id: 1,
            epoch: 0,
            sequence: 0,
        };
        let source = "s".repeat(200);
        for (body, name) in [(0, 0), (1, 1), (64 * 1024, 512)] {
            let event = event(body, name);
            let len = batch(&[&event, &event], &source, origin).len();
            let said = 2 * size(&event, &source) + HEADER;
            assert!(len <= said, "{len} for {said}");
            assert!(said - len < 600, "{said} for {len}");
        }
    }
}
