CREATE INDEX idp_code_family ON idp_code ({i.col}tenant, family);
