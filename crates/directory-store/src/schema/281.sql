CREATE TABLE idp_notification_mail ({i.def}tenant {blob} NOT NULL, topic TEXT NOT NULL, address TEXT NOT NULL,
  place {int} NOT NULL, PRIMARY KEY ({i.col}tenant, topic, address));
