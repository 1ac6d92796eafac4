"""Search at scale: chunks of bits that vary independently, and which transaction wrote each row.

The chunks of a hash become generalised diagonals of its 16 x 16 bits: bit j of row i goes to chunk (i + j) mod 16,
place j (`provenance.fingerprint.index.words`). Column j is turned down by j rows, in four steps of 1, 2, 4 and 8.

`written_by` is set by the database alone: ids are handed out before their transactions commit, so they cannot tell
which rows a reader has seen, and a snapshot's list of transactions can.
"""

import django.utils.timezone
from django.db import migrations, models

_SIDE = 16
_CHUNK = "({n} << 16) | (substring(x FROM {start} FOR 16))::bit(16)::int"


def _turn(step: int) -> str:
    """One step of the rotation, for the columns whose number has this bit set."""
    row = "".join("1" if column >> step & 1 else "0" for column in range(_SIDE))
    moved, left = row * _SIDE, row.translate(str.maketrans("01", "10")) * _SIDE
    down, up = _SIDE << step, _SIDE * _SIDE - (_SIDE << step)
    return f"x := (x & B'{left}') | ((x & B'{moved}') >> {down}) | ((x & B'{moved}') << {up});"


def _keys(body: str, language: str, cost: int) -> str:
    return f"""
CREATE OR REPLACE FUNCTION slate_pdq_keys(hash bit(256)) RETURNS int[]
    LANGUAGE {language} IMMUTABLE STRICT PARALLEL SAFE COST {cost}
    AS $$ {body} $$;
CREATE INDEX references_fingerprint_pdq_keys ON references_fingerprint
    USING gin (slate_pdq_keys(pdq)) WITH (fastupdate = off) WHERE quality >= 50;
"""


# The cost is stated far above the true one, so that no plan computes keys for rows instead of looking them up.
_DIAGONAL = "DECLARE x bit(256) := hash; BEGIN {turns} RETURN ARRAY[{chunks}]; END".format(
    turns=" ".join(_turn(step) for step in range(4)),
    chunks=", ".join(_CHUNK.format(n=n, start=n * _SIDE + 1) for n in range(_SIDE)),
)
_STRAIGHT = "SELECT ARRAY[{chunks}]".format(
    chunks=", ".join(_CHUNK.format(n=n, start=n * _SIDE + 1).replace("(x ", "(hash ") for n in range(_SIDE))
)
_DROP = "DROP INDEX references_fingerprint_pdq_keys;"
TO_DIAGONALS = _DROP + _keys(_DIAGONAL, "plpgsql", 100_000)
TO_STRAIGHT = _DROP + _keys(_STRAIGHT, "sql", 100)

# The indexes on `written_by` have no condition: beside a second partial index that a query implies as a whole, the
# planner no longer looks the keys of a join up in the first.
_TABLES = {"references_fingerprint": "pdq, quality", "references_keyframe": "descriptors"}
WRITTEN_BY = """
CREATE FUNCTION slate_written_by() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN NEW.written_by := pg_current_xact_id(); RETURN NEW; END $$;
""" + "".join(
    f"""
ALTER TABLE {table} ADD COLUMN written_by xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX {table}_written_by ON {table} (written_by);
CREATE TRIGGER {table}_written_by BEFORE INSERT OR UPDATE OF {columns} ON {table}
    FOR EACH ROW EXECUTE FUNCTION slate_written_by();
"""
    for table, columns in _TABLES.items()
)
NOT_WRITTEN_BY = (
    "".join(
        f"DROP TRIGGER {table}_written_by ON {table}; ALTER TABLE {table} DROP COLUMN written_by;"
        for table in _TABLES
    )
    + "DROP FUNCTION slate_written_by();"
)


class Migration(migrations.Migration):
    dependencies = [("references", "0006_tracks_of_earlier_clips")]
    operations = [
        migrations.RunSQL(TO_DIAGONALS, TO_STRAIGHT),
        migrations.RunSQL(WRITTEN_BY, NOT_WRITTEN_BY),
        migrations.CreateModel(
            name="IndexBuild",
            fields=[
                ("identity", models.UUIDField(primary_key=True, serialize=False)),
                ("source", models.CharField(max_length=40)),
                ("place", models.CharField(max_length=1000)),
                ("table_oid", models.BigIntegerField()),
                ("rows", models.PositiveBigIntegerField()),
                ("built_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
    ]
