"""A dictionary as a knowledge base: senses, sememe trees, relations and similarity."""
