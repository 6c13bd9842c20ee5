"""The translation benchmark: small models trained dense and compressed, and what is left of their BLEU."""
