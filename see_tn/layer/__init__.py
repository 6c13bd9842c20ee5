"""The layer in place of nn.Embedding, and the folder that it is kept in."""
