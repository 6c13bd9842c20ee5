"""What tensors know: a row is its units' cores, contracted along their bonds. Works without a dictionary."""
