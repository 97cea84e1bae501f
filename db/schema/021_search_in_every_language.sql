-- Search by word stems without being told the language: the index is asked in every language at once, and each chunk then
-- has to match in its own.
CREATE FUNCTION said_in(language text, words text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN numnode(websearch_to_tsquery(search_language(language), words)) > 0
        THEN websearch_to_tsquery(search_language(language), words)
        ELSE websearch_to_tsquery('pg_catalog.simple', words) END;
COMMENT ON FUNCTION said_in(text, text) IS
    'What is looked for in a chunk of this language (ISO 639-1): word stems; the words as they stand where all are stop words.';

CREATE FUNCTION said_in_any(words text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN said_in(NULL, words) || said_in('ar', words) || said_in('de', words) || said_in('en', words)
        || said_in('es', words) || said_in('fr', words) || said_in('it', words) || said_in('nl', words)
        || said_in('pt', words) || said_in('ru', words) || said_in('tr', words);
COMMENT ON FUNCTION said_in_any(text) IS
    'The same in any language, for the index: `search @@ said_in_any(x) AND search @@ said_in(language, x)`.';
