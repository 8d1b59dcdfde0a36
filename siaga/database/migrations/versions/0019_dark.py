"""When the gateway of a village did not run.

Until now it showed as spans of that cause alone, within schedules: these are taken over. `siaga rebuild` finds the
rest.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_UNHEARD = """
    SELECT s.village, s.start, s."end",
           (SELECT MAX(g.last_alive) FROM gateway_state g WHERE g.village = s.village) AS last
      FROM span s
     WHERE s.cause = 'village_offline'
     ORDER BY s.village, s.start
"""


def upgrade() -> None:
    """Create the table, and take over what spans show."""
    dark = op.create_table(
        "dark",
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("village", "start", name=op.f("pk_dark")),
    )
    op.create_index(op.f("ix_dark_village_end"), "dark", ["village", "end"], unique=False)
    found: list[dict[str, object]] = []
    village, begins, ends = None, 0, 0
    for row in op.get_bind().execute(sa.text(_UNHEARD)):
        end = row.last if row.end is None else min(row.end, row.last or row.start)
        if end is None or end <= row.start:
            continue  # after the newest heartbeat: that may still arrive
        if row.village == village and row.start <= ends:
            ends = max(ends, end)
            found[-1] = {"village": village, "start": begins, "end": ends}
        else:
            village, begins, ends = row.village, row.start, end
            found.append({"village": village, "start": begins, "end": ends})
    op.bulk_insert(dark, found)


def downgrade() -> None:
    """Drop the table."""
    op.drop_index(op.f("ix_dark_village_end"), table_name="dark")
    op.drop_table("dark")
