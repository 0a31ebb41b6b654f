"""What the shop holds of the account itself, for its own account, and of nobody."""

from __future__ import annotations

from collections.abc import Mapping

from quickshop.privacy.holding import CHANGED, EMPTY, NOBODY_LEFT, Holding, cols

HOLDINGS: Mapping[str, Holding] = {
    # --- the account and the key -------------------------------------------------------------------------------
    "users": Holding(
        "The account",
        "id = :user",
        CHANGED,
        "a row under a random name stays, so that orders and the audit log still refer to something",
        section="account",
        shown=cols(
            "id username locale email_verified_at vip tax_exempt segment order_count spent_minor spent disabled_at "
            "created_at"
        ),
        sealed={"email": "email", "first_name": "first_name", "last_name": "last_name", "phone": "phone"},
        secret=cols("email_index password_hash"),
        plain=cols("person_id event_seq version erased_at"),
        blanked={
            "username": "'erased-' || left(replace(CAST(gen_random_uuid() AS text), '-', ''), 24)",
            "email": EMPTY,
            "email_index": "uuid_send(gen_random_uuid())",
            "first_name": EMPTY,
            "last_name": EMPTY,
            "phone": "NULL",
            "locale": "'en'",
            "segment": "NULL",
            "password_hash": "'!'",
            "email_verified_at": "NULL",
            "vip": "false",
            "tax_exempt": "false",
            "event_seq": "0",
            "version": "version + 1",
            "disabled_at": "coalesce(disabled_at, now())",
            "erased_at": "now()",
        },
        kept={
            "id": NOBODY_LEFT,
            "order_count": "the sum of orders that are kept",
            "spent_minor": "the sum of orders that are kept",
            "spent": "the sums of orders that are kept, by currency",
            "created_at": NOBODY_LEFT,
        },
    ),
    "persons": Holding(
        "The key that seals everything else, wrapped by a master key",
        "id = ANY(:persons)",
        CHANGED,
        "an id without a key",
        secret=cols("key_id wrapped_key"),
        plain=cols("id created_at erased_at"),
        blanked={"key_id": "NULL", "wrapped_key": "NULL", "erased_at": "now()"},
    ),
    # --- kept for the shop's own account -----------------------------------------------------------------------
    "audit_log": Holding(
        "Who did what to what: ids and names of fields, and the network a request came from",
        why="nobody can change it, so nothing personal may stand in it; the ids in it name nobody after an erasure",
        plain=cols("chain seq at actor action target outcome data network request_id previous mac"),
    ),
    "audit_heads": Holding("The last entry of each chain", plain=cols("chain seq mac written_at")),
    # --- work on orders and payments: ids, amounts and states --------------------------------------------------
    "order_processing": Holding(
        "Work on orders",
        plain=cols(
            "order_id queue step attempt lease_token lease_until next_run_at hinted_at "
            "waiting_since started_at ended_at last_error position entered_at taken_at tries retries "
            "stopped_at stopped_why"
        ),
    ),
    "order_stages": Holding(
        "Stages of work that orders have passed",
        plain=cols("order_id position stage entered_at started_at ended_at attempts outcome error wait_reason retries"),
    ),
    "order_transitions": Holding("Moves the database allows", plain=cols("field before after")),
    "payment_attempts": Holding(
        "Calls to the payment provider, by order",
        plain=cols("key order_id round kind amount_minor state code look_ups number reason created_at resolved_at"),
    ),
    "payment_books": Holding(
        "Up to when the books of payment providers were compared", plain=cols("provider look checked_until")
    ),
    "payment_breaks": Holding(
        "Where the books of the payment provider, of payments and of orders differ",
        plain=cols(
            "id kind provider subject provider_ref order_id currency expected_minor found_minor detail state opened_at"
            " seen_at closed_at closed_by note"
        ),
    ),
    "payment_webhooks": Holding(
        "Events of the payment provider, which name charges and amounts",
        plain=cols("provider event_id payload received_at"),
    ),
    "stock_holds": Holding(
        "Units promised to carts and orders",
        plain=cols("id cart_id order_id state expires_at warned_at created_at"),
    ),
    "stock_hold_lines": Holding("How many units", plain=cols("hold_id variant_id quantity")),
    "stock_movements": Holding("Movements of stock", plain=cols("id variant_id delta cause order_id note at")),
    # --- of nobody ---------------------------------------------------------------------------------------------
    "promotions": Holding(
        "Offers",
        plain=cols(
            "id name label kind automatic active exclusive priority rate amounts tiers buy get minimums category_ids "
            "product_ids segments first_order starts_at ends_at total_limit person_limit used version created_at"
        ),
    ),
    "promotion_codes": Holding("Codes of offers", plain=cols("code promotion_id active total_limit used created_at")),
    "stock_items": Holding("Stock", plain=cols("variant_id on_hand held low_at")),
    "low_stock": Holding("What runs low", plain=cols("variant_id since")),
    "categories": Holding("The catalogue", plain=cols("id parent_id path slug name position version")),
    "products": Holding(
        "The catalogue",
        plain=cols(
            "id slug name description category_id tax_class attributes options image images card price_minor "
            "rating_average rating_count sold_count published_at withdrawn_at next_change_at created_at "
            "updated_at"
        ),
    ),
    "variants": Holding(
        "The catalogue",
        plain=cols(
            "id product_id sku options currency price_minor compare_at_minor sale_price_minor sale_from sale_until "
            "image picture_id weight_grams position"
        ),
    ),
    "pictures": Holding("Pictures of products", plain=cols("id product_id position alt created_at")),
    "picture_files": Holding("Which files a picture has", plain=cols("picture_id format width height digest")),
    "media_files": Holding(
        "The files of pictures, without what came with them: place, time, camera",
        why="a day after no picture has them any more",
        plain=cols("digest format body wanted_at"),
    ),
    "attributes": Holding("The catalogue", plain=cols("name label facetable position version")),
    "attribute_values": Holding("The catalogue", plain=cols("id attribute value")),
    "category_slugs": Holding("The catalogue's old addresses", plain=cols("slug category_id replaced_at")),
    "category_tallies": Holding("How much each category holds", plain=cols("id category_id products")),
    "product_slugs": Holding("The catalogue's old addresses", plain=cols("slug product_id replaced_at")),
    "product_relations": Holding("What goes with what", plain=cols("product_id related_id position")),
    "variant_prices": Holding(
        "Prices in other currencies",
        plain=cols("variant_id currency price_minor compare_at_minor sale_price_minor updated_at"),
    ),
    "cart_shares": Holding(
        "What lay in a cart that was shared, without whose it was",
        why="30 days",
        plain=cols("id items created_at expires_at"),
    ),
    "price_changes": Holding(
        "What prices were",
        plain=cols("id variant_id at price_minor compare_at_minor sale_price_minor sale_from sale_until"),
    ),
    "listings": Holding(
        "What lists of products filter and sort by",
        plain=cols(
            "product_id category_id published_us price_minor rating_rank popularity rating in_stock attribute_ids"
        ),
    ),
    "listing_prices": Holding(
        "What products cost in other currencies", plain=cols("product_id currency price_minor was_minor variant_id")
    ),
    "product_texts": Holding("What is searched of products", plain=cols("product_id title codes labels body tsv")),
    "catalog_words": Holding("Words of products", plain=cols("word fragments")),
    "imports": Holding(
        "Files of products, prices and stock on their way in",
        why="30 days after their end",
        plain=cols(
            "id kind name state stopped_in mode dry_run header columns delimiter line_end size_bytes position "
            "next_row rows_read rows_good rows_bad rows_new rows_applied applied_row attempt lease_token lease_until "
            "next_run_at told_at created_at changed_at ended_at failure last_error"
        ),
    ),
    "import_chunks": Holding("Such a file, until its import ends", plain=cols("import_id number body")),
    "import_rows": Holding("What was read of it, until then", plain=cols("import_id row sku slug data")),
    "import_products": Holding("What was read of it, until then", plain=cols("import_id slug said")),
    "import_touched": Holding("What it changed, until then", plain=cols("import_id product_id")),
    "import_errors": Holding("What is wrong with its rows", plain=cols("id import_id row field reason detail")),
    "shipping_methods": Holding(
        "Ways of shipping",
        plain=cols(
            "code name kind zone_code currency price_minor priced_by free_from_minor min_weight_grams max_weight_grams "
            "min_value_minor max_value_minor min_days max_days note position active"
        ),
    ),
    "shipping_bands": Holding("What they cost", plain=cols("method_code starts_at price_minor")),
    "shipping_zones": Holding("Where they go", plain=cols("code name position")),
    "shipping_zone_places": Holding("Where they go", plain=cols("country region zone_code")),
    "holidays": Holding("Days without work", plain=cols("day name")),
    "shipping_settings": Holding(
        "The shop's working day and home",
        plain=cols(
            "id timezone cut_off handling_days working_days orders_per_day waiting_orders waiting_at home_country "
            "home_region"
        ),
    ),
    "tax_classes": Holding("Goods that are taxed alike", plain=cols("code name position")),
    "tax_rates": Holding("Rates of tax", plain=cols("id tax_class country region name millionths replaces")),
    "tax_settings": Holding("How the shop taxes", plain=cols("id prices_include_tax shipping_class")),
    "canned_replies": Holding("Words that staff use often", plain=cols("id title body version created_at")),
    "roles": Holding("Sets of permissions", plain=cols("name permissions description built_in")),
    "outbox": Holding(
        "Live frames and task hints on their way: ids, states and amounts",
        why="10 minutes after they were sent",
        plain=cols("id frames tasks created_at lease_until sent_at"),
    ),
    "invoice_series": Holding("Numbers of invoices", plain=cols("name kind last_number last_at")),
    "shop_logos": Holding("The shop's mark", plain=cols("digest body added_at")),
    "shop_settings": Holding("What staff set", plain=cols("name value version changed_by changed_at")),
    "fact_listeners": Holding("Who wants to know of every fact", plain=cols("consumer task queue")),
    "webhook_endpoints": Holding(
        "Other systems of the shop that are told of events; their secrets stand sealed",
        plain=cols(
            "id name url events state secret previous_secret previous_until failures failing_since open_until "
            "lease_token lease_until version created_by created_at"
        ),
    ),
    "webhook_events": Holding(
        "What they are told: ids, states and amounts",
        why="30 days",
        plain=cols("seq id source type data at noted_at"),
    ),
    "webhook_deliveries": Holding(
        "What became of telling them",
        why="as long as the event",
        plain=cols("id endpoint_id event_seq state attempts next_run_at created_at ended_at"),
    ),
    "webhook_attempts": Holding(
        "Each try to tell them",
        why="as long as the event",
        plain=cols("id delivery_id at status error milliseconds"),
    ),
    "periodic_jobs": Holding("Upkeep", plain=cols("name queue every_seconds next_run_at")),
    "worker_canaries": Holding("Signs of life", plain=cols("queue seen_at")),
    "relay_beats": Holding("Signs of life", plain=cols("name seen_at")),
}
