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
CREATE INDEX idp_owner_of ON idp_owner ({i.col}tenant, owner);
