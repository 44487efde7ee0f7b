ALTER TABLE idp_session ADD COLUMN confirmed_at {int};
