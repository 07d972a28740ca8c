-- Perdure's store, version 1. All tables are distributed by shard, which leads every primary key.
-- Reading with any SQL tool is welcome at any time; changing rows while a node runs is not.

-- What the store says of itself.
CREATE TABLE meta (
    name  text COLLATE "C" NOT NULL PRIMARY KEY,  -- schema_version, store_id, shard_count
    value text NOT NULL
);

-- A slice of flows with one owner at a time. Every commit writes the rows of its shards, so pages have much room: the rows stay where they are, and
-- dead versions go without a vacuum.
CREATE TABLE shard (
    shard          integer     NOT NULL PRIMARY KEY,
    epoch          bigint      NOT NULL,  -- counts the takeovers; fences whoever held it before
    batch          bigint      NOT NULL,  -- the number of the last batch ...
    time           timestamptz NOT NULL,  -- ... and its time
    token          uuid,                  -- random per takeover; NULL while nobody holds the shard
    unclean_ends   integer     NOT NULL,  -- owners in a row that ended without giving it back
    suspect_run    bigint,                -- careful mode: the run that was running alone ...
    suspect_ask    integer,               -- ... its ask (-1: the flow's own code) ...
    suspect_deaths integer                -- ... and in how many deaths of its process it was the one that ran
) WITH (fillfactor = 10);

-- A run of a flow: what is known without its history. Written at the start, at the end, and when it turns from busy to a
-- long wait or back.
CREATE TABLE flow (
    run          bigint      NOT NULL,
    shard        integer     NOT NULL,
    version      integer     NOT NULL,   -- the version of the type that it runs on
    type         text COLLATE "C" NOT NULL,  -- the flow type's durable name
    id           text COLLATE "C" NOT NULL,  -- unique within the type
    created_at   timestamptz NOT NULL,
    wake_at      timestamptz,            -- when it must be looked at; 1970: it has work to do now; NULL: ended or stuck
    ended_at     timestamptz,
    parent_ask   integer,                -- the ask of the flow that awaits this one's end ...
    status       smallint    NOT NULL,   -- 0 running, 1 undoing, 2 stuck, 3 completed, 4 failed, 5 cancelled, 6 terminated
    parent_type  text COLLATE "C",       -- ... and that flow
    parent_id    text COLLATE "C",
    trace_parent text,                   -- W3C trace parent of the start call
    stuck_code   text,
    stuck_reason text,
    correlation  text COLLATE "C",       -- the business transaction that it belongs to; NULL: its own
    cause        text,                   -- what caused its start; NULL: nothing inside
    PRIMARY KEY (shard, run)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

CREATE UNIQUE INDEX flow_key ON flow (type, id);

-- What must be looked at, busy flows first.
CREATE INDEX flow_open ON flow (shard, wake_at, run) WHERE status < 3;

-- Finds stuck, failed and other unusual runs among millions; running and completed ones have no entry.
CREATE INDEX flow_unusual ON flow (status, run) WHERE status NOT IN (0, 3);
CREATE INDEX flow_correlation ON flow (hashtextextended(correlation, 0), run) WHERE correlation IS NOT NULL;

-- All that a run was told, in order. It is the run's state.
CREATE TABLE history (
    run        bigint      NOT NULL,
    shard      integer     NOT NULL,
    position   integer     NOT NULL,     -- 0 is the start
    at         timestamptz NOT NULL,
    started_at timestamptz,              -- when a step's first attempt began
    ask        integer     NOT NULL,     -- the number of the ask that this answers; -1: nobody asked
    attempts   integer     NOT NULL,
    kind       smallint    NOT NULL,     -- 0 started, 1 completed, 2 failed, 3 timer fired, 4 signal received, 5 cancel requested, 6 terminated, 7 undo settled, 8 event received
    name       text,
    sender_id  text,
    payload    bytea,                    -- JSON, unless a codec is set
    asks       text,                     -- what the flow asked for in answer, one line per ask; NULL: not decided
    result     bytea,                    -- the flow's result or error, when this ended it
    PRIMARY KEY (shard, run, position)
);

-- Steps that wait for their next attempt: one row per open step.
CREATE TABLE backoff (
    run        bigint      NOT NULL,
    shard      integer     NOT NULL,
    ask        integer     NOT NULL,
    attempts   integer     NOT NULL,     -- how many have failed
    started_at timestamptz NOT NULL,
    next_at    timestamptz NOT NULL,
    last_error bytea       NOT NULL,
    PRIMARY KEY (shard, run, ask)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

-- Messages between flows of different shards, on their way: it is all but empty, and every row is soon dead.
CREATE TABLE inbox (
    shard       integer     NOT NULL,    -- the receiver's
    from_ask    integer,
    kind        smallint    NOT NULL,    -- 0 start child, 1 child completed, 2 child failed, 3 cancel, 4 enqueue job, 5 publish event, 6 await event, 7 return event, 8 event came
    id          text COLLATE "C" NOT NULL,
    to_type     text        NOT NULL,
    to_id       text        NOT NULL,
    from_type   text,
    from_id     text,
    name        text,
    correlation text,                    -- of a run that is to be started
    cause       text,
    payload     bytea,
    PRIMARY KEY (shard, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- Jobs that wait or run. A job is one insert and, at its end, one delete: so there is no other index, and what most jobs do
-- without is in one column.
CREATE TABLE job (
    number     bigint      NOT NULL,     -- unique in the store; larger for jobs that came later
    shard      integer     NOT NULL,     -- the home of its queue
    priority   integer     NOT NULL,     -- the lowest goes first
    created_at timestamptz NOT NULL,
    not_before timestamptz,              -- the earliest time of its next attempt; NULL: at once
    attempts   integer     NOT NULL,     -- how many have failed
    queue      text COLLATE "C" NOT NULL,
    type       text COLLATE "C" NOT NULL,    -- the durable name of its contract
    key        text COLLATE "C",         -- by which its queue limits, orders or takes turns
    more       bytea,                    -- JSON: subscribers, dedup, limits of time, lease, progress, errors; NULL: nothing
    payload    bytea,                    -- JSON, unless a codec is set
    PRIMARY KEY (shard, number)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- How jobs ended, kept for a time: results to be asked for, and dead letters.
CREATE TABLE job_end (
    number      bigint      NOT NULL,
    shard       integer     NOT NULL,
    priority    integer     NOT NULL,
    created_at  timestamptz NOT NULL,
    ended_at    timestamptz NOT NULL,
    keep_until  timestamptz NOT NULL,    -- when it is forgotten
    attempts    integer     NOT NULL,    -- how many failed
    status      smallint    NOT NULL,    -- 3 completed, 4 failed, 5 cancelled
    queue       text COLLATE "C" NOT NULL,
    type        text COLLATE "C" NOT NULL,
    key         text COLLATE "C",
    correlation text COLLATE "C",        -- the business transaction that it belonged to; NULL: its own
    result      bytea,                   -- the result, or the error
    more        bytea,                   -- as in job
    payload     bytea,                   -- the job itself where it is kept, so that it can be done again
    PRIMARY KEY (shard, number)
) WITH (autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX job_end_keep ON job_end (shard, keep_until, number);

-- Finds a queue's dead letters among millions of results; results that are kept have no entry.
CREATE INDEX job_end_dead ON job_end (shard, status, queue, number) WHERE status <> 3;
CREATE INDEX job_end_correlation ON job_end (hashtextextended(correlation, 0)) WHERE correlation IS NOT NULL;

-- What a queues' home remembers beside its jobs: pauses, changed policies, rates' states, schedules' last runs, how far subscriptions are.
CREATE TABLE memo (
    shard integer NOT NULL,
    name  text COLLATE "C" NOT NULL,
    value bytea   NOT NULL,              -- JSON
    PRIMARY KEY (shard, name)
) WITH (fillfactor = 20);

-- Topics' logs. An event is one insert, and is forgotten in the order in which it came.
CREATE TABLE event (
    position     bigint      NOT NULL,   -- its place in the topic's log: from 1 on, without gaps
    shard        integer     NOT NULL,   -- the home of its topic
    published_at timestamptz NOT NULL,   -- when it came into the log; never before the one at the position before it
    time         timestamptz NOT NULL,   -- when it happened
    held_until   timestamptz,            -- until when it is kept for a flow that waits for it later
    fate         smallint    NOT NULL,   -- where flows wait for its type: 1 held, 2 taken, 3 unclaimed, 4 ambiguous; 0: they do not
    topic        text COLLATE "C" NOT NULL,
    id           text COLLATE "C" NOT NULL,  -- its CloudEvents id
    type         text COLLATE "C" NOT NULL,  -- its type's durable name
    key          text COLLATE "C",       -- the CloudEvents subject: by it subscriptions keep order and flows wait
    source       text COLLATE "C" NOT NULL,  -- who published it: the CloudEvents source
    correlation  text COLLATE "C" NOT NULL,  -- the business transaction that it belongs to
    cause        text,                   -- what caused it; NULL: nothing inside
    data         bytea       NOT NULL,   -- JSON, unless a codec is set
    more         bytea,                  -- JSON: CloudEvents attributes that have no column; NULL: none
    PRIMARY KEY (shard, topic, position)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- Ids, sources and correlation ids may be long, and an index entry may not. (The cast reads backslashes as escapes.)
CREATE UNIQUE INDEX event_id ON event (shard, topic, sha256(replace(id, '\', '\\')::bytea), hashtextextended(source, 0));
CREATE INDEX event_published ON event (topic, published_at, position);
CREATE INDEX event_correlation ON event (hashtextextended(correlation, 0));

-- Finds events that no flow has among millions of others.
CREATE INDEX event_unmatched ON event (topic, published_at, position) WHERE fate IN (1, 3, 4);

-- What subscriptions are done with.
CREATE TABLE delivery (
    position     bigint      NOT NULL,   -- the event's
    shard        integer     NOT NULL,
    generation   integer     NOT NULL,   -- counts how often the subscription was rewound
    started_at   timestamptz NOT NULL,   -- when the last attempt began
    ended_at     timestamptz NOT NULL,
    attempts     integer     NOT NULL,   -- how many failed
    status       smallint    NOT NULL,   -- 0 goes on as a job of its own, 3 completed, 4 failed, 5 cancelled
    topic        text COLLATE "C" NOT NULL,
    subscription text COLLATE "C" NOT NULL,
    PRIMARY KEY (shard, topic, position, subscription, generation)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- Flows that wait for events.
CREATE TABLE event_wait (
    shard     integer     NOT NULL,      -- the home of the topics
    ask       integer     NOT NULL,      -- the flow's ask that the event answers
    since     timestamptz NOT NULL,
    flow_type text COLLATE "C" NOT NULL,
    flow_id   text COLLATE "C" NOT NULL,
    type      text        NOT NULL,      -- the event type's durable name
    key       text        NOT NULL,
    PRIMARY KEY (shard, flow_type, flow_id, ask)
) WITH (autovacuum_vacuum_scale_factor = 0.02);

-- A value for people: most are JSON, a codec may have made others.
CREATE FUNCTION readable(value bytea) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN convert_from(value, 'UTF8');
EXCEPTION WHEN OTHERS THEN
    RETURN encode(value, 'escape');
END $$;

-- The text "correlation" of a JSON object; NULL where there is none, or where it is no JSON at all.
CREATE FUNCTION correlation_in(more bytea) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    found jsonb;
BEGIN
    found := convert_from(more, 'UTF8')::jsonb -> 'correlation';
    RETURN CASE jsonb_typeof(found) WHEN 'string' THEN found #>> '{}' END;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

-- For people: shards, and how far they have come.
CREATE VIEW shards AS
SELECT shard, epoch, token IS NOT NULL AS held, batch, time, unclean_ends, suspect_run, suspect_ask, suspect_deaths
FROM shard;

-- For people: runs.
CREATE VIEW flows AS
SELECT run, type, id, version, shard,
       CASE status WHEN 0 THEN 'running' WHEN 1 THEN 'undoing' WHEN 2 THEN 'stuck' WHEN 3 THEN 'completed'
                   WHEN 4 THEN 'failed' WHEN 5 THEN 'cancelled' WHEN 6 THEN 'terminated' ELSE status::text END AS status,
       created_at, ended_at, CASE WHEN wake_at = 'epoch' THEN 'now' ELSE wake_at::text END AS wake_at,
       stuck_code, stuck_reason, parent_type, parent_id, correlation, cause
FROM flow;

-- For people: what each run was told and asked for.
CREATE VIEW steps AS
SELECT flow.type, flow.id, history.run, history.position, history.at,
       CASE history.kind WHEN 0 THEN 'started' WHEN 1 THEN 'completed' WHEN 2 THEN 'failed' WHEN 3 THEN 'timer fired'
                         WHEN 4 THEN 'signal received' WHEN 5 THEN 'cancel requested' WHEN 6 THEN 'terminated'
                         WHEN 7 THEN 'undo settled' WHEN 8 THEN 'event received' ELSE history.kind::text END AS kind,
       history.ask, history.name, history.attempts, history.started_at,
       readable(history.payload) AS payload, history.asks, readable(history.result) AS result
FROM history JOIN flow ON flow.shard = history.shard AND flow.run = history.run;

-- For people: jobs that wait or run.
CREATE VIEW jobs AS
SELECT number, queue, type, key, shard, priority, attempts, created_at, not_before, readable(more) AS more, readable(payload) AS payload
FROM job;

-- For people: how jobs ended.
CREATE VIEW job_ends AS
SELECT number, queue, type, key, shard, priority, attempts,
       CASE status WHEN 3 THEN 'completed' WHEN 4 THEN 'failed' WHEN 5 THEN 'cancelled' ELSE status::text END AS status,
       created_at, ended_at, keep_until, readable(result) AS result, readable(more) AS more, readable(payload) AS payload, correlation
FROM job_end;

-- For people: events.
CREATE VIEW events AS
SELECT topic, position, id, type, key, source, shard, published_at, time, correlation, cause,
       CASE fate WHEN 0 THEN NULL WHEN 1 THEN 'held' WHEN 2 THEN 'taken' WHEN 3 THEN 'unclaimed' WHEN 4 THEN 'ambiguous'
                 ELSE fate::text END AS fate,
       held_until, readable(data) AS data, readable(more) AS more
FROM event;

-- For people: what subscriptions are done with.
CREATE VIEW deliveries AS
SELECT topic, position, subscription, generation, shard, attempts,
       CASE status WHEN 0 THEN 'job' WHEN 3 THEN 'completed' WHEN 4 THEN 'failed' WHEN 5 THEN 'cancelled' ELSE status::text END AS status,
       started_at, ended_at
FROM delivery;

-- For people: flows that wait for events.
CREATE VIEW event_waits AS
SELECT type, key, flow_type, flow_id, ask, shard, since
FROM event_wait;
