"""The layer inside a model: put in, taken out, saved and loaded, with tied output heads."""
