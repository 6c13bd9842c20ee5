"""Tables in Parquet and DuckDB: their schemas, how they are written, read, queried and summed up."""
