CREATE TABLE idp_device ({i.def}digest {blob} NOT NULL, user_code {blob} NOT NULL, app {blob} NOT NULL,
  ask_json TEXT NOT NULL, created_at {int} NOT NULL, expires_at {int} NOT NULL, wait_ms {int} NOT NULL,
  polled_at {int}, answer {int} NOT NULL, answered_by {blob}, PRIMARY KEY ({i.col}digest));
CREATE UNIQUE INDEX idp_device_user_code ON idp_device ({i.col}user_code);
CREATE INDEX idp_device_expiry ON idp_device ({i.col}expires_at);
