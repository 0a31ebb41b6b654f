"""support"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


GRANT = """
UPDATE roles SET permissions = array_append(permissions, 'tickets:write')
WHERE name IN ('admin', 'support') AND NOT 'tickets:write' = ANY (permissions)
"""


def upgrade() -> None:
    op.create_table('canned_replies',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("title <> '' AND body <> ''", name=op.f('ck_canned_replies_says_something')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_canned_replies'))
    )
    op.create_index('uq_canned_replies_title', 'canned_replies', [sa.literal_column('lower(title)')], unique=True)
    op.create_table('tickets',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.BigInteger(), sa.Identity(always=False, start=1001), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('order_id', sa.Uuid(), nullable=True),
    sa.Column('email', sa.LargeBinary(), nullable=True),
    sa.Column('email_index', sa.LargeBinary(), nullable=True),
    sa.Column('subject', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.Text(), server_default='open', nullable=False),
    sa.Column('assignee_id', sa.Uuid(), nullable=True),
    sa.Column('message_count', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('moved_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('closed_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f('ck_tickets_closed_has_time')),
    sa.CheckConstraint("state IN ('open', 'answered', 'solved', 'closed')", name=op.f('ck_tickets_known_state')),
    sa.CheckConstraint('(email IS NULL) = (email_index IS NULL)', name=op.f('ck_tickets_address_whole')),
    sa.CheckConstraint('message_count >= 0', name=op.f('ck_tickets_count_not_negative')),
    sa.CheckConstraint('num_nonnulls(user_id, order_id, email) > 0', name=op.f('ck_tickets_belongs_to_somebody')),
    sa.CheckConstraint('user_id IS NULL OR email IS NULL', name=op.f('ck_tickets_member_has_no_address')),
    sa.ForeignKeyConstraint(['assignee_id'], ['users.id'], name=op.f('fk_tickets_assignee_id_users')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_tickets_order_id_orders')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_tickets_person_id_persons')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_tickets_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tickets')),
    sa.UniqueConstraint('number', name=op.f('uq_tickets_number'))
    )
    op.create_index('ix_tickets_assignee_id', 'tickets', ['assignee_id', 'moved_at'], unique=False, postgresql_where=sa.text('assignee_id IS NOT NULL'))
    op.create_index('ix_tickets_email_index', 'tickets', ['email_index'], unique=False, postgresql_where=sa.text('email_index IS NOT NULL'))
    op.create_index('ix_tickets_moved_at', 'tickets', ['moved_at', 'id'], unique=False)
    op.create_index('ix_tickets_order_id', 'tickets', ['order_id'], unique=False, postgresql_where=sa.text('order_id IS NOT NULL'))
    op.create_index('ix_tickets_person_id', 'tickets', ['person_id'], unique=False)
    op.create_index('ix_tickets_state', 'tickets', ['state', 'moved_at', 'id'], unique=False)
    op.create_index('ix_tickets_user_id', 'tickets', ['user_id', 'moved_at'], unique=False, postgresql_where=sa.text('user_id IS NOT NULL'))
    op.create_table('ticket_messages',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('ticket_id', sa.Uuid(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('side', sa.Text(), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=True),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("side IN ('customer', 'staff', 'note')", name=op.f('ck_ticket_messages_known_side')),
    sa.CheckConstraint('seq > 0', name=op.f('ck_ticket_messages_seq_positive')),
    sa.ForeignKeyConstraint(['author_id'], ['users.id'], name=op.f('fk_ticket_messages_author_id_users')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_ticket_messages_person_id_persons')),
    sa.ForeignKeyConstraint(['ticket_id'], ['tickets.id'], name=op.f('fk_ticket_messages_ticket_id_tickets')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ticket_messages')),
    sa.UniqueConstraint('id', 'ticket_id', name='uq_ticket_messages_ticket'),
    sa.UniqueConstraint('ticket_id', 'seq', name='uq_ticket_messages_seq')
    )
    op.create_index('ix_ticket_messages_person_id', 'ticket_messages', ['person_id'], unique=False)
    op.create_table('ticket_attachments',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('ticket_id', sa.Uuid(), nullable=False),
    sa.Column('message_id', sa.Uuid(), nullable=True),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('side', sa.Text(), nullable=False),
    sa.Column('name', sa.LargeBinary(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("side IN ('customer', 'staff')", name=op.f('ck_ticket_attachments_known_side')),
    sa.CheckConstraint("type IN ('application/pdf', 'image/avif', 'image/gif', 'image/jpeg', 'image/png', 'image/webp', 'text/plain')", name=op.f('ck_ticket_attachments_known_type')),
    sa.CheckConstraint('size BETWEEN 1 AND 5242880', name=op.f('ck_ticket_attachments_size_in_range')),
    sa.ForeignKeyConstraint(['message_id', 'ticket_id'], ['ticket_messages.id', 'ticket_messages.ticket_id'], name='fk_ticket_attachments_message_id_ticket_messages'),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_ticket_attachments_person_id_persons')),
    sa.ForeignKeyConstraint(['ticket_id'], ['tickets.id'], name=op.f('fk_ticket_attachments_ticket_id_tickets')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ticket_attachments'))
    )
    op.create_index('ix_ticket_attachments_message_id', 'ticket_attachments', ['message_id'], unique=False)
    op.create_index('ix_ticket_attachments_person_id', 'ticket_attachments', ['person_id'], unique=False)
    op.create_index('ix_ticket_attachments_ticket_id', 'ticket_attachments', ['ticket_id'], unique=False)
    op.create_index('ix_ticket_attachments_unsent', 'ticket_attachments', ['created_at'], unique=False, postgresql_where=sa.text('message_id IS NULL'))
    # As those of 0002: an erased account takes nothing more.
    op.execute(
        "CREATE TRIGGER tickets_erased BEFORE INSERT ON tickets FOR EACH ROW"
        " WHEN (NEW.user_id IS NOT NULL) EXECUTE FUNCTION refuse_erased()"
    )
    op.execute(GRANT)


def downgrade() -> None:
    raise RuntimeError("what people wrote to support would be lost: restore a backup instead")
