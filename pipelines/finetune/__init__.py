"""Two stages of training for a model folder: factors in place of its table, aligned with it, then distilled."""
