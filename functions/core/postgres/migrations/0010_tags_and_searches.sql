-- What people and machines say of an asset side by side, suggestions, and the searches that people made last.

ALTER TABLE tags DROP CONSTRAINT tags_pkey, ADD PRIMARY KEY (asset_id, name, source);

-- One row for each name: a person's word stands before any machine's, and without confidence it takes the name away.
CREATE VIEW shown_tags AS
    SELECT asset_id, name, source, confidence FROM tags t
    WHERE confidence > 0 AND NOT EXISTS (
        SELECT FROM tags b WHERE b.asset_id = t.asset_id AND b.name = t.name
            AND (b.source = 'person', b.confidence, b.source) > (t.source = 'person', t.confidence, t.source));

CREATE OR REPLACE FUNCTION asset_words(asset uuid) RETURNS tsvector LANGUAGE sql STABLE AS $$
    SELECT setweight(to_tsvector('english', a.title || ' ' || coalesce(t.names, '')), 'A')
        || setweight(to_tsvector('english', a.description || ' ' || coalesce(m.ai ->> 'prompt', '')), 'B')
        || setweight(to_tsvector('english', regexp_replace(a.name, '[^[:alnum:]]+', ' ', 'g')), 'C')
    FROM assets a
    LEFT JOIN metadata m ON m.asset_id = a.id
    LEFT JOIN LATERAL (SELECT string_agg(name, ' ') AS names FROM shown_tags WHERE asset_id = a.id) t ON true
    WHERE a.id = asset
$$;

-- As people type it: without case, accents and other marks.
CREATE FUNCTION folded(said text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT regexp_replace(normalize(lower(said), NFKD), '[\u0300-\u036f]', '', 'g')
$$;
CREATE INDEX tags_as_typed ON tags (folded(name) text_pattern_ops);
CREATE INDEX users_by_handle_typed ON users (folded(handle) text_pattern_ops);
CREATE INDEX users_by_name_typed ON users (folded(name) text_pattern_ops);

CREATE TABLE recent_searches (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    said text NOT NULL,
    searched_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, said)
);
