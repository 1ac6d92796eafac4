"""Keeps pairs and copies from changing once they are there: what was handed out stays handed out."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER handouts_pair_immutable BEFORE UPDATE OR DELETE ON handouts_pair
    FOR EACH ROW EXECUTE FUNCTION slate_refuse_change();
CREATE TRIGGER handouts_copy_immutable BEFORE UPDATE OR DELETE ON handouts_copy
    FOR EACH ROW EXECUTE FUNCTION slate_refuse_change();
"""
BACKWARD = """
DROP TRIGGER handouts_copy_immutable ON handouts_copy;
DROP TRIGGER handouts_pair_immutable ON handouts_pair;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("handouts", "0001_initial"),
        ("ledger", "0002_append_only"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
