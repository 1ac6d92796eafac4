"""Gives every studio the epoch of its watermark key, which can only grow: a key that was in use once must stay
detectable for as long as there are copies of what was marked with it."""

from django.db import migrations, models

FORWARD = """
CREATE FUNCTION slate_epoch_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.watermark_epoch < OLD.watermark_epoch THEN
        RAISE EXCEPTION 'the watermark epoch of studio % cannot go back', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tenancy_studio_epoch_only_grows BEFORE UPDATE OF watermark_epoch ON tenancy_studio
    FOR EACH ROW EXECUTE FUNCTION slate_epoch_only_grows();
"""
BACKWARD = """
DROP TRIGGER tenancy_studio_epoch_only_grows ON tenancy_studio;
DROP FUNCTION slate_epoch_only_grows();
"""


class Migration(migrations.Migration):
    dependencies = [("tenancy", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="studio",
            name="watermark_epoch",
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddConstraint(
            model_name="studio",
            constraint=models.CheckConstraint(
                condition=models.Q(("watermark_epoch__gte", 1)), name="studio_watermark_epoch_from_one"
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
