-- Workers that give signs of life, and what all of them have ever done, for whoever watches from outside.
CREATE TABLE workers (
    worker             text PRIMARY KEY,
    host               text NOT NULL,
    configuration_hash text NOT NULL,
    started_at         timestamptz NOT NULL DEFAULT now(),
    heartbeat_at       timestamptz NOT NULL,
    ended_at           timestamptz,
    engine             text,
    model              text,
    demonstration      boolean NOT NULL,
    passed_over        smallint NOT NULL,
    providers          jsonb NOT NULL,
    totals             jsonb NOT NULL
);
COMMENT ON TABLE workers IS 'Processes that work on claims. A row goes a day after its last sign of life.';
COMMENT ON COLUMN workers.worker IS 'Its name in claims.worker.';
COMMENT ON COLUMN workers.host IS 'Its machine.';
COMMENT ON COLUMN workers.configuration_hash IS 'Whose claims it takes: claims.configuration_hash.';
COMMENT ON COLUMN workers.started_at IS 'Its first sign of life.';
COMMENT ON COLUMN workers.heartbeat_at IS 'Its last sign of life.';
COMMENT ON COLUMN workers.ended_at IS 'When it said that it ends; NULL for one that works, or was killed.';
COMMENT ON COLUMN workers.engine IS 'Recogniser that serves it; NULL before the first call needed one.';
COMMENT ON COLUMN workers.model IS 'Its model.';
COMMENT ON COLUMN workers.demonstration IS 'True when that is a demonstration engine.';
COMMENT ON COLUMN workers.passed_over IS 'How many recognisers listed before it could not serve.';
COMMENT ON COLUMN workers.providers IS 'By language model: {asked, answered, silent}; silent: it answered nothing when it was last asked.';
COMMENT ON COLUMN workers.totals IS 'What it has done since its start: the part of work_totals that is its own.';

CREATE TABLE work_totals (
    name  text PRIMARY KEY,
    value double precision NOT NULL
);
COMMENT ON TABLE work_totals IS 'Sums over all workers that ever were; they only grow. Counters of /metrics.';
COMMENT ON COLUMN work_totals.name IS 'calls_done, calls_failed, calls_skipped, audio_s, speech_s; llm_asked:NAME, llm_answered:NAME and llm_cost_usd:NAME by language model.';
COMMENT ON COLUMN work_totals.value IS 'Its sum.';
