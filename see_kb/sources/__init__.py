"""Where senses come from: one file per format, all ending in the same `Lexicon`."""
