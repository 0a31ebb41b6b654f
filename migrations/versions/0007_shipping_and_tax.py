"""shipping by zone, weight and value, and tax"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

# The shop's queue of packing is counted every minute.
JOBS = [("shipping.measure", "system", 60)]

CHECKS = (
    ("orders", "included_tax_within_total", "tax_included_minor BETWEEN 0 AND total_minor"),
    ("orders", "shipping_tax_within_tax", "shipping_tax_minor BETWEEN 0 AND tax_minor + tax_included_minor"),
    ("order_lines", "tax_not_negative", "tax_minor >= 0 AND tax_rate >= 0"),
    ("shipping_methods", "free_from_not_negative", "free_from_minor >= 0"),
    ("shipping_methods", "known_kind", "kind IN ('delivery', 'pickup')"),
    ("shipping_methods", "known_priced_by", "priced_by IN ('flat', 'weight', 'value')"),
    ("shipping_methods", "weights_in_order", "min_weight_grams >= 0 AND min_weight_grams <= max_weight_grams"),
    ("shipping_methods", "values_in_order", "min_value_minor >= 0 AND min_value_minor <= max_value_minor"),
)
KEYS = (
    ("shipping_methods", "zone_code", "shipping_zones"),
    ("products", "tax_class", "tax_classes"),
)


def _tables() -> None:
    op.create_table('holidays',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('day', name=op.f('pk_holidays'))
    )
    op.create_table('shipping_settings',
    sa.Column('id', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('timezone', sa.Text(), server_default='UTC', nullable=False),
    sa.Column('cut_off', sa.Time(), server_default='14:00', nullable=False),
    sa.Column('handling_days', sa.SmallInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('working_days', postgresql.ARRAY(sa.SmallInteger()), server_default=sa.text("'{1,2,3,4,5}'"), nullable=False),
    sa.Column('orders_per_day', sa.Integer(), nullable=True),
    sa.Column('waiting_orders', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('waiting_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('home_country', sa.Text(), server_default='US', nullable=False),
    sa.Column('home_region', sa.Text(), server_default='', nullable=False),
    sa.CheckConstraint('id', name=op.f('ck_shipping_settings_one_row')),
    sa.CheckConstraint('handling_days BETWEEN 0 AND 90', name=op.f('ck_shipping_settings_handling_in_range')),
    sa.CheckConstraint('cardinality(working_days) > 0 AND working_days <@ ARRAY[1, 2, 3, 4, 5, 6, 7]::smallint[]', name=op.f('ck_shipping_settings_known_working_days')),
    sa.CheckConstraint('orders_per_day > 0', name=op.f('ck_shipping_settings_orders_per_day_positive')),
    sa.CheckConstraint('waiting_orders >= 0', name=op.f('ck_shipping_settings_waiting_not_negative')),
    sa.CheckConstraint("home_country ~ '^[A-Z]{2}$'", name=op.f('ck_shipping_settings_home_country_form')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shipping_settings'))
    )
    op.create_table('shipping_zones',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('position', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint("code ~ '^[a-z0-9][a-z0-9-]{0,59}$'", name=op.f('ck_shipping_zones_code_form')),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_shipping_zones'))
    )
    op.create_table('shipping_zone_places',
    sa.Column('country', sa.Text(), nullable=False),
    sa.Column('region', sa.Text(), server_default='', nullable=False),
    sa.Column('zone_code', sa.Text(), nullable=False),
    sa.CheckConstraint("country ~ '^[A-Z]{2}$' OR (country = '*' AND region = '')", name=op.f('ck_shipping_zone_places_place_form')),
    sa.ForeignKeyConstraint(['zone_code'], ['shipping_zones.code'], name=op.f('fk_shipping_zone_places_zone_code_shipping_zones'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('country', 'region', name=op.f('pk_shipping_zone_places'))
    )
    op.create_index('ix_shipping_zone_places_zone_code', 'shipping_zone_places', ['zone_code'], unique=False)
    op.create_table('shipping_bands',
    sa.Column('method_code', sa.Text(), nullable=False),
    sa.Column('starts_at', sa.BigInteger(), nullable=False),
    sa.Column('price_minor', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('starts_at > 0 AND price_minor >= 0', name=op.f('ck_shipping_bands_amounts_in_range')),
    sa.ForeignKeyConstraint(['method_code'], ['shipping_methods.code'], name=op.f('fk_shipping_bands_method_code_shipping_methods'), onupdate='CASCADE', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('method_code', 'starts_at', name=op.f('pk_shipping_bands'))
    )
    op.create_table('tax_classes',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('position', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint("code ~ '^[a-z0-9][a-z0-9-]{0,39}$'", name=op.f('ck_tax_classes_code_form')),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_tax_classes'))
    )
    op.create_table('tax_rates',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('tax_class', sa.Text(), nullable=False),
    sa.Column('country', sa.Text(), nullable=False),
    sa.Column('region', sa.Text(), server_default='', nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('millionths', sa.Integer(), nullable=False),
    sa.Column('replaces', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name=op.f('ck_tax_rates_country_form')),
    sa.CheckConstraint('millionths BETWEEN 0 AND 1000000', name=op.f('ck_tax_rates_rate_in_range')),
    sa.CheckConstraint("region <> '' OR NOT replaces", name=op.f('ck_tax_rates_only_regions_replace')),
    sa.ForeignKeyConstraint(['tax_class'], ['tax_classes.code'], name=op.f('fk_tax_rates_tax_class_tax_classes')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tax_rates'))
    )
    op.create_index('ix_tax_rates_tax_class', 'tax_rates', ['tax_class'], unique=False)
    op.create_index('uq_tax_rates_place', 'tax_rates', ['country', 'region', 'tax_class', 'name'], unique=True)
    op.create_table('tax_settings',
    sa.Column('id', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('prices_include_tax', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('shipping_class', sa.Text(), server_default='standard', nullable=False),
    sa.CheckConstraint('id', name=op.f('ck_tax_settings_one_row')),
    sa.ForeignKeyConstraint(['shipping_class'], ['tax_classes.code'], name=op.f('fk_tax_settings_shipping_class_tax_classes')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tax_settings'))
    )


def _columns() -> None:
    for column in (
        sa.Column('kind', sa.Text(), server_default='delivery', nullable=False),
        sa.Column('zone_code', sa.Text(), nullable=True),
        sa.Column('priced_by', sa.Text(), server_default='flat', nullable=False),
        sa.Column('min_weight_grams', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
        sa.Column('max_weight_grams', sa.BigInteger(), nullable=True),
        sa.Column('min_value_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
        sa.Column('max_value_minor', sa.BigInteger(), nullable=True),
        sa.Column('note', sa.Text(), server_default='', nullable=False),
    ):
        op.add_column('shipping_methods', column)
    op.add_column('products', sa.Column('tax_class', sa.Text(), nullable=True))
    op.add_column('users', sa.Column('tax_exempt', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('orders', sa.Column('tax_included_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    op.add_column('orders', sa.Column('shipping_tax_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    op.add_column('orders', sa.Column('tax_lines', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False))
    op.add_column('order_lines', sa.Column('tax_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    op.add_column('order_lines', sa.Column('tax_rate', sa.Integer(), server_default=sa.text('0'), nullable=False))
    op.add_column('order_lines', sa.Column('tax_included', sa.Boolean(), server_default=sa.text('true'), nullable=False))


def upgrade() -> None:
    _tables()
    _columns()
    for table, name, condition in CHECKS:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({condition}) NOT VALID")
    for table, column, target in KEYS:
        op.create_foreign_key(op.f(f"fk_{table}_{column}_{target}"), table, target, [column], ["code"], postgresql_not_valid=True)
    classes = sa.table("tax_classes", sa.column("code"), sa.column("name"))
    op.bulk_insert(classes, [{"code": "standard", "name": "Standard"}])
    jobs = sa.table("periodic_jobs", sa.column("name"), sa.column("queue"), sa.column("every_seconds"))
    op.bulk_insert(jobs, [{"name": n, "queue": q, "every_seconds": e} for n, q, e in JOBS])
    # The locks of what follows last as long as a statement, not as long as the migration.
    with op.get_context().autocommit_block():
        for table, name, _ in CHECKS:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{name}")
        for table, column, target in KEYS:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT fk_{table}_{column}_{target}")
        op.create_index(
            "ix_shipping_methods_zone_code",
            "shipping_methods",
            ["zone_code"],
            unique=False,
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    raise RuntimeError("what orders were taxed would be lost: restore a backup instead")
