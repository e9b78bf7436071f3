CREATE TABLE layer (
  name TEXT PRIMARY KEY,
  used BIGINT NOT NULL,
  size BIGINT NOT NULL,
  data {{blob}} NOT NULL
);
CREATE INDEX layer_used ON layer (used, size);
