-- The processes that share the store, while they live.
CREATE TABLE node (
    node        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- none has the number of another, ever
    name        text        NOT NULL,
    application text        NOT NULL,     -- what its connections are called: those of one that is gone are ended
    joined_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease       interval    NOT NULL,     -- how long it counts as alive after it was heard of last
    lease_until timestamptz NOT NULL
) WITH (fillfactor = 10);

ALTER TABLE shard ADD COLUMN node bigint; -- the node that has it; NULL: none, or a process that is alone

-- What steps did in transactions of their users': written in the same transaction, so a step's effect is there once, whoever runs it again.
CREATE TABLE step_effect (
    key    text COLLATE "C" NOT NULL PRIMARY KEY,  -- the step's idempotency key
    at     timestamptz NOT NULL DEFAULT now(),
    undone boolean     NOT NULL DEFAULT false,     -- an attempt that comes late changes nothing any more
    result bytea                                   -- JSON; NULL: it was undone before it was done
);

-- What came with somebody's transaction and nobody could take: look at it, then delete it.
CREATE VIEW unclaimed AS
SELECT id, CASE kind WHEN 9 THEN 'start' WHEN 13 THEN 'signal' WHEN 20 THEN name ELSE kind::text END AS kind, to_type AS type, to_id AS flow, name, payload, cause AS reason
FROM inbox WHERE shard = 1048576;

-- For people: the processes that share the store.
CREATE VIEW nodes AS
SELECT node.node, node.name, node.joined_at, node.lease_until, node.lease_until > clock_timestamp() AS alive,
       (SELECT count(*) FROM shard WHERE shard.node = node.node AND shard.shard < 1048576) AS shards
FROM node;

CREATE OR REPLACE VIEW shards AS
SELECT shard, epoch, token IS NOT NULL AS held, batch, time, unclean_ends, suspect_run, suspect_ask, suspect_deaths, node
FROM shard WHERE shard < 1048576;
