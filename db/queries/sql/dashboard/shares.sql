-- How the shares of silence and of the customer's talk are spread over the chosen calls, in steps of a tenth.
SELECT kind, least(floor(value::numeric * 10)::int, 9) AS tenth, count(*) AS calls
FROM chosen CROSS JOIN LATERAL (VALUES ('silence', silence_share), ('talk', client_talk_share)) AS shares (kind, value)
WHERE value IS NOT NULL GROUP BY kind, tenth ORDER BY kind, tenth
