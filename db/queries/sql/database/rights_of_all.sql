-- What every login of this server may do here beyond reading, and the statement that takes it away: locks that a run
-- needs, large objects and other writing that no table's privileges stop, other databases of the server.
WITH functions AS (
    SELECT p.oid, CASE WHEN p.proname ~ 'advisory' THEN 'take advisory locks, the run''s own too'
                       WHEN p.proname ~ 'logical' THEN 'write to the write-ahead log'
                       WHEN p.proname ~ 'snapshot' THEN 'write a file for each snapshot' ELSE 'store large objects' END AS may
    FROM pg_proc p
    WHERE p.pronamespace = 'pg_catalog'::regnamespace
        AND (p.proname ~ '^(pg_(try_)?advisory_|lo_)' OR p.proname IN ('loread', 'lowrite', 'pg_logical_emit_message', 'pg_export_snapshot'))
        AND EXISTS (SELECT 1 FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                    WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE')
), languages AS (
    SELECT l.lanname FROM pg_language l, aclexplode(coalesce(l.lanacl, acldefault('l', l.lanowner))) a
    WHERE a.grantee = 0 AND l.lanpltrusted AND l.laninline <> 0
), databases AS (
    SELECT d.datname, a.privilege_type
    FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
    WHERE a.grantee = 0 AND CASE WHEN d.datname = current_database() THEN a.privilege_type = 'TEMPORARY'
                                 ELSE a.privilege_type = 'CONNECT' AND d.datname IN ('postgres', 'template1') END
), schemas AS (
    SELECT n.nspname FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
    WHERE a.grantee = 0 AND a.privilege_type = 'CREATE' AND n.nspname !~ '^(pg_|information_schema)'
)
SELECT may, format('REVOKE EXECUTE ON FUNCTION %%s FROM PUBLIC', oid::regprocedure) AS statement FROM functions
UNION ALL
SELECT format('write to the server''s log by programs in %%s', lanname),
       format('REVOKE USAGE ON LANGUAGE %%I FROM PUBLIC', lanname) FROM languages
UNION ALL
SELECT CASE privilege_type WHEN 'TEMPORARY' THEN 'make temporary tables' ELSE format('work in database %%s', datname) END,
       format('REVOKE %%s ON DATABASE %%I FROM PUBLIC', privilege_type, datname) FROM databases
UNION ALL
SELECT format('make tables in schema %%s', nspname), format('REVOKE CREATE ON SCHEMA %%I FROM PUBLIC', nspname) FROM schemas
