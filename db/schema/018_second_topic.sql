-- A call may have two reasons. The first topic keeps its columns; its confidence is always stored where no language model
-- chose it.
ALTER TABLE calls ADD COLUMN second_topic text;
ALTER TABLE calls ADD COLUMN second_subtopic text;
ALTER TABLE calls ADD COLUMN second_topic_confidence double precision;
COMMENT ON COLUMN calls.topic_confidence IS
    'How likely the topic is right, 0..1 (docs/topics.md says how it is made and how far it holds); NULL with the reason '
    'in missing_reasons where what chose it gives none.';
COMMENT ON COLUMN calls.second_topic IS
    'Topic of a second reason for the call, of the same glossary; NULL where the client gives none, and where a language '
    'model or a trained model chose the topic.';
COMMENT ON COLUMN calls.second_subtopic IS 'Subtopic of the second topic.';
COMMENT ON COLUMN calls.second_topic_confidence IS 'How likely the second topic is right, 0..1; NULL without a second topic.';
