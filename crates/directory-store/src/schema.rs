//! The tables of the directory. Numbers 200–299 of the directory database are ours.
//!
//! Ids are 16 bytes, instants milliseconds. Every table of a tenant has it first in its key, and every statement binds
//! it; the exceptions are what *gives* the tenant: domain names, the unique index on applications, the cookie of a
//! browser, the codes of a device, the header of a workload; and what belongs to no tenant: signing keys and the root secret.
//!
//! On a new database they run in the order of their numbers: a table is changed by a higher number than made it.

use hygie_store::Migration;

/// The migrations of the identity provider.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 200,
        title: "tenants and domains",
        sql: include_str!("schema/200.sql"),
    },
    Migration {
        number: 201,
        title: "users and groups",
        sql: include_str!("schema/201.sql"),
    },
    Migration {
        number: 202,
        title: "applications and service principals",
        sql: include_str!("schema/202.sql"),
    },
    Migration {
        number: 203,
        title: "signing keys",
        sql: include_str!("schema/203.sql"),
    },
    Migration {
        number: 204,
        title: "sessions and grants",
        sql: include_str!("schema/204.sql"),
    },
    Migration {
        number: 205,
        title: "revoked grants",
        sql: include_str!("schema/205.sql"),
    },
    Migration {
        number: 206,
        title: "certificates of applications",
        sql: include_str!("schema/206.sql"),
    },
    Migration {
        number: 207,
        title: "devices that wait",
        sql: include_str!("schema/207.sql"),
    },
    Migration {
        number: 208,
        title: "managed identities",
        sql: include_str!("schema/208.sql"),
    },
    Migration {
        number: 209,
        title: "revoked people of no directory",
        sql: include_str!("schema/209.sql"),
    },
    Migration {
        number: 210,
        title: "directory roles",
        sql: include_str!("schema/210.sql"),
    },
    Migration {
        number: 211,
        title: "all members of users and groups",
        sql: include_str!("schema/211.sql"),
    },
    Migration {
        number: 212,
        title: "deleted objects",
        sql: include_str!("schema/212.sql"),
    },
    Migration {
        number: 213,
        title: "permissions by their ids and by whom they are of",
        sql: include_str!("schema/213.sql"),
    },
    Migration {
        number: 214,
        title: "changes in order",
        sql: include_str!("schema/214.sql"),
    },
    Migration {
        number: 215,
        title: "conditional access",
        sql: include_str!("schema/215.sql"),
    },
    Migration {
        number: 216,
        title: "terms of use",
        sql: include_str!("schema/216.sql"),
    },
    Migration {
        number: 220,
        title: "authentication methods policy",
        sql: include_str!("schema/220.sql"),
    },
    Migration {
        number: 221,
        title: "makers of one-time codes",
        sql: include_str!("schema/221.sql"),
    },
    Migration {
        number: 222,
        title: "passkeys",
        sql: include_str!("schema/222.sql"),
    },
    Migration {
        number: 223,
        title: "temporary access passes",
        sql: include_str!("schema/223.sql"),
    },
    Migration {
        number: 224,
        title: "changes of means of identification",
        sql: include_str!("schema/224.sql"),
    },
    Migration {
        number: 225,
        title: "methods of sessions with their instants",
        sql: include_str!("schema/225.sql"),
    },
    Migration {
        number: 226,
        title: "log of sign-ins",
        sql: include_str!("schema/226.sql"),
    },
    Migration {
        number: 230,
        title: "trust stores for certificates of people",
        sql: include_str!("schema/230.sql"),
    },
    Migration {
        number: 231,
        title: "revocation lists",
        sql: include_str!("schema/231.sql"),
    },
    Migration {
        number: 232,
        title: "hand-overs from the host that asks for certificates",
        sql: include_str!("schema/232.sql"),
    },
    Migration {
        number: 235,
        title: "logs",
        sql: include_str!("schema/235.sql"),
    },
    Migration {
        number: 240,
        title: "authorization policy",
        sql: include_str!("schema/240.sql"),
    },
    Migration {
        number: 241,
        title: "permissions of low impact",
        sql: include_str!("schema/241.sql"),
    },
    Migration {
        number: 242,
        title: "guests",
        sql: include_str!("schema/242.sql"),
    },
    Migration {
        number: 243,
        title: "verified publishers",
        sql: include_str!("schema/243.sql"),
    },
    Migration {
        number: 244,
        title: "federated credentials",
        sql: include_str!("schema/244.sql"),
    },
    Migration {
        number: 245,
        title: "requests for people whom a client named",
        sql: include_str!("schema/245.sql"),
    },
    Migration {
        number: 250,
        title: "risk of people and of sign-ins",
        sql: include_str!("schema/250.sql"),
    },
    Migration {
        number: 251,
        title: "sessions that stay, and how their people came",
        sql: include_str!("schema/251.sql"),
    },
    Migration {
        number: 252,
        title: "codes by their grants",
        sql: include_str!("schema/252.sql"),
    },
    Migration {
        number: 256,
        title: "browsers that an account signed in from",
        sql: include_str!("schema/256.sql"),
    },
    Migration {
        number: 257,
        title: "passwords that were given to be changed",
        sql: include_str!("schema/257.sql"),
    },
    Migration {
        number: 258,
        title: "requests to consent",
        sql: include_str!("schema/258.sql"),
    },
    Migration {
        number: 259,
        title: "sealed hashes of passwords and passes",
        sql: include_str!("schema/259.sql"),
    },
    Migration {
        number: 260,
        title: "lists of what changed since a revocation list",
        sql: include_str!("schema/260.sql"),
    },
    Migration {
        number: 261,
        title: "risk of service principals",
        sql: include_str!("schema/261.sql"),
    },
    Migration {
        number: 266,
        title: "managers",
        sql: include_str!("schema/266.sql"),
    },
    Migration {
        number: 267,
        title: "what is known of service principals",
        sql: include_str!("schema/267.sql"),
    },
    Migration {
        number: 268,
        title: "last sign-ins",
        sql: include_str!("schema/268.sql"),
    },
    Migration {
        number: 269,
        title: "what was told of the risk of people",
        sql: include_str!("schema/269.sql"),
    },
    Migration {
        number: 270,
        title: "guests by their homes",
        sql: include_str!("schema/270.sql"),
    },
    Migration {
        number: 271,
        title: "policies that applications were given",
        sql: include_str!("schema/271.sql"),
    },
    Migration {
        number: 272,
        title: "what people put off to register",
        sql: include_str!("schema/272.sql"),
    },
    Migration {
        number: 277,
        title: "when a session last confirmed something elsewhere",
        sql: include_str!("schema/277.sql"),
    },
    Migration {
        number: 281,
        title: "where an establishment wants to be told",
        sql: include_str!("schema/281.sql"),
    },
    Migration {
        number: 286,
        title: "grants that descend from others",
        sql: include_str!("schema/286.sql"),
    },
];
