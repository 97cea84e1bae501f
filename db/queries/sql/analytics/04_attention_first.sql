-- Which calls should somebody look at first?
SELECT file_name, agent_id, topic, attention_weight AS weight, attention_critical AS critical
FROM calls_done WHERE attention_weight > 0 ORDER BY critical DESC, weight DESC, started_at LIMIT 5
