-- Who talks more, by topic?
SELECT topic, count(*) AS calls, round(avg(agent_talk_share)::numeric, 2) AS agent,
    round(avg(client_talk_share)::numeric, 2) AS client
FROM calls_done WHERE agent_talk_share IS NOT NULL GROUP BY topic ORDER BY agent DESC, topic
