-- What the flags of chunks say of words that two channels have.
COMMENT ON COLUMN chunks.flags IS
    'What the trust gates say: repeated, empty, decode_truncated, …; `overheard`: words that another channel said and this '
    'one only overheard were taken out, all of them where the text is empty; `side_uncertain`: both channels have these '
    'words alike, so that nobody can tell whose they are, and the role is unknown.';
