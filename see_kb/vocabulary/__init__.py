"""A tokenizer's vocabulary: its files, its pieces, their scripts, and how often they occur."""
