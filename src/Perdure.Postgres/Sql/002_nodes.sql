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
