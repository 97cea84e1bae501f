-- Logins that were made readers.
SELECT DISTINCT r.rolname FROM pg_auth_members m
JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member
WHERE g.rolname = ANY (%(groups)s) AND r.rolcanlogin
