-- A topic without a subtopic says why, as other missing values do.
COMMENT ON COLUMN calls.subtopic IS
    'Subtopic of the glossary; NULL with the reason in missing_reasons, without one where the glossary lists none for the topic.';
COMMENT ON COLUMN calls.second_subtopic IS
    'Subtopic of the second topic; NULL with the reason in missing_reasons, without one where the glossary lists none for it.';
COMMENT ON COLUMN calls_done.subtopic IS 'Subtopic of the glossary; calls.missing_reasons tells why there is none.';
COMMENT ON COLUMN calls_done.second_subtopic IS
    'Subtopic of the second topic; calls.missing_reasons tells why there is none.';
COMMENT ON COLUMN calls.missing_reasons IS
    'Why a value is NULL: by step (text, acoustic, fusion, topic, summary, conversation), by role and step (agent_text, …) or by '
    'column (subtopic, second_subtopic, topic_confidence).';
COMMENT ON COLUMN live_calls.missing_reasons IS 'Why topic, subtopic, summary or moods are missing, by step or column.';
