CREATE TABLE idp_guest ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, home {blob} NOT NULL,
  home_user {blob}, address TEXT NOT NULL, ticket {blob}, redirect TEXT NOT NULL, invited_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, user_id));
CREATE INDEX idp_guest_home ON idp_guest ({i.col}tenant, home, home_user);
CREATE INDEX idp_guest_address ON idp_guest ({i.col}tenant, home, address);
CREATE INDEX idp_guest_ticket ON idp_guest ({i.col}tenant, ticket);
