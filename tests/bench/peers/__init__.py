"""What others put in the place of an embedding table, under one interface; for benchmarks only."""
