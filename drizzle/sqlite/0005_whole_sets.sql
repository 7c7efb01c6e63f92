-- Nothing: what PostgreSQL does here for whole statements SQLite does row by row, as before. The levels of both go up together, so that a
-- store can be copied from one to the other.
SELECT 1;
