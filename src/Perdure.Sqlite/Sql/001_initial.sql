-- Perdure's store, version 1. Times are INTEGER microseconds since 1970-01-01 UTC. The views at the end show them readably.
-- Reading with any SQL tool is welcome at any time; changing rows while a node runs is not.

-- What the store says of itself.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,  -- schema_version, store_id, shard_count, owner (who has it open)
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A slice of flows with one owner at a time. Written when a shard is taken or given back, and in careful mode.
CREATE TABLE shard (
    shard          INTEGER PRIMARY KEY,
    epoch          INTEGER NOT NULL,   -- counts the takeovers; fences whoever held it before
    token          BLOB,               -- random per takeover; NULL while nobody holds the shard
    unclean_ends   INTEGER NOT NULL,   -- owners in a row that ended without giving it back
    suspect_run    INTEGER,            -- careful mode: the run that was running alone ...
    suspect_ask    INTEGER,            -- ... its ask (-1: the flow's own code) ...
    suspect_deaths INTEGER             -- ... and in how many deaths of its process it was the one that ran
) STRICT;

-- How far shards have come: the part of a shard's row that every commit writes. One row holds up to 64 shards in a row,
-- so that a group of batches writes one row and not one per batch. The view shard_progress shows it by shard.
CREATE TABLE progress (
    first_shard INTEGER PRIMARY KEY,
    batches     TEXT NOT NULL          -- JSON: [batch, time] of first_shard, of first_shard + 1, and so on
) STRICT;

-- A run of a flow: what is known without its history. Written at the start, at the end, and when it turns from busy to a
-- long wait or back.
CREATE TABLE flow (
    run          INTEGER PRIMARY KEY,
    shard        INTEGER NOT NULL,
    type         TEXT NOT NULL,        -- the flow type's durable name
    id           TEXT NOT NULL,        -- unique within the type
    version      INTEGER NOT NULL,     -- the version of the type that it runs on
    created_at   INTEGER NOT NULL,
    parent_type  TEXT,                 -- the flow that awaits this one's end ...
    parent_id    TEXT,
    parent_ask   INTEGER,              -- ... and its ask
    trace_parent TEXT,                 -- W3C trace parent of the start call
    status       INTEGER NOT NULL,     -- 0 running, 1 undoing, 2 stuck, 3 completed, 4 failed, 5 cancelled, 6 terminated
    wake_at      INTEGER,              -- when it must be looked at; 0: it has work to do now; NULL: ended or stuck
    ended_at     INTEGER,
    stuck_code   TEXT,
    stuck_reason TEXT
) STRICT;

CREATE UNIQUE INDEX flow_key ON flow (type, id);

-- Busy flows have an index of their own: it stays small when a million flows wait, so that a short run never touches the
-- pages of the long waits.
CREATE INDEX flow_busy ON flow (shard) WHERE wake_at = 0;
CREATE INDEX flow_waiting ON flow (shard, wake_at) WHERE status < 3 AND wake_at IS NOT 0;

-- Finds stuck, failed and other unusual runs among millions; running and completed ones have no entry.
CREATE INDEX flow_unusual ON flow (status) WHERE status NOT IN (0, 3);

-- All that a run was told, in order. It is the run's state.
CREATE TABLE history (
    run        INTEGER NOT NULL,
    position   INTEGER NOT NULL,       -- 0 is the start
    at         INTEGER NOT NULL,
    kind       INTEGER NOT NULL,       -- 0 started, 1 completed, 2 failed, 3 timer fired, 4 signal received, 5 cancel requested, 6 terminated, 7 undo settled
    ask        INTEGER NOT NULL,       -- the number of the ask that this answers; -1: nobody asked
    name       TEXT,
    sender_id  TEXT,
    attempts   INTEGER NOT NULL,
    started_at INTEGER,                -- when a step's first attempt began
    payload    BLOB,                   -- JSON, unless a codec is set
    asks       TEXT,                   -- what the flow asked for in answer, one line per ask; NULL: not decided
    result     BLOB,                   -- the flow's result or error, when this ended it
    PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

-- Steps that wait for their next attempt: one row per open step.
CREATE TABLE backoff (
    run        INTEGER NOT NULL,
    ask        INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,       -- how many have failed
    started_at INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    last_error BLOB NOT NULL,
    PRIMARY KEY (run, ask)
) STRICT, WITHOUT ROWID;

-- Messages between flows of different shards, on their way.
CREATE TABLE inbox (
    shard     INTEGER NOT NULL,        -- the receiver's
    id        TEXT NOT NULL,
    kind      INTEGER NOT NULL,        -- 0 start child, 1 child completed, 2 child failed, 3 cancel
    to_type   TEXT NOT NULL,
    to_id     TEXT NOT NULL,
    from_type TEXT,
    from_id   TEXT,
    from_ask  INTEGER,
    name      TEXT,
    payload   BLOB,
    PRIMARY KEY (shard, id)
) STRICT, WITHOUT ROWID;

CREATE VIEW shard_progress AS
SELECT progress.first_shard + entry.key AS shard,
       entry.value ->> 0 AS batch,
       entry.value ->> 1 AS time
FROM progress, json_each(progress.batches) AS entry;

-- For people: runs, readably.
CREATE VIEW flows AS
SELECT run, type, id, version, shard,
       CASE status WHEN 0 THEN 'running' WHEN 1 THEN 'undoing' WHEN 2 THEN 'stuck' WHEN 3 THEN 'completed'
                   WHEN 4 THEN 'failed' WHEN 5 THEN 'cancelled' WHEN 6 THEN 'terminated' ELSE status END AS status,
       strftime('%Y-%m-%d %H:%M:%f', created_at / 1e6, 'unixepoch') AS created_at,
       strftime('%Y-%m-%d %H:%M:%f', ended_at / 1e6, 'unixepoch') AS ended_at,
       CASE wake_at WHEN 0 THEN 'now' ELSE strftime('%Y-%m-%d %H:%M:%f', wake_at / 1e6, 'unixepoch') END AS wake_at,
       stuck_code, stuck_reason, parent_type, parent_id
FROM flow;

-- For people: what each run was told and asked for, readably.
CREATE VIEW steps AS
SELECT flow.type, flow.id, history.run, position,
       strftime('%Y-%m-%d %H:%M:%f', at / 1e6, 'unixepoch') AS at,
       CASE kind WHEN 0 THEN 'started' WHEN 1 THEN 'completed' WHEN 2 THEN 'failed' WHEN 3 THEN 'timer fired'
                 WHEN 4 THEN 'signal received' WHEN 5 THEN 'cancel requested' WHEN 6 THEN 'terminated'
                 WHEN 7 THEN 'undo settled' ELSE kind END AS kind,
       ask, history.name, attempts,
       strftime('%Y-%m-%d %H:%M:%f', history.started_at / 1e6, 'unixepoch') AS started_at,
       CAST(payload AS TEXT) AS payload, asks, CAST(result AS TEXT) AS result
FROM history JOIN flow ON flow.run = history.run;
