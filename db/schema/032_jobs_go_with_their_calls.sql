-- A job goes with the call it became.
DELETE FROM jobs j WHERE call_id IS NOT NULL AND NOT EXISTS (SELECT FROM calls c WHERE c.call_id = j.call_id);
ALTER TABLE jobs ADD FOREIGN KEY (call_id) REFERENCES calls (call_id) ON DELETE CASCADE;
