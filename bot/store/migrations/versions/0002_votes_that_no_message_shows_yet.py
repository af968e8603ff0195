"""Votes that no message shows yet"""

from alembic import op
import sqlalchemy as sa

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('votes', sa.Column('shown', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        'ix_votes_unshown',
        'votes',
        ['workshop_id'],
        sqlite_where=sa.text('shown = 0'),
        postgresql_where=sa.text('NOT shown'),
    )


def downgrade() -> None:
    op.drop_index('ix_votes_unshown', table_name='votes')
    op.drop_column('votes', 'shown')
