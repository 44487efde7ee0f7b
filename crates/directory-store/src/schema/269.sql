CREATE TABLE idp_risk_event ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, user_id {blob} NOT NULL,
  level TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL, event TEXT, told_by {blob}, at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_risk_event_user ON idp_risk_event ({i.col}tenant, user_id, id);
