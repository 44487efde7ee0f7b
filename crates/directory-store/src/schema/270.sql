CREATE INDEX idp_guest_home_user ON idp_guest ({i.col}home, home_user);
