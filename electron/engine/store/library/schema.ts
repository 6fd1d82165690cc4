/** Tables of `library.sqlite`: what people decided and what must outlive every cache. */
export const LIBRARY_VERSION = 11

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
  `
-- What people asked, as conversations. Before, questions hung on the cartridge that answered: each cartridge's become one.
CREATE TABLE conversations (
  id TEXT PRIMARY KEY,
  name TEXT,                      -- as somebody called it
  packet_id TEXT,                 -- the cartridge in the slot
  model TEXT,                     -- what answers while the slot is empty
  system TEXT NOT NULL DEFAULT '',
  head_id TEXT,                   -- the turn that the next question is put below
  draft TEXT NOT NULL DEFAULT '',
  draft_revision INTEGER NOT NULL DEFAULT 0,
  pending TEXT,                   -- JSON: a question without an answer yet
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  removed_at INTEGER              -- set: deleted, and can be brought back for a while
) STRICT;
CREATE TABLE turns (
  id TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL,
  previous_id TEXT,               -- what it stands below
  parent_id TEXT,                 -- whose state it went on from
  root_packet_id TEXT,
  question TEXT NOT NULL,
  answer TEXT NOT NULL,
  new_packet_id TEXT,
  receipt_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  detail TEXT NOT NULL            -- JSON: whatever else the asker wants to show again
) STRICT;
-- Answers that programs refer to by an id.
CREATE TABLE answers (id TEXT PRIMARY KEY, root_packet_id TEXT NOT NULL, packet_id TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
INSERT INTO answers SELECT id, root_packet_id, new_packet_id, at FROM asks WHERE detail = 'null' AND new_packet_id IS NOT NULL;
INSERT INTO conversations (id, packet_id, created_at, updated_at)
  SELECT lower(hex(randomblob(16))), root_packet_id, min(at), max(at) FROM asks WHERE detail <> 'null' GROUP BY root_packet_id;
INSERT INTO turns
  SELECT a.id, c.id, lag(a.id) OVER (PARTITION BY a.root_packet_id ORDER BY a.rowid), a.parent_id, a.root_packet_id,
    a.question, a.answer, a.new_packet_id, a.receipt_id, a.at, a.detail
  FROM asks a JOIN conversations c ON c.packet_id = a.root_packet_id WHERE a.detail <> 'null' ORDER BY a.rowid;
UPDATE conversations SET head_id = (SELECT id FROM turns t WHERE t.conversation_id = conversations.id ORDER BY t.rowid DESC LIMIT 1);
DROP TABLE asks;
CREATE INDEX turns_of ON turns (conversation_id);
CREATE INDEX turns_to ON turns (new_packet_id);
CREATE INDEX turns_from ON turns (root_packet_id);
CREATE INDEX answers_to ON answers (packet_id);
`,
  `
-- Cartridges that belong together: the parts of a long text, or what somebody put together. Each is in one at most.
CREATE TABLE collections (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
CREATE TABLE collection_members (
  packet_id TEXT PRIMARY KEY, collection_id TEXT NOT NULL, place INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX members_of ON collection_members (collection_id);
`,
  `
-- A conversation may have several cartridges in its slots, and a question an answer of each.
ALTER TABLE conversations ADD COLUMN slots TEXT NOT NULL DEFAULT '[]';  -- JSON: packet_ids in their order
UPDATE conversations SET slots = json_array(packet_id) WHERE packet_id IS NOT NULL;
ALTER TABLE conversations DROP COLUMN packet_id;
ALTER TABLE conversations ADD COLUMN asking TEXT;  -- 'each' or 'route': whom a question goes to, once somebody chose
ALTER TABLE turns ADD COLUMN beside_id TEXT;       -- the turn whose question it answers, too
CREATE INDEX turns_beside ON turns (beside_id);
`,
  `
-- Packets that are kept for a time, as the states that programs' answers led to, and that nothing else has made.
CREATE TABLE retained (packet_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
`,
  `
-- What was asked and answered, as it was told: JSON. Null for answers that were given before.
ALTER TABLE answers ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE answers ADD COLUMN request TEXT;  -- a digest: what tells apart two that led to one state
ALTER TABLE answers ADD COLUMN response TEXT;
ALTER TABLE answers ADD COLUMN input TEXT;
CREATE TABLE answer_bytes (total INTEGER NOT NULL) STRICT;
INSERT INTO answer_bytes VALUES (0);
CREATE TRIGGER answer_added AFTER INSERT ON answers BEGIN UPDATE answer_bytes SET total = total + new.bytes; END;
CREATE TRIGGER answer_changed AFTER UPDATE ON answers BEGIN UPDATE answer_bytes SET total = total + new.bytes - old.bytes; END;
CREATE TRIGGER answer_gone AFTER DELETE ON answers BEGIN UPDATE answer_bytes SET total = total - old.bytes; END;
-- Set: the last answer that led there was deleted. It goes as soon as nobody may be using it.
ALTER TABLE retained ADD COLUMN let_go INTEGER NOT NULL DEFAULT 0;
-- States of answers are retained that were there before any were. When they were used last was noted of none: their time begins now.
INSERT INTO usage SELECT DISTINCT packet_id, 0, 0, 0, CAST(unixepoch('subsec') * 1000 AS INTEGER) FROM answers
  WHERE packet_id IN (SELECT packet_id FROM packets WHERE trust = 'own') AND packet_id NOT IN (SELECT packet_id FROM retained)
  ON CONFLICT (packet_id) DO UPDATE SET used_at = max(used_at, excluded.used_at);
INSERT OR IGNORE INTO retained (packet_id)
  SELECT packet_id FROM answers WHERE packet_id IN (SELECT packet_id FROM packets WHERE trust = 'own');
`,
]
