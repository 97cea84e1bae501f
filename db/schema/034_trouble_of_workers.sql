-- Why a worker ended, for whoever watches: a worker that is started again and again looks alive in between.
ALTER TABLE workers ADD COLUMN trouble text;
COMMENT ON COLUMN workers.trouble IS 'Kind of the error that ended it; NULL for one that works, was stopped, or was killed.';
