-- Calls whose match with a rule was told by mail or webhook: each once.
CREATE TABLE attention_notices (
    call_id uuid PRIMARY KEY REFERENCES calls (call_id) ON DELETE CASCADE,
    rules   text[] NOT NULL,
    sent_by text[] NOT NULL,
    run_id  uuid REFERENCES runs (run_id),
    told_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE attention_notices IS 'Calls that attention.notify has told of, so that each is told once, also after it is analysed again.';
COMMENT ON COLUMN attention_notices.call_id IS 'The call.';
COMMENT ON COLUMN attention_notices.rules IS 'Rules that held then.';
COMMENT ON COLUMN attention_notices.sent_by IS 'How it was told: smtp, webhook.';
COMMENT ON COLUMN attention_notices.run_id IS 'Run that told it.';
COMMENT ON COLUMN attention_notices.told_at IS 'When.';
