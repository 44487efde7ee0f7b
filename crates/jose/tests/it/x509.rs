//! Paths, revocation lists and fields of certificates, over synthetic cards.

use std::collections::BTreeSet;
use std::time::Duration;

use hygie_core::Timestamp;
use hygie_jose::x509::{
    Authority, DeltaList, Holder, ListFault, NotAuthority, PathFault, Position, RevocationList, path,
};
use proptest::prelude::*;
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};

#[path = "../../../testkit/src/card.rs"]
#[expect(dead_code, reason = "the cards of all tests, of which these need some")]
mod card;

use card::{CARD_POLICY, CardAuthority, CardOf, DAY};

const NOW: Timestamp = Timestamp::from_secs(1_795_249_800);
const DOCTOR: &str = "899700123456";

struct Pki {
    root: CardAuthority,
    issuing: CardAuthority,
}

impl Pki {
    fn new() -> Self {
        let root = CardAuthority::root("HYGIE TEST AC RACINE", NOW);
        let issuing = root.intermediate("HYGIE TEST AC PERSONNES", NOW);
        Self { root, issuing }
    }

    fn authorities(&self) -> [Authority; 2] {
        [&self.issuing, &self.root].map(|one| Authority::from_der(&one.certificate).unwrap())
    }
}

fn doctor() -> CardOf {
    CardOf::professional(DOCTOR, NOW)
}

#[test]
fn a_path_leads_to_the_root() {
    let pki = Pki::new();
    let [issuing, root] = pki.authorities();
    assert_eq!(
        (issuing.position, root.position),
        (Position::Intermediate, Position::Root)
    );
    assert_eq!(issuing.name, "C=FR,O=HYGIE-TEST,CN=HYGIE TEST AC PERSONNES");
    assert_eq!(issuing.display_name, "HYGIE TEST AC PERSONNES");
    assert_eq!(issuing.issuer, root.name);
    let card = pki.issuing.card(&doctor());
    let found = path(&card.certificate, &[&root, &issuing], NOW).unwrap();
    assert_eq!(found.0, [1, 0]);
    let of_root = pki.root.card(&doctor());
    assert_eq!(path(&of_root.certificate, &[&root, &issuing], NOW).unwrap().0, [0]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_leads_nowhere() {
    let (pki, other) = (Pki::new(), Pki::new());
    let [issuing, root] = pki.authorities();
    let card = pki.issuing.card(&doctor()).certificate;
    let made = |change: &dyn Fn(&mut CardOf)| {
        let mut of = doctor();
        change(&mut of);
        pki.issuing.card(&of).certificate
    };
    let below = pki.issuing.intermediate("HYGIE TEST AC TROP BAS", NOW);
    let [below_authority] = [Authority::from_der(&below.certificate).unwrap()];
    let all = [&issuing, &root];
    for (what, certificate, authorities, at, expected) in [
        ("no authority", card.clone(), vec![], NOW, PathFault::UnknownIssuer),
        ("no root", card.clone(), vec![&issuing], NOW, PathFault::UnknownIssuer),
        ("no issuer", card.clone(), vec![&root], NOW, PathFault::UnknownIssuer),
        (
            "another key with the same name",
            other.issuing.card(&doctor()).certificate,
            all.to_vec(),
            NOW,
            PathFault::Signature,
        ),
        (
            "expired",
            made(&|of| of.not_after = NOW - DAY / 2),
            all.to_vec(),
            NOW,
            PathFault::Expired,
        ),
        (
            "not yet",
            made(&|of| of.not_before = NOW + DAY),
            all.to_vec(),
            NOW,
            PathFault::NotYetValid,
        ),
        (
            "after its authorities",
            made(&|of| of.not_after = NOW + DAY * 9_000),
            all.to_vec(),
            NOW + DAY * 8_000,
            PathFault::AuthorityExpired,
        ),
        (
            "for signatures",
            made(&|of| of.usages = vec![KeyUsagePurpose::ContentCommitment]),
            all.to_vec(),
            NOW,
            PathFault::Usage,
        ),
        (
            "for mail",
            made(&|of| of.purposes = vec![ExtendedKeyUsagePurpose::EmailProtection]),
            all.to_vec(),
            NOW,
            PathFault::Usage,
        ),
        (
            "an authority",
            pki.issuing.certificate.clone(),
            all.to_vec(),
            NOW,
            PathFault::Usage,
        ),
        (
            "of an authority too many",
            below.card(&doctor()).certificate,
            vec![&below_authority, &issuing, &root],
            NOW,
            PathFault::NotPermitted,
        ),
        ("nothing", Vec::new(), all.to_vec(), NOW, PathFault::Unreadable),
        (
            "more",
            [card, vec![0]].concat(),
            all.to_vec(),
            NOW,
            PathFault::Unreadable,
        ),
    ] {
        assert_eq!(path(&certificate, &authorities, at), Err(expected), "{what}");
    }
}

#[test]
fn authorities() {
    let pki = Pki::new();
    let card = pki.issuing.card(&doctor()).certificate;
    assert_eq!(Authority::from_der(&card), Err(NotAuthority::NotIssuer));
    assert_eq!(Authority::from_der(b"x"), Err(NotAuthority::Unreadable));
    let mut forged = pki.root.certificate.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(Authority::from_der(&forged), Err(NotAuthority::Signature));
}

#[test]
fn the_fields_of_a_card() {
    let pki = Pki::new();
    let of = CardOf {
        mail: Some("claire@ch-demo.example".to_owned()),
        serial: vec![0x4a, 0x01, 0x02],
        ..doctor()
    };
    let holder = Holder::of(&pki.issuing.card(&of).certificate).unwrap();
    assert_eq!(holder.subject, format!("C=FR,T=Médecin,CN={DOCTOR}"));
    assert_eq!(holder.issuer, "C=FR,O=HYGIE-TEST,CN=HYGIE TEST AC PERSONNES");
    assert_eq!(holder.serial, "02014a");
    assert_eq!(holder.principal_names, ["8.99700123456@carte-cps.fr"]);
    assert_eq!(holder.rfc822_names, ["claire@ch-demo.example"]);
    assert!(holder.policy_oids.contains(CARD_POLICY));
    assert_eq!(holder.sha1_public_key.len(), 40);
    assert_eq!(holder.thumbprint.len(), 40);
    let [issuing, _] = pki.authorities();
    let identifier = Holder::of(issuing.der()).unwrap().subject_key_identifier;
    assert_eq!(identifier, issuing.subject_key_identifier);
    // A value makes no parts of a name.
    let of = CardOf {
        common_name: "1,O=AUTRE+OU=x\"".to_owned(),
        ..of
    };
    let holder = Holder::of(&pki.issuing.card(&of).certificate).unwrap();
    assert_eq!(holder.subject, "C=FR,T=Médecin,CN=\"1,O=AUTRE+OU=x\"\"\"");
    assert!(Holder::of(&vec![0x30; 20_000]).is_err());
}

#[test]
fn lists() {
    let pki = Pki::new();
    let [issuing, root] = pki.authorities();
    let serials: Vec<Vec<u8>> = (0..200_u16)
        .map(|number| [&[0x11, 0x22], &number.to_be_bytes()[..]].concat())
        .collect();
    let revoked: Vec<&[u8]> = serials.iter().rev().map(Vec::as_slice).collect();
    let list = pki.issuing.list(&revoked, NOW, DAY);
    let read = RevocationList::read(&list, &issuing).unwrap();
    assert_eq!((read.len(), read.this_update, read.next_update), (200, NOW, NOW + DAY));
    for serial in [&serials[0], &serials[199]] {
        let of = CardOf {
            serial: serial.clone(),
            ..doctor()
        };
        assert_eq!(read.revokes(&pki.issuing.card(&of).certificate), Some(true));
    }
    assert_eq!(read.revokes(&pki.issuing.card(&doctor()).certificate), Some(false));
    assert_eq!(read.revokes_authority(&issuing), Some(false));
    assert!(
        RevocationList::read(&pki.root.list(&[], NOW, DAY), &root)
            .unwrap()
            .is_empty()
    );
    // Not of this authority, of one with its name, altered, cut off.
    assert_eq!(RevocationList::read(&list, &root), Err(ListFault::OtherIssuer));
    let imposter = Pki::new();
    assert_eq!(
        RevocationList::read(&imposter.issuing.list(&[], NOW, DAY), &issuing),
        Err(ListFault::Signature)
    );
    let mut altered = list.clone();
    let at = altered.windows(4).position(|window| window == serials[7]).unwrap();
    altered[at + 3] ^= 1;
    assert_eq!(RevocationList::read(&altered, &issuing), Err(ListFault::Signature));
    assert_eq!(
        RevocationList::read(&list[..list.len() - 1], &issuing),
        Err(ListFault::Unreadable)
    );
    assert_eq!(RevocationList::read(b"<html>", &issuing), Err(ListFault::Unreadable));
}

const HOUR: Duration = Duration::from_hours(1);

#[test]
fn what_changed_since_a_list_counts_with_it() {
    let pki = Pki::new();
    let [issuing, root] = pki.authorities();
    let serial = |number: u8| vec![0x11, 0x22, number];
    let all: Vec<Vec<u8>> = (0..6).map(serial).collect();
    let [one, two, three, four, five, six]: [&[u8]; 6] = std::array::from_fn(|at| all[at].as_slice());
    let list = RevocationList::read(&pki.issuing.list(&[three, one, two], NOW, DAY), &issuing).unwrap();
    let changes = (&[five, four, two][..], &[one, six][..]);
    let delta = pki.issuing.delta(changes, (NOW, NOW + HOUR), HOUR);
    // Neither is taken for the other, and a list that takes something back is none by itself.
    assert_eq!(RevocationList::read(&delta, &issuing), Err(ListFault::Partial));
    let whole = pki.issuing.list(&[one], NOW, DAY);
    assert_eq!(DeltaList::read(&whole, &issuing), Err(ListFault::NotDelta));
    assert_eq!(DeltaList::read(&delta, &root), Err(ListFault::OtherIssuer));
    let imposter = Pki::new().issuing.delta(changes, (NOW, NOW + HOUR), HOUR);
    assert_eq!(DeltaList::read(&imposter, &issuing), Err(ListFault::Signature));

    let delta = DeltaList::read(&delta, &issuing).unwrap();
    assert_eq!(
        (delta.len(), delta.this_update(), delta.next_update()),
        (3, NOW + HOUR, NOW + HOUR * 2)
    );
    let together = list.with_changes(&delta).unwrap();
    assert_eq!(
        (together.len(), together.this_update, together.next_update),
        (4, NOW + HOUR, NOW + HOUR * 2)
    );
    let revokes = |serial: &[u8]| {
        let of = CardOf {
            serial: serial.to_vec(),
            ..doctor()
        };
        together.revokes(&pki.issuing.card(&of).certificate).unwrap()
    };
    for (serial, expected) in [
        (one, false),
        (two, true),
        (three, true),
        (four, true),
        (five, true),
        (six, false),
    ] {
        assert_eq!(revokes(serial), expected, "{serial:?}");
    }
    // Changes since a later list than this one: what lies between is missing.
    let later = pki.issuing.delta(changes, (NOW + HOUR, NOW + HOUR * 2), HOUR);
    let later = DeltaList::read(&later, &issuing).unwrap();
    assert_eq!(list.with_changes(&later), Err(ListFault::Unrelated));
    // Since an earlier one: nothing is missing. A list that came after them has them already.
    let earlier = pki.issuing.delta(changes, (NOW - DAY, NOW + HOUR), HOUR);
    let earlier = DeltaList::read(&earlier, &issuing).unwrap();
    assert_eq!(list.with_changes(&earlier).unwrap(), together);
    let newest = RevocationList::read(&pki.issuing.list(&[one], NOW + DAY, DAY), &issuing).unwrap();
    assert_eq!(newest.with_changes(&delta).unwrap(), newest);
}

proptest! {
    /// A list with what changed is the list that the authority would have published whole.
    #[test]
    fn changes_are_as_good_as_a_whole_list(
        before in prop::collection::btree_set(1_u8..40, 0..20),
        revoked in prop::collection::btree_set(1_u8..40, 0..20),
        back in prop::collection::btree_set(1_u8..40, 0..20),
    ) {
        let pki = Pki::new();
        let [issuing, _] = pki.authorities();
        let serials: Vec<Vec<u8>> = (0..40_u8).map(|number| vec![0x11, number]).collect();
        let of = |set: &BTreeSet<u8>| -> Vec<&[u8]> {
            set.iter().map(|number| serials[usize::from(*number)].as_slice()).collect()
        };
        let back: BTreeSet<u8> = back.difference(&revoked).copied().collect();
        let after: BTreeSet<u8> = before.difference(&back).chain(&revoked).copied().collect();
        let read = |set, at| RevocationList::read(&pki.issuing.list(&of(set), at, HOUR), &issuing).unwrap();
        let delta = pki.issuing.delta((&of(&revoked), &of(&back)), (NOW, NOW + HOUR), HOUR);
        let delta = DeltaList::read(&delta, &issuing).unwrap();
        prop_assert_eq!(read(&before, NOW).with_changes(&delta).unwrap(), read(&after, NOW + HOUR));
    }

    /// Nothing that is read makes a list of changes say something else than its authority signed.
    #[test]
    fn altered_changes_are_refused(at in 0_usize..10_000, with in 1_u8..) {
        let pki = Pki::new();
        let [issuing, _] = pki.authorities();
        let mut delta = pki.issuing.delta((&[&[0x11, 0x22]], &[&[0x11, 0x23]]), (NOW, NOW + HOUR), HOUR);
        let at = at % delta.len();
        delta[at] ^= with;
        prop_assert!(DeltaList::read(&delta, &issuing).is_err());
    }

    /// Nothing that is read makes a list say something else than its authority signed.
    #[test]
    fn altered_lists_are_refused(at in 0_usize..10_000, with in 1_u8..) {
        let pki = Pki::new();
        let [issuing, _] = pki.authorities();
        let mut list = pki.issuing.list(&[&[0x11, 0x22, 0x33]], NOW, DAY);
        let at = at % list.len();
        list[at] ^= with;
        prop_assert!(RevocationList::read(&list, &issuing).is_err());
    }

    #[test]
    fn arbitrary_octets(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let pki = Pki::new();
        let [issuing, root] = pki.authorities();
        prop_assert!(path(&octets, &[&issuing, &root], NOW).is_err());
        prop_assert!(RevocationList::read(&octets, &issuing).is_err());
        prop_assert!(DeltaList::read(&octets, &issuing).is_err());
        prop_assert!(Authority::from_der(&octets).is_err());
        prop_assert!(Holder::of(&octets).is_err());
    }
}
