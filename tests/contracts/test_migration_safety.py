"""A migration is applied while the release before it runs: what would stop or break that is named.

squawk reads the SQL that each migration runs. A migration that knows better says why:
`SAFE_BECAUSE = {"ban-drop-column": "no release since 1.3 has read it"}`.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sysconfig
from pathlib import Path

from conftest import Cluster
from tests.contracts.test_migrations import run

#: Those made before anything was released. Nobody adds to them.
BEFORE_RELEASE = frozenset(
    Path(__file__).with_name("migrations_before_release.txt").read_text(encoding="utf-8").split()
)

#: Taste, and timeouts, which `privata migrate` sets itself.
NOT_OURS = (
    "prefer-bigint-over-int,prefer-bigint-over-smallint,prefer-identity,prefer-robust-stmts,"
    "prefer-text-field,require-lock-timeout,require-statement-timeout"
)

#: The oldest PostgreSQL that the project supports.
OLDEST = "14"


def refused(sql: str, *, atomic: bool = True) -> set[str]:
    """The rules that this SQL breaks."""
    ran = subprocess.run(
        [
            str(Path(sysconfig.get_path("scripts")) / "squawk"),
            *("--reporter", "json", "--pg-version", OLDEST, "--exclude", NOT_OURS),
            *(["--assume-in-transaction"] if atomic else []),
        ],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
    )
    return {str(one["rule_name"]) for one in json.loads(ran.stdout)}


def migrations_of_the_code() -> list[str]:
    package = Path(importlib.import_module("privata").__file__ or "").parent
    found = package.glob("*/migrations/0*.py")
    return sorted(f"{path.parent.parent.name}.{path.stem}" for path in found)


#: Prints what `sqlmigrate` says of each migration that it is given. One process, as below.
SQL_OF_MIGRATIONS = """
import io, json, sys
from privata.dashboard.database import boot
boot(sys.argv[1])
from django.core.management import call_command
made = {}
for name in sys.argv[2:]:
    said = io.StringIO()
    call_command("sqlmigrate", *name.split("."), stdout=said)
    made[name] = said.getvalue()
print(json.dumps(made))
"""


def test_no_migration_stops_or_breaks_the_release_that_runs(
    cluster: Cluster, database_name: str
) -> None:
    asked = [name for name in migrations_of_the_code() if name not in BEFORE_RELEASE]
    made = json.loads(run(SQL_OF_MIGRATIONS, cluster.owner(database_name), *asked))
    assert set(made) == set(asked)
    for name, sql in made.items():
        app, stem = name.split(".")
        module = importlib.import_module(f"privata.{app}.migrations.{stem}")
        # It says BEGIN and COMMIT where the migration is atomic.
        broken = refused(sql, atomic=False)
        excused = set(getattr(module, "SAFE_BECAUSE", {}))
        assert broken == excused, f"{name}: {broken ^ excused}; see CONTRIBUTING.md"


def test_what_was_made_before_the_first_release_is_still_there() -> None:
    assert set(migrations_of_the_code()) >= BEFORE_RELEASE


#: Made with one operation each, and the rule that names it.
UNSAFE = {
    'RemoveField("endpoint", "alias")': "ban-drop-column",
    'RenameField("endpoint", "alias", "nickname")': "renaming-column",
    'AlterModelTable("endpoint", "target")': "renaming-table",
    'DeleteModel("Attempt")': "ban-drop-table",
    'AddIndex("delivery", Index(fields=["order_id"], name="one"))': (
        "require-concurrent-index-creation"
    ),
    'AddField("endpoint", "note", TextField())': "adding-required-field",
    'AlterField("endpoint", "pace_per_s", BigIntegerField())': "changing-column-type",
    'AddConstraint("endpoint", CheckConstraint(condition=Q(pace_per_s__gt=1), name="one"))': (
        "constraint-missing-not-valid"
    ),
}

SAFE = (
    'AddField("endpoint", "note", TextField(null=True))',
    'AddField("endpoint", "note", TextField(db_default=""))',
    'AddIndexConcurrently("delivery", Index(fields=["order_id"], name="one"))',
    'AddConstraintNotValid("endpoint", CheckConstraint(condition=Q(pace_per_s__gt=1), name="one"))',
    'CreateModel("Note", [("id", UUIDField(primary_key=True)), ("at", DateField(db_index=True))])',
)

#: Prints the SQL of each operation that it is given. One process: to start Django takes a second.
SQL_OF = """
import json, sys
from privata.dashboard.database import boot
boot(sys.argv[1])
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.db import connection
from django.db.migrations import *
from django.db.migrations.loader import MigrationLoader
from django.db.models import *
today = MigrationLoader(connection).project_state()
made = {}
for text in sys.argv[2:]:
    migration = Migration("one", "webhooks")
    migration.operations = [eval(text)]
    migration.atomic = "Concurrently" not in text
    with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
        migration.apply(today.clone(), editor, collect_sql=True)
    made[text] = "\\n".join(str(line) for line in editor.collected_sql)
print(json.dumps(made))
"""


def test_unsafe_operations_are_named_and_safe_ones_pass(
    cluster: Cluster, database_name: str
) -> None:
    made = json.loads(run(SQL_OF, cluster.owner(database_name), *UNSAFE, *SAFE))
    named = {text: refused(sql, atomic="Concurrently" not in text) for text, sql in made.items()}
    assert {text: rule for text, rule in UNSAFE.items() if rule not in named[text]} == {}
    assert {text: named[text] for text in SAFE if named[text]} == {}
