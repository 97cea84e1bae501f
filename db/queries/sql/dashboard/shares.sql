-- How the shares of silence and of the customer's talk are spread over the chosen calls, in steps of a tenth.
SELECT kind, tenth, sum(calls)::bigint AS calls
FROM (
    SELECT width_bucket(silence_share, '{.1, .2, .3, .4, .5, .6, .7, .8, .9}'::float8[]) AS silence,
           width_bucket(client_talk_share, '{.1, .2, .3, .4, .5, .6, .7, .8, .9}'::float8[]) AS talk,
           count(*) AS calls
    FROM chosen GROUP BY 1, 2
) counted
CROSS JOIN LATERAL (VALUES ('silence', silence), ('talk', talk)) AS shares (kind, tenth)
WHERE tenth IS NOT NULL GROUP BY kind, tenth ORDER BY kind, tenth
