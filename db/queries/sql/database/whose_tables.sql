-- The schema in which tables are looked up first and made (NULL: search_path names none that exists), which of these
-- relations it holds, whether Earshot made them, and where else Earshot's tables are: `visible` those on search_path.
SELECT current_schema() AS schema, current_setting('search_path') AS search_path,
       ARRAY(SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = current_schema() AND c.relname = ANY (%(relations)s) ORDER BY 1) AS taken,
       EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = current_schema() AND c.relname = %(marker)s) AS ours,
       ARRAY(SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relname = %(marker)s AND n.nspname IS DISTINCT FROM current_schema() ORDER BY 1) AS elsewhere,
       (SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = to_regclass(%(marker)s)) AS visible
