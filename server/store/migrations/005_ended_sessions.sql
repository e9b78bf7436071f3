CREATE TABLE ended_session (
  id    TEXT PRIMARY KEY,
  until BIGINT NOT NULL
);
