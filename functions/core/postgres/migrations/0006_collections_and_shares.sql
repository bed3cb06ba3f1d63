-- Collections, whose order is kept by one number per item, and links that share an asset or a collection.

CREATE TABLE collections (
    id uuid PRIMARY KEY,
    owner uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    visibility text NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'unlisted', 'public')),
    cover uuid REFERENCES assets (id) ON DELETE SET NULL,
    revision integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX collections_by_owner ON collections (owner, id DESC);
CREATE INDEX collections_public ON collections (id DESC) WHERE visibility = 'public';
CREATE INDEX collections_by_cover ON collections (cover) WHERE cover IS NOT NULL;

CREATE TABLE collection_items (
    collection_id uuid NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    asset_id uuid NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    position bigint NOT NULL,
    PRIMARY KEY (collection_id, asset_id),
    -- Deferrable: checked at the end of the statement that spreads a whole collection anew.
    CONSTRAINT collection_items_order UNIQUE (collection_id, position) DEFERRABLE INITIALLY IMMEDIATE
);
CREATE INDEX collection_items_by_asset ON collection_items (asset_id);

-- A link is known by the SHA-256 of its token; addresses of pictures and unlocked visits name `reach`, which is another
-- with each new password, so that what was handed out before is good no more.
CREATE TABLE shares (
    id uuid PRIMARY KEY,
    maker uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    asset_id uuid REFERENCES assets (id) ON DELETE CASCADE,
    collection_id uuid REFERENCES collections (id) ON DELETE CASCADE,
    name text NOT NULL DEFAULT '',
    token bytea NOT NULL UNIQUE CHECK (octet_length(token) = 32),
    reach uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    salt bytea,
    password bytea,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(asset_id, collection_id) = 1),
    CHECK ((salt IS NULL) = (password IS NULL))
);
CREATE INDEX shares_by_maker ON shares (maker, id DESC);
CREATE INDEX shares_by_asset ON shares (asset_id) WHERE asset_id IS NOT NULL;
CREATE INDEX shares_by_collection ON shares (collection_id) WHERE collection_id IS NOT NULL;

-- Passwords that were wrong, or are being looked at, in the last minute.
CREATE TABLE share_tries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    share_id uuid NOT NULL,
    network text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX share_tries_by_share ON share_tries (share_id, at);
CREATE INDEX share_tries_by_network ON share_tries (network, at);
CREATE INDEX share_tries_age ON share_tries (at);
