-- Perdure's store, version 3: topics' events, what subscriptions are done with, and which flows wait for events.

-- Topics' logs. An event is one insert, and is forgotten in the order in which it came.
CREATE TABLE event (
    shard        INTEGER NOT NULL,     -- the home of its topic
    topic        TEXT NOT NULL,
    position     INTEGER NOT NULL,     -- its place in the topic's log: from 1 on, without gaps
    id           TEXT NOT NULL,        -- its CloudEvents id
    type         TEXT NOT NULL,        -- its type's durable name
    published_at INTEGER NOT NULL,     -- when it came into the log; never before the one at the position before it
    key          TEXT,                 -- the CloudEvents subject: by it subscriptions keep order and flows wait
    source       TEXT NOT NULL,        -- who published it: the CloudEvents source
    time         INTEGER NOT NULL,     -- when it happened
    correlation  TEXT NOT NULL,        -- the business transaction that it belongs to
    cause        TEXT,                 -- what caused it; NULL: nothing inside
    data         BLOB NOT NULL,        -- JSON, unless a codec is set
    more         BLOB,                 -- JSON: CloudEvents attributes that have no column; NULL: none
    fate         INTEGER NOT NULL,     -- where flows wait for its type: 1 held, 2 taken, 3 unclaimed, 4 ambiguous; 0: they do not
    held_until   INTEGER,              -- until when it is kept for a flow that waits for it later
    PRIMARY KEY (shard, topic, position)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX event_id ON event (shard, topic, id, source);
CREATE INDEX event_correlation ON event (correlation);

-- Finds events that no flow has among millions of others.
CREATE INDEX event_unmatched ON event (shard, topic, fate, position) WHERE fate IN (1, 3, 4);

-- What subscriptions are done with.
CREATE TABLE delivery (
    shard        INTEGER NOT NULL,
    topic        TEXT NOT NULL,
    position     INTEGER NOT NULL,     -- the event's
    subscription TEXT NOT NULL,
    generation   INTEGER NOT NULL,     -- counts how often the subscription was rewound
    started_at   INTEGER NOT NULL,     -- when the last attempt began
    ended_at     INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,     -- how many failed
    status       INTEGER NOT NULL,     -- 0 goes on as a job of its own, 3 completed, 4 failed, 5 cancelled
    PRIMARY KEY (shard, topic, position, subscription, generation)
) STRICT, WITHOUT ROWID;

-- Flows that wait for events.
CREATE TABLE event_wait (
    shard     INTEGER NOT NULL,        -- the home of the topics
    flow_type TEXT NOT NULL,           -- the flow ...
    flow_id   TEXT NOT NULL,
    ask       INTEGER NOT NULL,        -- ... and its ask that the event answers
    type      TEXT NOT NULL,           -- the event type's durable name
    key       TEXT NOT NULL,
    since     INTEGER NOT NULL,
    PRIMARY KEY (shard, flow_type, flow_id, ask)
) STRICT, WITHOUT ROWID;

-- Which business transaction a run or a job belongs to; NULL: its own. Runs' causes, as in event.
ALTER TABLE flow ADD COLUMN correlation TEXT;
ALTER TABLE flow ADD COLUMN cause TEXT;
ALTER TABLE inbox ADD COLUMN correlation TEXT;   -- of a run that is to be started
ALTER TABLE inbox ADD COLUMN cause TEXT;
ALTER TABLE job_end ADD COLUMN correlation TEXT;

CREATE INDEX flow_correlation ON flow (correlation) WHERE correlation IS NOT NULL;
CREATE INDEX job_end_correlation ON job_end (correlation) WHERE correlation IS NOT NULL;

-- For people: events, readably.
CREATE VIEW events AS
SELECT topic, position, id, type, key, source, shard,
       strftime('%Y-%m-%d %H:%M:%f', published_at / 1e6, 'unixepoch') AS published_at,
       strftime('%Y-%m-%d %H:%M:%f', time / 1e6, 'unixepoch') AS time,
       correlation, cause,
       CASE fate WHEN 0 THEN NULL WHEN 1 THEN 'held' WHEN 2 THEN 'taken' WHEN 3 THEN 'unclaimed' WHEN 4 THEN 'ambiguous'
                 ELSE fate END AS fate,
       strftime('%Y-%m-%d %H:%M:%f', held_until / 1e6, 'unixepoch') AS held_until,
       CAST(data AS TEXT) AS data, CAST(more AS TEXT) AS more
FROM event;

-- For people: what subscriptions are done with, readably.
CREATE VIEW deliveries AS
SELECT topic, position, subscription, generation, shard, attempts,
       CASE status WHEN 0 THEN 'job' WHEN 3 THEN 'completed' WHEN 4 THEN 'failed' WHEN 5 THEN 'cancelled' ELSE status END AS status,
       strftime('%Y-%m-%d %H:%M:%f', started_at / 1e6, 'unixepoch') AS started_at,
       strftime('%Y-%m-%d %H:%M:%f', ended_at / 1e6, 'unixepoch') AS ended_at
FROM delivery;

-- For people: flows that wait for events, readably.
CREATE VIEW event_waits AS
SELECT type, key, flow_type, flow_id, ask, shard,
       strftime('%Y-%m-%d %H:%M:%f', since / 1e6, 'unixepoch') AS since
FROM event_wait;

-- The views of before, with what is new.
DROP VIEW flows;
CREATE VIEW flows AS
SELECT run, type, id, version, shard,
       CASE status WHEN 0 THEN 'running' WHEN 1 THEN 'undoing' WHEN 2 THEN 'stuck' WHEN 3 THEN 'completed'
                   WHEN 4 THEN 'failed' WHEN 5 THEN 'cancelled' WHEN 6 THEN 'terminated' ELSE status END AS status,
       strftime('%Y-%m-%d %H:%M:%f', created_at / 1e6, 'unixepoch') AS created_at,
       strftime('%Y-%m-%d %H:%M:%f', ended_at / 1e6, 'unixepoch') AS ended_at,
       CASE wake_at WHEN 0 THEN 'now' ELSE strftime('%Y-%m-%d %H:%M:%f', wake_at / 1e6, 'unixepoch') END AS wake_at,
       stuck_code, stuck_reason, parent_type, parent_id, correlation, cause
FROM flow;

DROP VIEW steps;
CREATE VIEW steps AS
SELECT flow.type, flow.id, history.run, position,
       strftime('%Y-%m-%d %H:%M:%f', at / 1e6, 'unixepoch') AS at,
       CASE kind WHEN 0 THEN 'started' WHEN 1 THEN 'completed' WHEN 2 THEN 'failed' WHEN 3 THEN 'timer fired'
                 WHEN 4 THEN 'signal received' WHEN 5 THEN 'cancel requested' WHEN 6 THEN 'terminated'
                 WHEN 7 THEN 'undo settled' WHEN 8 THEN 'event received' ELSE kind END AS kind,
       ask, history.name, attempts,
       strftime('%Y-%m-%d %H:%M:%f', history.started_at / 1e6, 'unixepoch') AS started_at,
       CAST(payload AS TEXT) AS payload, asks, CAST(result AS TEXT) AS result
FROM history JOIN flow ON flow.run = history.run;

DROP VIEW job_ends;
CREATE VIEW job_ends AS
SELECT number, queue, type, key, shard, priority, attempts,
       CASE status WHEN 3 THEN 'completed' WHEN 4 THEN 'failed' WHEN 5 THEN 'cancelled' ELSE status END AS status,
       strftime('%Y-%m-%d %H:%M:%f', created_at / 1e6, 'unixepoch') AS created_at,
       strftime('%Y-%m-%d %H:%M:%f', ended_at / 1e6, 'unixepoch') AS ended_at,
       strftime('%Y-%m-%d %H:%M:%f', keep_until / 1e6, 'unixepoch') AS keep_until,
       CAST(result AS TEXT) AS result, CAST(more AS TEXT) AS more, CAST(payload AS TEXT) AS payload, correlation
FROM job_end;
