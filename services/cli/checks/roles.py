"""What a service's role may do in its PostgreSQL database: append and read, and nothing that could rewrite the past."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Row, text
from sqlalchemy.engine import make_url

from services.cli.checks.findings import Finding, error, fine
from services.cli.checks.installation import MIGRATE, Installation

CHECK = "roles"
ROLE = """
SELECT current_user AS role, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls,
       pg_get_userbyid(c.relowner) AS owner, o.rolcanlogin AS owner_may_log_in,
       pg_has_role(current_user, c.relowner, 'MEMBER') AS is_owner,
       pg_has_role(current_user, d.datdba, 'MEMBER') AS owns_database,
       has_schema_privilege('public', 'CREATE') AS creates
FROM pg_roles r, pg_class c, pg_roles o, pg_database d
WHERE r.rolname = current_user AND c.oid = 'events'::regclass AND o.oid = c.relowner AND d.datname = current_database()
"""
FORBIDDEN = {
    "events": ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER"),
    "log_state": ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER"),
}
BY_COLUMN = ("INSERT", "UPDATE")
NEEDED = ("append", "heads", "move_position")
MAY_EXECUTE = """
SELECT proname, bool_or(has_function_privilege(oid, 'EXECUTE')) AS allowed FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND proname = ANY(:names) GROUP BY proname
"""
POWERS = {
    "rolsuper": ("is a superuser", "NOSUPERUSER"),
    "rolcreaterole": ("may create roles", "NOCREATEROLE"),
    "rolcreatedb": ("may create databases", "NOCREATEDB"),
    "rolreplication": ("may copy the whole server", "NOREPLICATION"),
    "rolbypassrls": ("passes every row's protection", "NOBYPASSRLS"),
}


def roles(installation: Installation) -> Iterator[Finding]:
    """Ask every PostgreSQL log what the service's role may do there."""
    for service, recorder in installation.services():
        if recorder.engine.dialect.name != "postgresql":
            continue
        database = make_url(installation.settings.database_url(service.name)).database or ""
        with recorder.reading() as connection:
            role = connection.execute(text(ROLE)).one()
            found = list(_powers(role))
            if not role.rolsuper:
                granted = [
                    (table, right)
                    for table, rights in FORBIDDEN.items()
                    for right in rights
                    if connection.scalar(text(_privilege(table, right)))
                ]
                rows = connection.execute(text(MAY_EXECUTE), {"names": list(NEEDED)})
                allowed = {row.proname: row.allowed for row in rows}
                found += [*_ownership(role, database), *_rights(role, granted), *_functions(role, allowed)]
        for wrong, do in found:
            yield error(CHECK, f"{service.name}: {wrong}", f"in {database}, as superuser: {do}")
        if not found:
            yield fine(CHECK, f"{service.name}: {role.role} may append and read, and nothing that rewrites the past")


def _powers(role: Row[tuple[object, ...]]) -> Iterator[tuple[str, str]]:
    for name, (power, without) in POWERS.items():
        if getattr(role, name):
            yield f"{role.role} {power}: nothing keeps it from changing the log", f'ALTER ROLE "{role.role}" {without}'
    if role.owner_may_log_in:
        yield f"{role.owner}, who owns the log, may log in", f'ALTER ROLE "{role.owner}" NOLOGIN'


def _ownership(role: Row[tuple[object, ...]], database: str) -> Iterator[tuple[str, str]]:
    if role.is_owner:
        do = f'REVOKE "{role.owner}" FROM "{role.role}"' if role.owner != role.role else _hand_over(role.role)
        yield f"{role.role} owns its log, or belongs to who does: it could switch the triggers off", do
    elif role.owns_database:
        yield f"{role.role} owns the database {database}", f'ALTER DATABASE "{database}" OWNER TO "{role.owner}"'
    if role.creates:
        do = f'REVOKE CREATE ON SCHEMA public FROM PUBLIC, "{role.role}"'
        yield f"{role.role} may create tables and functions beside the log's", do


def _hand_over(role: str) -> str:
    owner = f"{role}_owner"
    return f'ALTER TABLE events OWNER TO "{owner}"; ALTER TABLE log_state OWNER TO "{owner}"; then {MIGRATE}'


def _privilege(table: str, right: str) -> str:
    whole = f"has_table_privilege('{table}', '{right}')"
    return (
        f"SELECT {whole} OR has_any_column_privilege('{table}', '{right}')" if right in BY_COLUMN else f"SELECT {whole}"
    )


def _rights(role: Row[tuple[object, ...]], granted: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    if role.is_owner:
        return
    for table, right in granted:
        seen = f"{role.role} may {right} on {table} past append(): it could rewrite or back-date what was recorded"
        yield seen, f'REVOKE {right} ON {table} FROM PUBLIC, "{role.role}"'


def _functions(role: Row[tuple[object, ...]], allowed: dict[str, bool]) -> Iterator[tuple[str, str]]:
    if missing := [name for name in NEEDED if name in allowed and not allowed[name]]:
        yield f"{role.role} may not call {', '.join(missing)}: nothing can be recorded", MIGRATE
