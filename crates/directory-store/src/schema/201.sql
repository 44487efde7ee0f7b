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
CREATE INDEX idp_member_of ON idp_member ({i.col}tenant, member);
