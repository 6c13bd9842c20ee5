"""One job per file: each a plain function, and a command in `cli`."""
