/** Tables of `library.sqlite`: what people decided and what must outlive every cache. */
export const LIBRARY_VERSION = 6

/** What brings a library of version `n` to `n + 1`, by `n`; version 0 is an empty file. */
export const LIBRARY_MIGRATIONS: readonly string[] = [
  `
CREATE TABLE packets (
  packet_id TEXT PRIMARY KEY,
  context_id TEXT NOT NULL,
  dtype TEXT NOT NULL,
  size INTEGER NOT NULL,          -- bytes of the manifest itself
  added_at INTEGER NOT NULL,      -- milliseconds since 1970
  trust TEXT NOT NULL,
  verified TEXT NOT NULL DEFAULT 'none',
  pinned INTEGER NOT NULL DEFAULT 0,
  removed_at INTEGER              -- set: a tombstone
) STRICT;
-- The first durable writer of a context wins. A stranger's packet never does: its tensors need not be what its context says.
CREATE UNIQUE INDEX one_packet_per_context ON packets (context_id, dtype) WHERE removed_at IS NULL AND trust <> 'restricted';
CREATE TABLE names (name TEXT PRIMARY KEY, packet_id TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT;
CREATE INDEX names_of_packet ON names (packet_id);
CREATE TABLE tags (packet_id TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (packet_id, tag)) STRICT, WITHOUT ROWID;
CREATE TABLE referrers (
  digest TEXT PRIMARY KEY, subject TEXT NOT NULL, artifact_type TEXT NOT NULL, size INTEGER NOT NULL, added_at INTEGER NOT NULL
) STRICT;
CREATE INDEX referrers_of ON referrers (subject);
-- Sessions that are using a packet right now, in any process.
CREATE TABLE holds (packet_id TEXT NOT NULL, owner TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (packet_id, owner)) STRICT;
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE asks (
  id TEXT PRIMARY KEY,
  parent_id TEXT,
  root_packet_id TEXT NOT NULL,
  question TEXT NOT NULL,
  answer TEXT NOT NULL,
  new_packet_id TEXT,
  receipt_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  detail TEXT NOT NULL            -- JSON: whatever else the asker wants to show again
) STRICT;
CREATE INDEX asks_of_root ON asks (root_packet_id, at);
`,
  `
DROP TABLE IF EXISTS meter_marks;
DROP TABLE IF EXISTS jobs;
-- How often and how well a packet has served.
CREATE TABLE usage (
  packet_id TEXT PRIMARY KEY, asks INTEGER NOT NULL, tokens_saved REAL NOT NULL, seconds_saved REAL NOT NULL, used_at INTEGER NOT NULL
) STRICT;
`,
  `
-- Registries: which packets are in which repository, and where uploads that were interrupted go on.
CREATE TABLE remote_packets (
  registry TEXT NOT NULL, repository TEXT NOT NULL, packet_id TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (registry, repository, packet_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE remote_uploads (
  registry TEXT NOT NULL, repository TEXT NOT NULL, digest TEXT NOT NULL, location TEXT NOT NULL,
  PRIMARY KEY (registry, repository, digest)
) STRICT, WITHOUT ROWID;
`,
  `
-- Packets that are to be pushed to a cold tier, in the order in which they were made.
CREATE TABLE remote_pushes (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  registry TEXT NOT NULL, repository TEXT NOT NULL, packet_id TEXT NOT NULL,
  UNIQUE (registry, repository, packet_id)
) STRICT;
`,
  `
-- How many sentences of its own text a packet's state could end, of those that were tried and that the bare model could not.
CREATE TABLE spot_checks (
  packet_id TEXT PRIMARY KEY, recalled INTEGER NOT NULL, checked INTEGER NOT NULL, checked_at INTEGER NOT NULL
) STRICT;
`,
  `
-- Long work that was asked for: what waits, in its order, and what became of it until somebody has seen it.
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- also its place in the line
  round INTEGER NOT NULL,                -- those added while the line was never empty belong together
  lane TEXT NOT NULL,                    -- one at a time of each
  title TEXT NOT NULL,
  task TEXT NOT NULL,                    -- JSON: what is to be done, without the texts
  pace TEXT NOT NULL,                    -- those of one pace take about as long for as much
  size INTEGER NOT NULL,                 -- bytes or characters to be read
  state TEXT NOT NULL,
  seconds REAL,                          -- measured, where it was really read
  made TEXT,                             -- JSON: cartridges, from the moment they are stored
  error TEXT                             -- JSON: code, message, details
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, lane, id);
-- What is to be read, until it is: a text, or the bytes of a document.
CREATE TABLE job_sources (
  job_id INTEGER NOT NULL, name TEXT NOT NULL, content ANY NOT NULL, extractor TEXT
) STRICT;
CREATE INDEX job_sources_of ON job_sources (job_id);
`,
]
