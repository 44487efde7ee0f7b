CREATE TABLE idp_policy_target ({i.def}tenant {blob} NOT NULL, object {blob} NOT NULL, policy {blob} NOT NULL,
  PRIMARY KEY ({i.col}tenant, object));
CREATE INDEX idp_policy_target_policy ON idp_policy_target ({i.col}tenant, policy, object);
