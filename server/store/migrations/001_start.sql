CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE scan (
  id         {{id}},
  registry   TEXT NOT NULL,
  repository TEXT NOT NULL,
  reference  TEXT NOT NULL,
  tag        TEXT NOT NULL,
  digest     TEXT NOT NULL,
  target     TEXT NOT NULL,
  database   TEXT NOT NULL,
  rules      TEXT NOT NULL,
  policy     TEXT NOT NULL,
  source     TEXT NOT NULL,
  callback   TEXT NOT NULL,
  upload     TEXT NOT NULL,
  created    BIGINT NOT NULL,
  job        BIGINT NOT NULL,
  same_as    BIGINT NOT NULL,
  UNIQUE (registry, repository, reference, database, rules, policy)
);
CREATE INDEX scan_digest ON scan (digest);
CREATE INDEX scan_job ON scan (job);

CREATE TABLE event (
  source   TEXT NOT NULL,
  key      TEXT NOT NULL,
  received BIGINT NOT NULL,
  scan     BIGINT NOT NULL,
  PRIMARY KEY (source, key)
);
CREATE INDEX event_received ON event (received);

CREATE TABLE lease (
  job     BIGINT PRIMARY KEY,
  attempt BIGINT NOT NULL,
  worker  TEXT NOT NULL,
  beat    BIGINT NOT NULL
);

CREATE TABLE artifact (
  id           {{id}},
  registry     TEXT NOT NULL,
  repository   TEXT NOT NULL,
  digest       TEXT NOT NULL,
  index_digest TEXT NOT NULL,
  tag          TEXT NOT NULL,
  name         TEXT NOT NULL,
  type         TEXT NOT NULL,
  scan         BIGINT NOT NULL,
  code         BIGINT NOT NULL,
  blocking     BIGINT NOT NULL,
  findings     BIGINT NOT NULL,
  packages     BIGINT NOT NULL,
  gaps         BIGINT NOT NULL,
  reasons      TEXT NOT NULL,
  scanned      BIGINT NOT NULL,
  judged       BIGINT NOT NULL,
  database     TEXT NOT NULL,
  UNIQUE (registry, repository, digest)
);
CREATE INDEX artifact_digest ON artifact (digest);
CREATE INDEX artifact_index_digest ON artifact (index_digest);
CREATE INDEX artifact_judged ON artifact (judged);
CREATE INDEX artifact_code ON artifact (code, blocking);

CREATE TABLE result (
  scan     BIGINT PRIMARY KEY,
  artifact BIGINT NOT NULL,
  finished BIGINT NOT NULL,
  code     BIGINT NOT NULL,
  blocking BIGINT NOT NULL,
  database TEXT NOT NULL,
  report   {{blob}} NOT NULL
);
CREATE INDEX result_artifact ON result (artifact, finished);

CREATE TABLE component (
  id        {{id}},
  key       TEXT NOT NULL UNIQUE,
  ecosystem TEXT NOT NULL,
  name      TEXT NOT NULL,
  version   TEXT NOT NULL,
  purl      TEXT NOT NULL,
  package   TEXT NOT NULL
);
CREATE INDEX component_purl ON component (purl);
CREATE INDEX component_title ON component (name, version);

CREATE TABLE component_name (
  ecosystem TEXT NOT NULL,
  name      TEXT NOT NULL,
  component BIGINT NOT NULL,
  PRIMARY KEY (ecosystem, name, component)
);

CREATE TABLE inventory (
  component BIGINT NOT NULL,
  artifact  BIGINT NOT NULL,
  PRIMARY KEY (component, artifact)
);
CREATE INDEX inventory_artifact ON inventory (artifact);

CREATE TABLE affected (
  advisory  TEXT NOT NULL,
  artifact  BIGINT NOT NULL,
  purl      TEXT NOT NULL,
  main      TEXT NOT NULL,
  severity  TEXT NOT NULL,
  blocks    BIGINT NOT NULL,
  PRIMARY KEY (advisory, artifact, purl)
);
CREATE INDEX affected_artifact ON affected (artifact);

CREATE TABLE change (
  id       {{id}},
  at       BIGINT NOT NULL,
  artifact BIGINT NOT NULL,
  scan     BIGINT NOT NULL,
  what     TEXT NOT NULL,
  advisory TEXT NOT NULL,
  subject  TEXT NOT NULL,
  severity TEXT NOT NULL,
  blocks   BIGINT NOT NULL
);
CREATE INDEX change_artifact ON change (artifact);

CREATE TABLE trend (
  day       TEXT PRIMARY KEY,
  blockers  BIGINT NOT NULL,
  failing   BIGINT NOT NULL,
  artifacts BIGINT NOT NULL
);

CREATE TABLE upload (
  id      TEXT NOT NULL,
  part    BIGINT NOT NULL,
  created BIGINT NOT NULL,
  data    {{blob}} NOT NULL,
  PRIMARY KEY (id, part)
);

CREATE TABLE rematch (
  database TEXT PRIMARY KEY,
  beat     BIGINT NOT NULL,
  finished BIGINT NOT NULL,
  changed  BIGINT NOT NULL
);
