"""Entanglement, measured: what of a row lies between its sites, and what a smaller bond would lose."""
