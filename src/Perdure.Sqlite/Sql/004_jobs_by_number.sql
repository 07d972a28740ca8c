-- Perdure's store, version 4: jobs by their numbers alone. A number is unique in the store, so it is SQLite's own key of the row:
-- integers are compared and not records, new jobs are appended without splitting pages, and payloads of nearly a page stay in it.
-- Rows are copied in the order in which they lie, so that nothing is sorted in memory, however many there are.

DROP VIEW jobs;
DROP VIEW job_ends;

ALTER TABLE job RENAME TO job_of_shard;

-- Jobs that wait or run. A job is one insert and, at its end, one delete: so there is no index, and what most jobs do without is
-- in one column.
CREATE TABLE job (
    number     INTEGER PRIMARY KEY,    -- unique in the store; larger for jobs that came later
    shard      INTEGER NOT NULL,       -- the home of its queue
    queue      TEXT NOT NULL,
    type       TEXT NOT NULL,          -- the durable name of its contract
    created_at INTEGER NOT NULL,
    priority   INTEGER NOT NULL,       -- the lowest goes first
    attempts   INTEGER NOT NULL,       -- how many have failed
    key        TEXT,                   -- by which its queue limits, orders or takes turns
    not_before INTEGER,                -- the earliest time of its next attempt; NULL: at once
    more       BLOB,                   -- JSON: subscribers, dedup, limits of time, lease, progress, errors; NULL: nothing
    payload    BLOB                    -- JSON, unless a codec is set
) STRICT;

INSERT INTO job (number, shard, queue, type, created_at, priority, attempts, key, not_before, more, payload)
SELECT number, shard, queue, type, created_at, priority, attempts, key, not_before, more, payload
FROM job_of_shard ORDER BY shard, number;

DROP TABLE job_of_shard; -- its pages are room for what follows

ALTER TABLE job_end RENAME TO job_end_of_shard;

-- How jobs ended, kept for a time: results to be asked for, and dead letters.
CREATE TABLE job_end (
    number      INTEGER PRIMARY KEY,
    shard       INTEGER NOT NULL,
    queue       TEXT NOT NULL,
    type        TEXT NOT NULL,
    status      INTEGER NOT NULL,      -- 3 completed, 4 failed, 5 cancelled
    created_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    keep_until  INTEGER NOT NULL,      -- when it is forgotten
    priority    INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,      -- how many failed
    key         TEXT,
    correlation TEXT,                  -- which business transaction it belongs to; NULL: its own
    result      BLOB,                  -- the result, or the error
    more        BLOB,                  -- as in job
    payload     BLOB                   -- the job itself where it is kept, so that it can be done again
) STRICT;

INSERT INTO job_end (number, shard, queue, type, status, created_at, ended_at, keep_until, priority, attempts,
                     key, correlation, result, more, payload)
SELECT number, shard, queue, type, status, created_at, ended_at, keep_until, priority, attempts,
       key, correlation, result, more, payload
FROM job_end_of_shard ORDER BY shard, number;

DROP TABLE job_end_of_shard;

-- Each index ends with the number of itself. Only what is to be forgotten is asked for by shard.
CREATE INDEX job_end_keep ON job_end (shard, keep_until);

-- Finds a queue's dead letters among millions of results; results that are kept have no entry.
CREATE INDEX job_end_dead ON job_end (status, queue) WHERE status <> 3;

CREATE INDEX job_end_correlation ON job_end (correlation) WHERE correlation IS NOT NULL;

-- The views of before.
CREATE VIEW jobs AS
SELECT number, queue, type, key, shard, priority, attempts,
       strftime('%Y-%m-%d %H:%M:%f', created_at / 1e6, 'unixepoch') AS created_at,
       strftime('%Y-%m-%d %H:%M:%f', not_before / 1e6, 'unixepoch') AS not_before,
       CAST(more AS TEXT) AS more, CAST(payload AS TEXT) AS payload
FROM job;

CREATE VIEW job_ends AS
SELECT number, queue, type, key, shard, priority, attempts,
       CASE status WHEN 3 THEN 'completed' WHEN 4 THEN 'failed' WHEN 5 THEN 'cancelled' ELSE status END AS status,
       strftime('%Y-%m-%d %H:%M:%f', created_at / 1e6, 'unixepoch') AS created_at,
       strftime('%Y-%m-%d %H:%M:%f', ended_at / 1e6, 'unixepoch') AS ended_at,
       strftime('%Y-%m-%d %H:%M:%f', keep_until / 1e6, 'unixepoch') AS keep_until,
       CAST(result AS TEXT) AS result, CAST(more AS TEXT) AS more, CAST(payload AS TEXT) AS payload, correlation
FROM job_end;
