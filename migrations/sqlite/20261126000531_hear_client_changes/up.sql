-- Nothing: the one process that writes has triggers of its own (crates/persistence/src/sqlite/watch.rs), so that other
-- programs can write to the file without the function that these call.
SELECT 1;
