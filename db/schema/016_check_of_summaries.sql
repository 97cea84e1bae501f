-- What comparing a model's statements with the call came to, in words, beside the summary itself.
ALTER TABLE calls ADD COLUMN summary_check text;
COMMENT ON COLUMN calls.summary_check IS
    'What comparing a language model''s summary with the call came to: `verified`, or `not verified: 2 of 5 statements`; '
    'in the summary each of these ends with "(not verified)". NULL where the summary is made of the call''s own sentences.';
