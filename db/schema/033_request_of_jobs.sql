-- The request that handed a call in: found again in the logs of the service and of every worker, and in traces.
ALTER TABLE jobs ADD COLUMN request_id text, ADD COLUMN traceparent text;
CREATE INDEX jobs_by_request ON jobs (request_id) WHERE request_id IS NOT NULL;
COMMENT ON COLUMN jobs.request_id IS 'X-Request-ID of the request that handed it in: stands on the log lines about it, in all processes.';
COMMENT ON COLUMN jobs.traceparent IS 'Span of that request, as W3C Trace Context writes it: the call''s span is its child.';
