-- Lists by free text: parts of file names are found by an index, and a word is looked for once and not eleven times.
CREATE FUNCTION letter_triples(words text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(array_agg(DISTINCT substr(lower(words), place, 3)), '{}')
            FROM generate_series(1, length(words) - 2) AS place);
COMMENT ON FUNCTION letter_triples(text) IS
    'All sequences of three characters in the text, in small letters: a text that holds another one has all of its.';
CREATE INDEX calls_by_part_of_name ON calls USING gin (letter_triples(file_name));

CREATE OR REPLACE FUNCTION said_in_any(words text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT string_agg(DISTINCT '(' || said_in(language, words)::text || ')', '|')::tsquery
            FROM unnest(ARRAY[NULL, 'ar', 'de', 'en', 'es', 'fr', 'it', 'nl', 'pt', 'ru', 'tr']) AS language
            WHERE numnode(said_in(language, words)) > 0);
COMMENT ON FUNCTION said_in_any(text) IS
    'The same in any language, for the index: `search @@ said_in_any(x) AND search @@ said_in(language, x)`; NULL where nothing is asked for.';
