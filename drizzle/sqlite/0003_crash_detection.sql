-- The schema of both backends is one: where there are no advisory locks, nobody takes any.
ALTER TABLE sessions ADD COLUMN lock_key integer;
