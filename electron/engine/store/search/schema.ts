/** Tables of `index.sqlite`, attached to the library's connection as `idx`. Another version means: build it again. */
export const INDEX_VERSION = 7

export const INDEX_TABLES = ['packets', 'parents', 'texts', 'prefixes', 'words'] as const

export const INDEX_SCHEMA = `
CREATE TABLE idx.packets (
  id INTEGER PRIMARY KEY,
  packet_id TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  kind TEXT NOT NULL,
  model TEXT NOT NULL,
  architecture TEXT NOT NULL,
  weights_digest TEXT NOT NULL,
  tokens INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  searched TEXT NOT NULL  -- title, model, card and recipe, folded
) STRICT;
CREATE TABLE idx.parents (child TEXT NOT NULL, parent TEXT NOT NULL, op TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (child, place)) STRICT;
CREATE INDEX idx.children_of ON parents (parent);
CREATE TABLE idx.texts (digest TEXT NOT NULL, packet_id TEXT NOT NULL, whole INTEGER NOT NULL, PRIMARY KEY (digest, packet_id)) STRICT, WITHOUT ROWID;
CREATE INDEX idx.texts_of ON texts (packet_id);
CREATE TABLE idx.prefixes (chain TEXT NOT NULL, packet_id TEXT NOT NULL, PRIMARY KEY (chain, packet_id)) STRICT, WITHOUT ROWID;
CREATE INDEX idx.prefixes_of ON prefixes (packet_id);
-- Rows of the same id as in packets. Words are cut and folded before they come here; English endings are dropped.
CREATE VIRTUAL TABLE idx.words USING fts5(title, card, texts, tokenize = 'porter unicode61 remove_diacritics 0');
INSERT INTO idx.words (words, rank) VALUES ('secure-delete', 1);
`
