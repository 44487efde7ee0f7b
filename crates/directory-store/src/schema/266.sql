CREATE TABLE idp_manager ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, manager {blob} NOT NULL,
  PRIMARY KEY ({i.col}tenant, user_id));
CREATE INDEX idp_manager_of ON idp_manager ({i.col}tenant, manager, user_id);
