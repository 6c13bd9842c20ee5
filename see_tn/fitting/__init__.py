"""Numbers for the cores: random starts, least squares, and how far a fit is from a teacher's table."""
