-- How many calls were drawn in a night.
SELECT count(*) FROM watch_samples WHERE night = %(night)s
