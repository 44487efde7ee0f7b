//! The tables of the directory. Numbers 200–299 of the directory database are ours.
//!
//! Ids are 16 bytes, instants milliseconds. Every table of a tenant has it first in its key, and every statement binds
//! it; the exceptions are what *gives* the tenant: domain names, the unique index on applications, the cookie of a
//! browser, the codes of a device, the header of a workload; and what belongs to no tenant: signing keys and the root secret.

use hygie_store::Migration;

/// The migrations of the identity provider.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 200,
        title: "tenants and domains",
        sql: "
CREATE TABLE idp_root ({i.def}name TEXT NOT NULL, secret {blob} NOT NULL, PRIMARY KEY ({i.col}name));
CREATE TABLE idp_tenant ({i.def}tenant {blob} NOT NULL, display_name TEXT NOT NULL, pairwise {blob} NOT NULL,
  created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant));
CREATE TABLE idp_domain ({i.def}tenant {blob} NOT NULL, name TEXT NOT NULL, is_default {int} NOT NULL, PRIMARY KEY ({i.col}tenant, name));
CREATE UNIQUE INDEX idp_domain_name ON idp_domain ({i.col}name);",
    },
    Migration {
        number: 201,
        title: "users and groups",
        sql: "
CREATE TABLE idp_user ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, upn TEXT NOT NULL, upn_key TEXT NOT NULL,
  display_name TEXT NOT NULL, given_name TEXT, surname TEXT, mail TEXT, enabled {int} NOT NULL, password TEXT,
  valid_from {int} NOT NULL, created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_user_valid_from ON idp_user ({i.col}valid_from);
CREATE UNIQUE INDEX idp_user_upn ON idp_user ({i.col}tenant, upn_key);
CREATE TABLE idp_lockout ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, failures {int} NOT NULL,
  locks {int} NOT NULL, locked_until {int} NOT NULL, recent {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, user_id));
CREATE TABLE idp_group ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, display_name TEXT NOT NULL,
  created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE TABLE idp_member ({i.def}tenant {blob} NOT NULL, group_id {blob} NOT NULL, member {blob} NOT NULL,
  PRIMARY KEY ({i.col}tenant, group_id, member));
CREATE INDEX idp_member_of ON idp_member ({i.col}tenant, member);",
    },
    Migration {
        number: 202,
        title: "applications and service principals",
        sql: "
CREATE TABLE idp_application ({i.def}tenant {blob} NOT NULL, app {blob} NOT NULL, id {blob} NOT NULL,
  display_name TEXT NOT NULL, definition TEXT NOT NULL, created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, app));
CREATE UNIQUE INDEX idp_application_app ON idp_application ({i.col}app);
CREATE TABLE idp_secret ({i.def}tenant {blob} NOT NULL, app {blob} NOT NULL, id {blob} NOT NULL,
  display_name TEXT NOT NULL, hint TEXT NOT NULL, digest {blob} NOT NULL, created_at {int} NOT NULL,
  expires_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, app, id));
CREATE TABLE idp_principal ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, app {blob} NOT NULL,
  home {blob} NOT NULL, display_name TEXT NOT NULL, enabled {int} NOT NULL, assignment_required {int} NOT NULL,
  created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE UNIQUE INDEX idp_principal_app ON idp_principal ({i.col}tenant, app);
CREATE TABLE idp_principal_name ({i.def}tenant {blob} NOT NULL, name TEXT NOT NULL, principal {blob} NOT NULL,
  PRIMARY KEY ({i.col}tenant, name));
CREATE TABLE idp_consent ({i.def}tenant {blob} NOT NULL, client {blob} NOT NULL, resource {blob} NOT NULL,
  subject {blob} NOT NULL, id {blob} NOT NULL, scope TEXT NOT NULL, created_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, client, resource, subject));
CREATE TABLE idp_app_role ({i.def}tenant {blob} NOT NULL, resource {blob} NOT NULL, principal {blob} NOT NULL,
  role {blob} NOT NULL, id {blob} NOT NULL, created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, resource, principal, role));",
    },
    Migration {
        number: 203,
        title: "signing keys",
        sql: "
CREATE TABLE idp_signing_key ({i.def}kid TEXT NOT NULL, pkcs8 {blob} NOT NULL, certificate {blob} NOT NULL,
  published_at {int} NOT NULL, active_from {int}, retired_at {int}, PRIMARY KEY ({i.col}kid));",
    },
    Migration {
        number: 204,
        title: "sessions and grants",
        sql: "
CREATE TABLE idp_session ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, browser {blob} NOT NULL,
  user_id {blob} NOT NULL, methods TEXT NOT NULL, auth_time {int} NOT NULL, used_at {int} NOT NULL,
  expires_at {int} NOT NULL, ended_at {int}, revoked_at {int}, PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_session_revoked ON idp_session ({i.col}revoked_at);
CREATE INDEX idp_session_browser ON idp_session ({i.col}browser);
CREATE TABLE idp_session_app ({i.def}tenant {blob} NOT NULL, session {blob} NOT NULL, app {blob} NOT NULL,
  PRIMARY KEY ({i.col}tenant, session, app));
CREATE TABLE idp_code ({i.def}tenant {blob} NOT NULL, digest {blob} NOT NULL, family {blob} NOT NULL,
  authorization_json TEXT NOT NULL, expires_at {int} NOT NULL, redeemed_at {int}, PRIMARY KEY ({i.col}tenant, digest));
CREATE INDEX idp_code_expiry ON idp_code ({i.col}expires_at);
CREATE TABLE idp_family ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, user_id {blob} NOT NULL, session {blob} NOT NULL,
  authorization_json TEXT NOT NULL, created_at {int} NOT NULL, expires_at {int} NOT NULL, revoked_at {int},
  PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_family_user ON idp_family ({i.col}tenant, user_id);
CREATE INDEX idp_family_session ON idp_family ({i.col}tenant, session);
CREATE INDEX idp_family_expiry ON idp_family ({i.col}expires_at);
CREATE TABLE idp_refresh ({i.def}tenant {blob} NOT NULL, digest {blob} NOT NULL, family {blob} NOT NULL,
  expires_at {int} NOT NULL, rotated_at {int}, PRIMARY KEY ({i.col}tenant, digest));
CREATE INDEX idp_refresh_expiry ON idp_refresh ({i.col}expires_at);",
    },
    Migration {
        number: 205,
        title: "revoked grants",
        sql: "
CREATE TABLE idp_revoked_grant ({i.def}tenant {blob} NOT NULL, family {blob} NOT NULL, revoked_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, family));
CREATE INDEX idp_revoked_grant_at ON idp_revoked_grant ({i.col}revoked_at);",
    },
    Migration {
        number: 206,
        title: "certificates of applications",
        sql: "
CREATE TABLE idp_certificate ({i.def}tenant {blob} NOT NULL, app {blob} NOT NULL, id {blob} NOT NULL,
  display_name TEXT NOT NULL, certificate {blob} NOT NULL, created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, app, id));",
    },
    Migration {
        number: 207,
        title: "devices that wait",
        sql: "
CREATE TABLE idp_device ({i.def}digest {blob} NOT NULL, user_code {blob} NOT NULL, app {blob} NOT NULL,
  ask_json TEXT NOT NULL, created_at {int} NOT NULL, expires_at {int} NOT NULL, wait_ms {int} NOT NULL,
  polled_at {int}, answer {int} NOT NULL, answered_by {blob}, PRIMARY KEY ({i.col}digest));
CREATE UNIQUE INDEX idp_device_user_code ON idp_device ({i.col}user_code);
CREATE INDEX idp_device_expiry ON idp_device ({i.col}expires_at);",
    },
    Migration {
        number: 208,
        title: "managed identities",
        sql: "
ALTER TABLE idp_principal ADD COLUMN resource_id TEXT;
CREATE TABLE idp_workload ({i.def}tenant {blob} NOT NULL, name TEXT NOT NULL, header {blob} NOT NULL,
  principal {blob} NOT NULL, created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, name));
CREATE UNIQUE INDEX idp_workload_header ON idp_workload ({i.col}header);
CREATE TABLE idp_workload_identity ({i.def}tenant {blob} NOT NULL, workload TEXT NOT NULL, principal {blob} NOT NULL,
  PRIMARY KEY ({i.col}tenant, workload, principal));",
    },
    Migration {
        number: 209,
        title: "revoked people of no directory",
        sql: "
CREATE TABLE idp_revoked_outsider ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, revoked_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_revoked_outsider_at ON idp_revoked_outsider ({i.col}revoked_at);",
    },
    Migration {
        number: 210,
        title: "directory roles",
        sql: "
CREATE TABLE idp_role_assignment ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, principal {blob} NOT NULL,
  role {blob} NOT NULL, created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE UNIQUE INDEX idp_role_assignment_role ON idp_role_assignment ({i.col}tenant, role, principal);
CREATE INDEX idp_role_assignment_principal ON idp_role_assignment ({i.col}tenant, principal);",
    },
    Migration {
        number: 211,
        title: "all members of users and groups",
        sql: "
ALTER TABLE idp_user ADD COLUMN name_key {blob};
ALTER TABLE idp_user ADD COLUMN profile TEXT;
ALTER TABLE idp_user ADD COLUMN password_at {int};
CREATE INDEX idp_user_name ON idp_user ({i.col}tenant, name_key, id);
CREATE TABLE idp_certificate_user_id ({i.def}tenant {blob} NOT NULL, digest {blob} NOT NULL, user_id {blob} NOT NULL,
  PRIMARY KEY ({i.col}tenant, digest));
CREATE INDEX idp_certificate_user_id_user ON idp_certificate_user_id ({i.col}tenant, user_id);
ALTER TABLE idp_group ADD COLUMN name_key {blob};
ALTER TABLE idp_group ADD COLUMN profile TEXT;
CREATE INDEX idp_group_name ON idp_group ({i.col}tenant, name_key, id);
CREATE TABLE idp_owner ({i.def}tenant {blob} NOT NULL, object {blob} NOT NULL, owner {blob} NOT NULL,
  PRIMARY KEY ({i.col}tenant, object, owner));
CREATE INDEX idp_owner_of ON idp_owner ({i.col}tenant, owner);",
    },
    Migration {
        number: 212,
        title: "deleted objects",
        sql: "
CREATE TABLE idp_deleted ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, kind TEXT NOT NULL, content TEXT NOT NULL,
  password TEXT, deleted_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_deleted_kind ON idp_deleted ({i.col}tenant, kind, id);
CREATE INDEX idp_deleted_at ON idp_deleted ({i.col}tenant, deleted_at);",
    },
    Migration {
        number: 213,
        title: "permissions by their ids and by whom they are of",
        sql: "
CREATE INDEX idp_app_role_id ON idp_app_role ({i.col}tenant, id);
CREATE INDEX idp_app_role_principal ON idp_app_role ({i.col}tenant, principal, id);
CREATE INDEX idp_consent_id ON idp_consent ({i.col}tenant, id);
CREATE INDEX idp_consent_subject ON idp_consent ({i.col}tenant, subject, id);",
    },
    Migration {
        number: 214,
        title: "changes in order",
        sql: "
CREATE TABLE idp_change_count ({i.def}tenant {blob} NOT NULL, number {int} NOT NULL, PRIMARY KEY ({i.col}tenant));
CREATE TABLE idp_change ({i.def}tenant {blob} NOT NULL, kind {int} NOT NULL, object {blob} NOT NULL,
  number {int} NOT NULL, became {int} NOT NULL, PRIMARY KEY ({i.col}tenant, kind, object));
CREATE INDEX idp_change_number ON idp_change ({i.col}tenant, kind, number);",
    },
    Migration {
        number: 215,
        title: "conditional access",
        sql: "
CREATE TABLE idp_conditional ({i.def}tenant {blob} NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
  document TEXT NOT NULL, PRIMARY KEY ({i.col}tenant, kind, id));",
    },
    Migration {
        number: 216,
        title: "terms of use",
        sql: "
CREATE TABLE idp_agreement ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, document TEXT NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE TABLE idp_agreement_file ({i.def}tenant {blob} NOT NULL, agreement {blob} NOT NULL, id {blob} NOT NULL,
  number {int} NOT NULL, document TEXT NOT NULL, PRIMARY KEY ({i.col}tenant, agreement, number));
CREATE TABLE idp_agreement_pdf ({i.def}tenant {blob} NOT NULL, agreement {blob} NOT NULL, file {blob} NOT NULL,
  pdf {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, agreement, file));
CREATE TABLE idp_agreement_answer ({i.def}tenant {blob} NOT NULL, agreement {blob} NOT NULL, user_id {blob} NOT NULL,
  file {blob} NOT NULL, id {blob} NOT NULL, accepted {int} NOT NULL, recorded_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, agreement, user_id, file));
CREATE INDEX idp_agreement_answer_id ON idp_agreement_answer ({i.col}tenant, agreement, id);
CREATE INDEX idp_agreement_answer_user ON idp_agreement_answer ({i.col}tenant, user_id, id);",
    },
    Migration {
        number: 220,
        title: "authentication methods policy",
        sql: "
CREATE TABLE idp_methods ({i.def}tenant {blob} NOT NULL, policy_json TEXT NOT NULL, windows_hello_json TEXT NOT NULL,
  modified_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant));",
    },
    Migration {
        number: 221,
        title: "makers of one-time codes",
        sql: "
CREATE TABLE idp_oath ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, id {blob} NOT NULL,
  display_name TEXT NOT NULL, secret {blob} NOT NULL, algorithm TEXT NOT NULL, period {int} NOT NULL,
  used_step {int} NOT NULL, created_at {int} NOT NULL, used_at {int}, PRIMARY KEY ({i.col}tenant, user_id, id));
CREATE TABLE idp_attempt ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, kind {int} NOT NULL,
  failures {int} NOT NULL, locks {int} NOT NULL, locked_until {int}, recent {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, user_id, kind));",
    },
    Migration {
        number: 222,
        title: "passkeys",
        sql: "
CREATE TABLE idp_passkey ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, user_id {blob} NOT NULL,
  display_name TEXT NOT NULL, credential_json TEXT NOT NULL, aaguid {blob} NOT NULL, synced {int} NOT NULL,
  attested {int} NOT NULL, counter {int} NOT NULL, created_at {int} NOT NULL, used_at {int}, PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_passkey_user ON idp_passkey ({i.col}tenant, user_id);
CREATE TABLE idp_challenge ({i.def}tenant {blob} NOT NULL, digest {blob} NOT NULL, expires_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, digest));
CREATE INDEX idp_challenge_expiry ON idp_challenge ({i.col}expires_at);",
    },
    Migration {
        number: 223,
        title: "temporary access passes",
        sql: "
CREATE TABLE idp_pass ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, id {blob} NOT NULL, hash TEXT NOT NULL,
  once {int} NOT NULL, start_at {int} NOT NULL, expires_at {int} NOT NULL, created_at {int} NOT NULL, used_at {int},
  PRIMARY KEY ({i.col}tenant, user_id));",
    },
    Migration {
        number: 224,
        title: "changes of means of identification",
        sql: "
CREATE TABLE idp_notice ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, id {blob} NOT NULL,
  change_word TEXT NOT NULL, about TEXT NOT NULL, own {int} NOT NULL, at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, user_id, id));",
    },
    Migration {
        number: 225,
        title: "methods of sessions with their instants",
        sql: "
ALTER TABLE idp_session DROP COLUMN methods;
ALTER TABLE idp_session ADD COLUMN methods_json TEXT NOT NULL DEFAULT '[]';
ALTER TABLE idp_session ADD COLUMN began_at {int} NOT NULL DEFAULT 0;",
    },
    Migration {
        number: 226,
        title: "log of sign-ins",
        sql: "
CREATE TABLE idp_sign_in ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, user_id {blob} NOT NULL,
  at {int} NOT NULL, entry_json TEXT NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_sign_in_user ON idp_sign_in ({i.col}tenant, user_id, id);
CREATE INDEX idp_sign_in_at ON idp_sign_in ({i.col}at);",
    },
    Migration {
        number: 230,
        title: "trust stores for certificates of people",
        sql: "
CREATE TABLE idp_pki ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, display_name TEXT NOT NULL,
  modified_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE TABLE idp_authority ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, pki {blob} NOT NULL,
  certificate {blob} NOT NULL, list_url TEXT, hint {int} NOT NULL, grace_hours {int} NOT NULL,
  created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));",
    },
    Migration {
        number: 231,
        title: "revocation lists",
        sql: "
CREATE TABLE idp_crl ({i.def}tenant {blob} NOT NULL, authority {blob} NOT NULL, digest {blob} NOT NULL,
  this_update {int} NOT NULL, next_update {int} NOT NULL, stored_at {int} NOT NULL, uploaded {int} NOT NULL,
  revoked {int} NOT NULL, content {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, authority));",
    },
    Migration {
        number: 232,
        title: "hand-overs from the host that asks for certificates",
        sql: "
CREATE TABLE idp_handover ({i.def}tenant {blob} NOT NULL, digest {blob} NOT NULL, binding {blob} NOT NULL,
  user_id {blob} NOT NULL, used_json TEXT NOT NULL, expires_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, digest));
CREATE INDEX idp_handover_expiry ON idp_handover ({i.col}expires_at);",
    },
    Migration {
        number: 235,
        title: "logs",
        sql: "
CREATE TABLE idp_log ({i.def}tenant {blob} NOT NULL, log {int} NOT NULL, id {blob} NOT NULL, entry_json TEXT NOT NULL,
  marks TEXT NOT NULL, PRIMARY KEY ({i.col}tenant, log, id));
CREATE TABLE idp_log_mark ({i.def}tenant {blob} NOT NULL, log {int} NOT NULL, mark TEXT NOT NULL, id {blob} NOT NULL,
  PRIMARY KEY ({i.col}tenant, log, mark, id)) {clustered};
CREATE TABLE idp_log_retention ({i.def}tenant {blob} NOT NULL, days {int} NOT NULL, PRIMARY KEY ({i.col}tenant));",
    },
    Migration {
        number: 240,
        title: "authorization policy",
        sql: "
CREATE TABLE idp_authorization_policy ({i.def}tenant {blob} NOT NULL, document TEXT NOT NULL, PRIMARY KEY ({i.col}tenant));",
    },
    Migration {
        number: 241,
        title: "permissions of low impact",
        sql: "
CREATE TABLE idp_low_impact ({i.def}tenant {blob} NOT NULL, resource {blob} NOT NULL, permission {blob} NOT NULL,
  id {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, resource, permission));",
    },
    Migration {
        number: 242,
        title: "guests",
        sql: "
CREATE TABLE idp_guest ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, home {blob} NOT NULL,
  home_user {blob}, address TEXT NOT NULL, ticket {blob}, redirect TEXT NOT NULL, invited_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, user_id));
CREATE INDEX idp_guest_home ON idp_guest ({i.col}tenant, home, home_user);
CREATE INDEX idp_guest_address ON idp_guest ({i.col}tenant, home, address);
CREATE INDEX idp_guest_ticket ON idp_guest ({i.col}tenant, ticket);",
    },
    Migration {
        number: 243,
        title: "verified publishers",
        sql: "
CREATE TABLE idp_publisher ({i.def}tenant {blob} NOT NULL, id TEXT NOT NULL, display_name TEXT NOT NULL,
  created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));",
    },
    Migration {
        number: 244,
        title: "federated credentials",
        sql: "
CREATE TABLE idp_federated ({i.def}tenant {blob} NOT NULL, app {blob} NOT NULL, id {blob} NOT NULL, name TEXT NOT NULL,
  issuer TEXT NOT NULL, subject TEXT NOT NULL, audience TEXT NOT NULL, description TEXT, created_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, app, id));
CREATE UNIQUE INDEX idp_federated_name ON idp_federated ({i.col}tenant, app, name);
CREATE UNIQUE INDEX idp_federated_subject ON idp_federated ({i.col}tenant, app, issuer, subject);",
    },
    Migration {
        number: 245,
        title: "requests for people whom a client named",
        sql: "
CREATE TABLE idp_backchannel ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, digest {blob} NOT NULL,
  code TEXT NOT NULL, expires_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, user_id, digest));
CREATE INDEX idp_backchannel_expiry ON idp_backchannel ({i.col}expires_at);",
    },
    Migration {
        number: 250,
        title: "risk of people and of sign-ins",
        sql: "
CREATE TABLE idp_user_risk ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, level TEXT NOT NULL,
  state TEXT NOT NULL, detail TEXT NOT NULL, updated_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, user_id));
CREATE TABLE idp_supplied_risk ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, document TEXT NOT NULL,
  ends_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_supplied_risk_end ON idp_supplied_risk ({i.col}ends_at);",
    },
    Migration {
        number: 251,
        title: "sessions that stay, and how their people came",
        sql: "
ALTER TABLE idp_session ADD COLUMN kept {int} NOT NULL DEFAULT 0;
ALTER TABLE idp_session ADD COLUMN arrival_json TEXT;",
    },
    Migration {
        number: 252,
        title: "codes by their grants",
        sql: "CREATE INDEX idp_code_family ON idp_code ({i.col}tenant, family);",
    },
    Migration {
        number: 256,
        title: "browsers that an account signed in from",
        sql: "
CREATE TABLE idp_familiar ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, browser {blob} NOT NULL,
  seen_at {int} NOT NULL, failures {int} NOT NULL, locks {int} NOT NULL, locked_until {int} NOT NULL,
  recent {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, user_id, browser));
CREATE INDEX idp_familiar_seen ON idp_familiar ({i.col}seen_at);",
    },
    Migration {
        number: 257,
        title: "passwords that were given to be changed",
        sql: "
CREATE TABLE idp_first_password ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, set_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, user_id));",
    },
    Migration {
        number: 258,
        title: "requests to consent",
        sql: "
CREATE TABLE idp_consent_request ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, app {blob} NOT NULL,
  app_name TEXT NOT NULL, user_id {blob} NOT NULL, permissions_json TEXT NOT NULL, reason TEXT NOT NULL,
  status {int} NOT NULL, justification TEXT, created_at {int} NOT NULL, ends_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE UNIQUE INDEX idp_consent_request_of ON idp_consent_request ({i.col}tenant, user_id, app);
CREATE INDEX idp_consent_request_end ON idp_consent_request ({i.col}ends_at);",
    },
    Migration {
        number: 259,
        title: "sealed hashes of passwords and passes",
        sql: "
ALTER TABLE idp_user ADD COLUMN sealed_password {blob};
ALTER TABLE idp_deleted ADD COLUMN sealed_password {blob};
ALTER TABLE idp_pass ADD COLUMN sealed_hash {blob};
ALTER TABLE idp_pass ADD COLUMN clear_hash TEXT;
UPDATE idp_pass SET clear_hash = hash;
ALTER TABLE idp_pass DROP COLUMN hash;",
    },
    Migration {
        number: 260,
        title: "lists of what changed since a revocation list",
        sql: "
ALTER TABLE idp_authority ADD COLUMN delta_url TEXT;
CREATE TABLE idp_delta_crl ({i.def}tenant {blob} NOT NULL, authority {blob} NOT NULL, digest {blob} NOT NULL,
  this_update {int} NOT NULL, next_update {int} NOT NULL, stored_at {int} NOT NULL, uploaded {int} NOT NULL,
  revoked {int} NOT NULL, content {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, authority));",
    },
    Migration {
        number: 261,
        title: "risk of service principals",
        sql: "
CREATE TABLE idp_principal_risk ({i.def}tenant {blob} NOT NULL, principal {blob} NOT NULL, level TEXT NOT NULL,
  state TEXT NOT NULL, detail TEXT NOT NULL, updated_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, principal));
CREATE TABLE idp_principal_risk_event ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, principal {blob} NOT NULL,
  level TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL, event TEXT, told_by {blob}, at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_principal_risk_event_of ON idp_principal_risk_event ({i.col}tenant, principal, id);",
    },
    Migration {
        number: 266,
        title: "managers",
        sql: "
CREATE TABLE idp_manager ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, manager {blob} NOT NULL,
  PRIMARY KEY ({i.col}tenant, user_id));
CREATE INDEX idp_manager_of ON idp_manager ({i.col}tenant, manager, user_id);",
    },
    Migration {
        number: 267,
        title: "what is known of service principals",
        sql: "ALTER TABLE idp_principal ADD COLUMN profile TEXT;",
    },
    Migration {
        number: 268,
        title: "last sign-ins",
        sql: "
CREATE TABLE idp_sign_in_activity ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, kind {int} NOT NULL,
  at {int} NOT NULL, entry {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, user_id, kind));",
    },
    Migration {
        number: 269,
        title: "what was told of the risk of people",
        sql: "
CREATE TABLE idp_risk_event ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, user_id {blob} NOT NULL,
  level TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL, event TEXT, told_by {blob}, at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_risk_event_user ON idp_risk_event ({i.col}tenant, user_id, id);",
    },
    Migration {
        number: 270,
        title: "guests by their homes",
        sql: "CREATE INDEX idp_guest_home_user ON idp_guest ({i.col}home, home_user);",
    },
    Migration {
        number: 271,
        title: "policies that applications were given",
        sql: "
CREATE TABLE idp_policy_target ({i.def}tenant {blob} NOT NULL, object {blob} NOT NULL, policy {blob} NOT NULL,
  PRIMARY KEY ({i.col}tenant, object));
CREATE INDEX idp_policy_target_policy ON idp_policy_target ({i.col}tenant, policy, object);",
    },
    Migration {
        number: 272,
        title: "what people put off to register",
        sql: "
CREATE TABLE idp_campaign ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, times {int} NOT NULL, at {int} NOT NULL,
  session {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, user_id));",
    },
    Migration {
        number: 281,
        title: "where an establishment wants to be told",
        sql: "
CREATE TABLE idp_notification_mail ({i.def}tenant {blob} NOT NULL, topic TEXT NOT NULL, address TEXT NOT NULL,
  place {int} NOT NULL, PRIMARY KEY ({i.col}tenant, topic, address));",
    },
    Migration {
        number: 286,
        title: "grants that descend from others",
        sql: "
ALTER TABLE idp_family ADD COLUMN root {blob};
CREATE INDEX idp_family_root ON idp_family ({i.col}tenant, root);",
    },
];
