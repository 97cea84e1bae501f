-- What drift is measured by, over the calls a run has done: calls without a word, and words per minute.
WITH done AS (SELECT transcription, coalesce(agent_words_per_minute * agent_talk_s, 0)
                  + coalesce(client_words_per_minute * client_talk_s, 0) AS words,
                  CASE WHEN agent_words_per_minute IS NULL THEN 0 ELSE agent_talk_s END
                  + CASE WHEN client_words_per_minute IS NULL THEN 0 ELSE client_talk_s END AS talk_s
              FROM calls WHERE run_id = %(run_id)s AND status = 'done')
SELECT count(*) AS calls, count(*) FILTER (WHERE coalesce(transcription, '') = '') AS empty,
       count(*) FILTER (WHERE talk_s > 0) AS spoken, avg(words / nullif(talk_s, 0)) AS mean,
       var_samp(words / nullif(talk_s, 0)) AS variance
FROM done
