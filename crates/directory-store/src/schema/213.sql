CREATE INDEX idp_app_role_id ON idp_app_role ({i.col}tenant, id);
CREATE INDEX idp_app_role_principal ON idp_app_role ({i.col}tenant, principal, id);
CREATE INDEX idp_consent_id ON idp_consent ({i.col}tenant, id);
CREATE INDEX idp_consent_subject ON idp_consent ({i.col}tenant, subject, id);
