-- The relation a file of the database belongs to, and the table it is part of where it is an index or a TOAST table.
SELECT r.relname::text AS name, r.relkind = 'i' AS "index", coalesce(t.relname, o.relname, r.relname)::text AS "table"
FROM pg_class r
    LEFT JOIN pg_index i ON i.indexrelid = r.oid LEFT JOIN pg_class t ON t.oid = i.indrelid
    LEFT JOIN pg_class o ON o.reltoastrelid = r.oid
WHERE r.oid = pg_filenode_relation(0, %(filenode)s) OR r.relname = %(name)s
