-- Why a role may do more than read: a sentence each; no row where it may not.
SELECT 'it is the account Earshot works under' AS reason FROM pg_roles WHERE rolname = %(role)s AND rolname = current_user
UNION ALL
SELECT 'it is a superuser or may make roles or databases, replicate, or bypass row security' FROM pg_roles
WHERE rolname = %(role)s AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
UNION ALL
SELECT 'it is a member of ' || string_agg(g.rolname, ', ' ORDER BY g.rolname)
FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member JOIN pg_roles g ON g.oid = m.roleid
WHERE r.rolname = %(role)s AND g.rolname <> ALL (%(groups)s) HAVING count(*) > 0
UNION ALL
SELECT 'it owns tables' FROM pg_roles r
WHERE r.rolname = %(role)s AND EXISTS (SELECT 1 FROM pg_class c WHERE c.relowner = r.oid)
