-- Users, assets and what the pipeline writes about them; inbox, outbox, event log.

CREATE TABLE users (
    id uuid PRIMARY KEY,
    issuer text NOT NULL,
    subject text NOT NULL,
    handle text NOT NULL UNIQUE,
    name text NOT NULL,
    banned_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (issuer, subject)
);

CREATE TABLE assets (
    id uuid PRIMARY KEY,
    owner uuid NOT NULL REFERENCES users (id),
    state text NOT NULL CHECK (state IN (
        'new', 'uploaded', 'processed', 'ready', 'rejected', 'failed', 'expired', 'deleting')),
    moderation text NOT NULL DEFAULT 'pending'
        CHECK (moderation IN ('pending', 'approved', 'restricted', 'rejected')),
    visibility text NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'unlisted', 'public')),
    generation integer NOT NULL DEFAULT 1,
    run integer NOT NULL DEFAULT 0,
    change bigint NOT NULL DEFAULT 0,
    revision integer NOT NULL DEFAULT 1,
    name text NOT NULL,
    title text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    alt text NOT NULL DEFAULT '',
    licence text NOT NULL DEFAULT '',
    rating text NOT NULL DEFAULT 'general',
    declared_type text NOT NULL,
    content_type text,
    size bigint NOT NULL,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    width integer,
    height integer,
    phash bigint,
    thumbhash bytea,
    colors text[] NOT NULL DEFAULT '{}',
    color_names text[] NOT NULL DEFAULT '{}',
    reason text,
    words tsvector NOT NULL DEFAULT '',
    trashed_at timestamptz,
    form_expires_at timestamptz NOT NULL,
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
-- The same bytes live once per owner; nothing is shared between owners.
CREATE UNIQUE INDEX assets_once ON assets (owner, sha256) WHERE state NOT IN ('expired', 'deleting');
CREATE INDEX assets_by_owner ON assets (owner, created_at DESC, id DESC);
CREATE INDEX assets_newest ON assets (created_at DESC, id DESC) WHERE state = 'ready';
CREATE INDEX assets_under_way ON assets (state, updated_at) WHERE state NOT IN ('ready', 'rejected', 'expired');
CREATE INDEX assets_trashed ON assets (trashed_at) WHERE trashed_at IS NOT NULL;
-- Without a list of pending entries, which every search would have to read through.
CREATE INDEX assets_words ON assets USING gin (words) WITH (fastupdate = off);

CREATE TABLE tombstones (
    asset_id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE renditions (
    asset_id uuid NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    generation integer NOT NULL,
    variant text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    content_type text NOT NULL,
    size integer NOT NULL,
    PRIMARY KEY (asset_id, generation, variant)
);

CREATE TABLE metadata (
    asset_id uuid PRIMARY KEY REFERENCES assets (id) ON DELETE CASCADE,
    exif jsonb NOT NULL,
    ai jsonb NOT NULL
);

CREATE TABLE tags (
    asset_id uuid NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    name text NOT NULL,
    source text NOT NULL,
    confidence real NOT NULL DEFAULT 1,
    PRIMARY KEY (asset_id, name)
);
CREATE INDEX tags_by_name ON tags (name);

CREATE TABLE embeddings (
    asset_id uuid NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    model text NOT NULL,
    generation integer NOT NULL,
    vector bytea NOT NULL,  -- float16, little-endian
    PRIMARY KEY (asset_id, model)
);

CREATE TABLE query_images (
    id uuid PRIMARY KEY,
    owner uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    model text NOT NULL,
    vector bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX query_images_expiry ON query_images (expires_at);

CREATE TABLE block_sha256 (sha256 bytea PRIMARY KEY, note text NOT NULL DEFAULT '');
CREATE TABLE block_phash (phash bigint PRIMARY KEY, note text NOT NULL DEFAULT '');

CREATE TABLE pipeline_steps (
    asset_id uuid NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    run integer NOT NULL,
    step text NOT NULL,
    state text NOT NULL CHECK (state IN ('working', 'done', 'rejected', 'failed')),
    attempts integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    error text,
    PRIMARY KEY (asset_id, run, step)
);

-- What each step has taken on and what it answered; a duplicate gets the same reply.
CREATE TABLE inbox (
    step text NOT NULL,
    asset_id uuid NOT NULL,
    generation integer NOT NULL,
    mark text NOT NULL,
    state text NOT NULL CHECK (state IN ('working', 'done', 'dead')),
    token uuid NOT NULL,
    attempts integer NOT NULL DEFAULT 1,
    lost integer NOT NULL DEFAULT 0,
    lease_until timestamptz NOT NULL,
    reply jsonb,
    error text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (step, asset_id, generation, mark)
);
CREATE INDEX inbox_age ON inbox (updated_at);

-- Facts born outside a step, in the transaction that made them true.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key text NOT NULL,
    event jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
);
CREATE INDEX outbox_waiting ON outbox (id) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

-- The embedded event log: one row per event and group, gone when the group is done with it.
CREATE TABLE deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    "group" text NOT NULL,
    key text NOT NULL,
    message jsonb NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    waits integer NOT NULL DEFAULT 0,
    suspect boolean NOT NULL DEFAULT false,  -- a process died, or slept, while it had this
    not_before timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz,
    token uuid,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX deliveries_in_order ON deliveries ("group", id);
CREATE INDEX deliveries_by_key ON deliveries (key, id);

CREATE TABLE dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    "group" text NOT NULL,
    key text NOT NULL,
    message jsonb NOT NULL,
    error text NOT NULL,
    attempts integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The words by which an asset is found: title and tags first, then description, prompt and file name.
CREATE FUNCTION asset_words(asset uuid) RETURNS tsvector LANGUAGE sql STABLE AS $$
    SELECT setweight(to_tsvector('english', a.title || ' ' || coalesce(t.names, '')), 'A')
        || setweight(to_tsvector('english', a.description || ' ' || coalesce(m.ai ->> 'prompt', '')), 'B')
        || setweight(to_tsvector('english', regexp_replace(a.name, '[^[:alnum:]]+', ' ', 'g')), 'C')
    FROM assets a
    LEFT JOIN metadata m ON m.asset_id = a.id
    LEFT JOIN LATERAL (SELECT string_agg(name, ' ') AS names FROM tags WHERE asset_id = a.id) t ON true
    WHERE a.id = asset
$$;
