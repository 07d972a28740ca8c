-- Perdure's store, version 2: queues' jobs.

-- Jobs that wait or run. A job is one insert and, at its end, one delete: so there is no other index, and what most jobs do
-- without is in one column.
CREATE TABLE job (
    shard      INTEGER NOT NULL,       -- the home of its queue
    number     INTEGER NOT NULL,       -- unique in the store; larger for jobs that came later
    queue      TEXT NOT NULL,
    type       TEXT NOT NULL,          -- the durable name of its contract
    created_at INTEGER NOT NULL,
    priority   INTEGER NOT NULL,       -- the lowest goes first
    attempts   INTEGER NOT NULL,       -- how many have failed
    key        TEXT,                   -- by which its queue limits, orders or takes turns
    not_before INTEGER,                -- the earliest time of its next attempt; NULL: at once
    more       BLOB,                   -- JSON: subscribers, dedup, limits of time, lease, progress, errors; NULL: nothing
    payload    BLOB,                   -- JSON, unless a codec is set
    PRIMARY KEY (shard, number)
) STRICT, WITHOUT ROWID;

-- How jobs ended, kept for a time: results to be asked for, and dead letters.
CREATE TABLE job_end (
    shard      INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    queue      TEXT NOT NULL,
    type       TEXT NOT NULL,
    status     INTEGER NOT NULL,       -- 3 completed, 4 failed, 5 cancelled
    created_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    keep_until INTEGER NOT NULL,       -- when it is forgotten
    priority   INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,       -- how many failed
    key        TEXT,
    result     BLOB,                   -- the result, or the error
    more       BLOB,                   -- as in job
    payload    BLOB,                   -- the job itself where it is kept, so that it can be done again
    PRIMARY KEY (shard, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX job_end_keep ON job_end (shard, keep_until);

-- Finds a queue's dead letters among millions of results; results that are kept have no entry.
CREATE INDEX job_end_dead ON job_end (shard, status, queue, number) WHERE status <> 3;

-- What a queues' home remembers beside its jobs: pauses, changed policies, rates' states, schedules' last runs.
CREATE TABLE memo (
    shard INTEGER NOT NULL,
    name  TEXT NOT NULL,
    value BLOB NOT NULL,               -- JSON
    PRIMARY KEY (shard, name)
) STRICT, WITHOUT ROWID;

-- For people: jobs that wait or run, readably.
CREATE VIEW jobs AS
SELECT number, queue, type, key, shard, priority, attempts,
       strftime('%Y-%m-%d %H:%M:%f', created_at / 1e6, 'unixepoch') AS created_at,
       strftime('%Y-%m-%d %H:%M:%f', not_before / 1e6, 'unixepoch') AS not_before,
       CAST(more AS TEXT) AS more, CAST(payload AS TEXT) AS payload
FROM job;

-- For people: how jobs ended, readably.
CREATE VIEW job_ends AS
SELECT number, queue, type, key, shard, priority, attempts,
       CASE status WHEN 3 THEN 'completed' WHEN 4 THEN 'failed' WHEN 5 THEN 'cancelled' ELSE status END AS status,
       strftime('%Y-%m-%d %H:%M:%f', created_at / 1e6, 'unixepoch') AS created_at,
       strftime('%Y-%m-%d %H:%M:%f', ended_at / 1e6, 'unixepoch') AS ended_at,
       strftime('%Y-%m-%d %H:%M:%f', keep_until / 1e6, 'unixepoch') AS keep_until,
       CAST(result AS TEXT) AS result, CAST(more AS TEXT) AS more, CAST(payload AS TEXT) AS payload
FROM job_end;
