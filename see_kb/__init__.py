"""What language knows: dictionaries of sememes, tokenizers' pieces, and the table that joins them. No torch here."""
