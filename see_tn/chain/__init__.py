"""The formula: a row is its units' cores, contracted along their bonds and summed over terms."""
